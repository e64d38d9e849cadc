/**
 * Sends what is posted in one turn as one message, in order, a microtask after the first of it.
 *
 * A worker takes in one message at a time and goes on with its work in between: of branches that are advanced together but sent
 * one by one, the first would take its first step alone. Waiting for further messages on the other side instead would cost every
 * step that wait, and could not know for how many to wait.
 */
export class Outbox<Message> {
  readonly #post: (messages: readonly Message[]) => void;
  readonly #onUnsent: (message: Message, error: unknown) => void;
  #waiting: Message[] = [];

  /**
   * @param post - Sends all of them or throws: when one has something in it that cannot be cloned.
   * @param onUnsent - Called with each message that cannot be sent, and why. The others of its turn are sent without it.
   */
  constructor(post: (messages: readonly Message[]) => void, onUnsent: (message: Message, error: unknown) => void) {
    this.#post = post;
    this.#onUnsent = onUnsent;
  }

  add(message: Message): void {
    if (this.#waiting.push(message) === 1) queueMicrotask(() => this.#send());
  }

  #send(): void {
    const messages = this.#waiting;
    this.#waiting = [];
    try {
      this.#post(messages);
    } catch {
      for (const message of messages) this.#sendAlone(message);
    }
  }

  #sendAlone(message: Message): void {
    try {
      this.#post([message]);
    } catch (error) {
      this.#onUnsent(message, error);
    }
  }
}
