/** An engine whose branches write when a test lets them, and that counts what is open. */
import type { AdvanceOptions, Branch, Engine, EngineUsage, Segment, Session, SessionOptions } from '../../src/contracts/engine.ts';
import type { Prompt } from '../../src/contracts/prompt.ts';

export class GatedEngine implements Engine {
  readonly name = 'gated';
  readonly contextTokens = 100;
  /** Prompts opened so far. */
  readonly prompts: Prompt[] = [];
  readonly options: SessionOptions[] = [];
  openSessions = 0;
  openAdvances = 0;
  readonly #waiting: ((outcome: string | Error) => void)[] = [];
  #arrivals: (() => void)[] = [];

  async ready(): Promise<void> {}
  async dispose(): Promise<void> {}

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    options.signal?.throwIfAborted();
    this.prompts.push(prompt);
    this.options.push(options);
    this.openSessions++;
    return new GatedSession(this);
  }

  /** Ends the oldest open call of `advance` with this text, or has it fail. */
  release(outcome: string | Error = 'done'): void {
    this.#waiting.shift()!(outcome);
  }

  /** Resolves once this many calls of `advance` are open. */
  async reached(count: number): Promise<void> {
    while (this.openAdvances < count) await new Promise<void>((resolve) => this.#arrivals.push(resolve));
  }

  advance(finish: (outcome: string | Error) => void): void {
    this.openAdvances++;
    this.#waiting.push(finish);
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    for (const resolve of arrivals) resolve();
  }

  leave(finish: (outcome: string | Error) => void): void {
    this.openAdvances--;
    const place = this.#waiting.indexOf(finish);
    if (place >= 0) this.#waiting.splice(place, 1);
  }
}

class GatedSession implements Session {
  readonly promptTokens = 3;
  readonly #engine: GatedEngine;
  readonly #branches: GatedBranch[] = [];
  #isDisposed = false;

  constructor(engine: GatedEngine) {
    this.#engine = engine;
  }

  branch(count: number): Branch[] {
    const added = Array.from({ length: count }, (_, index) => new GatedBranch(this.#engine, this.#branches.length + index));
    this.#branches.push(...added);
    return added;
  }

  usage(): EngineUsage {
    const completionTokens = this.#branches.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
    return { promptTokens: this.promptTokens, completionTokens, forcedTokens: 0, forwardCount: completionTokens };
  }

  async dispose(): Promise<void> {
    if (!this.#isDisposed) this.#engine.openSessions--;
    this.#isDisposed = true;
    for (const branch of this.#branches) branch.abort();
  }
}

class GatedBranch implements Branch {
  readonly number: number;
  text = '';
  tokenCount = 0;
  ended: Branch['ended'];
  readonly #engine: GatedEngine;
  #end: ((outcome: string | Error) => void) | undefined;

  constructor(engine: GatedEngine, number: number) {
    this.#engine = engine;
    this.number = number;
  }

  advance({ signal }: AdvanceOptions = {}): Promise<Segment> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.#engine.leave(finish);
        this.#end = undefined;
        act();
      };
      const finish = (outcome: string | Error): void =>
        settle(() => (outcome instanceof Error ? reject(outcome) : resolve(this.#segment(outcome, this.ended === 'aborted' ? 'aborted' : 'end'))));
      if (signal?.aborted) return reject(signal.reason as Error);
      signal?.addEventListener('abort', () => settle(() => reject(signal.reason as Error)), { once: true });
      this.#end = finish;
      this.#engine.advance(finish);
    });
  }

  fork(): Branch {
    throw new Error('Not scripted.');
  }

  async force(): Promise<void> {}

  abort(): void {
    this.ended ??= 'aborted';
    this.#end?.('');
  }

  #segment(text: string, finish: Segment['finish']): Segment {
    this.text += text;
    this.tokenCount += text.length;
    this.ended ??= 'end';
    const tokens = Array.from(text, () => 0);
    return { text, tokenCount: tokens.length, tokens, logprobs: tokens.map(() => -1), finish, startedAt: 0, endedAt: 0 };
  }
}
