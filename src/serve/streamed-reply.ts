import type { SSEStreamingApi } from 'hono/streaming';
import type { Clock } from '../contracts/clock.ts';
import { AbortScope } from '../runtime/abort-scope.ts';
import type { ApiError } from './api-error.ts';
import type { Choice, Completion, WorkListener } from './completion.ts';
import type { CompletionTask } from './completion-task.ts';
import { extensionBody, finishFields, tokenFields, usageBody, type ReplyHead, type ReplyTiming } from './reply-body.ts';
import type { NamedToken } from './token-texts.ts';

/** A reader slower than the work loses notes, never text. */
const MOST_NOTES = 64;
/** Proxies close connections on which nothing happens. */
const PING_INTERVAL_MS = 10_000;

interface Growing {
  text: string;
  reasoning: string;
  tokens: readonly NamedToken[];
  sentReasoning: string;
  sentText: string;
  sentTokens: number;
  hasBegun: boolean;
}

/**
 * Writes a reply as server-sent events while the work goes on. What happens while a chunk is on its way is put together into
 * the next one, so that a slow reader costs no memory.
 */
export class StreamedReply implements WorkListener {
  readonly #stream: SSEStreamingApi;
  readonly #task: CompletionTask;
  readonly #head: ReplyHead;
  readonly #choices = new Map<number, Growing>();
  #notes: string[] = [];
  #writing: Promise<void> | undefined;
  #isWriting = false;
  readonly #ended = new AbortScope();

  constructor(stream: SSEStreamingApi, task: CompletionTask, head: ReplyHead) {
    this.#stream = stream;
    this.#task = task;
    this.#head = head;
  }

  onText(index: number, text: string): void {
    this.#choiceOf(index).text = text;
    this.#write();
  }

  onReasoning(index: number, reasoning: string): void {
    this.#choiceOf(index).reasoning = reasoning;
    this.#write();
  }

  onTokens(index: number, tokens: readonly NamedToken[]): void {
    this.#choiceOf(index).tokens = tokens;
  }

  onNote(name: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#notes.length < MOST_NOTES) this.#notes.push(JSON.stringify({ event: name, ...fields }));
    this.#write();
  }

  /** Says that the connection is meant to last, every now and then. */
  async keepAlive(clock: Clock): Promise<void> {
    const { signal } = this.#ended;
    while (clock.wait && !signal.aborted) {
      await clock.wait(PING_INTERVAL_MS, signal);
      if (signal.aborted) return;
      await this.#writing;
      await this.#stream.write(': ping\n\n');
    }
  }

  /** Writes what has not been sent yet, how each choice ended, and the end of the stream. */
  async complete(completion: Completion, timing: ReplyTiming): Promise<void> {
    for (const { index, text, reasoning = '', tokens } of completion.choices) {
      const choice = this.#choiceOf(index);
      // What was sent cannot be taken back: better an error than two texts in one.
      if (!text.startsWith(choice.sentText)) throw new Error(`${this.#task.strategy.name} returned a text other than the one it had begun.`);
      Object.assign(choice, { text, tokens: tokens ?? [], ...(reasoning.startsWith(choice.sentReasoning) && { reasoning }) });
    }
    await this.#settle();
    const last = completion.choices.at(-1);
    for (const choice of completion.choices) {
      await this.#chunk({
        choices: [this.#end(choice)],
        ...(choice === last && { latency_tts: extensionBody(this.#task, completion, timing) }),
      });
    }
    if (this.#task.includesUsage) await this.#chunk({ choices: [], usage: usageBody(completion.usage) });
    await this.#stream.writeSSE({ data: '[DONE]' });
  }

  /** Ends the stream with an error, after what there is. */
  async fail(error: ApiError): Promise<void> {
    await this.#settle();
    await this.#stream.writeSSE({ data: JSON.stringify(error) });
  }

  async #settle(): Promise<void> {
    this.#ended.end();
    this.#write();
    await this.#writing;
  }

  #choiceOf(index: number): Growing {
    let choice = this.#choices.get(index);
    if (!choice) this.#choices.set(index, (choice = { text: '', reasoning: '', tokens: [], sentText: '', sentReasoning: '', sentTokens: 0, hasBegun: false }));
    return choice;
  }

  #write(): void {
    if (!this.#isWriting) this.#writing = this.#flush();
  }

  async #flush(): Promise<void> {
    this.#isWriting = true;
    try {
      // Looked at again without a pause before the flag falls: what comes between the two would be left behind.
      while (this.#hasMore()) await this.#sendOnce();
    } finally {
      this.#isWriting = false;
    }
  }

  #hasMore(): boolean {
    return this.#notes.length > 0 || [...this.#choices.values()].some((choice) => !choice.hasBegun || hasMore(choice));
  }

  async #sendOnce(): Promise<void> {
    const notes = this.#notes;
    this.#notes = [];
    for (const note of notes) await this.#stream.write(`: ${note}\n\n`);
    for (const [index, choice] of this.#choices) {
      if (!choice.hasBegun || hasMore(choice)) await this.#sendDelta(index, choice);
    }
  }

  async #sendDelta(index: number, choice: Growing): Promise<void> {
    // The role comes alone, as from OpenAI: some clients count log-probabilities of the first chunk twice.
    if (!choice.hasBegun && this.#task.endpoint === 'chat')
      await this.#chunk({ choices: [{ index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }] });
    choice.hasBegun = true;
    const { text, reasoning, tokens, sentText, sentReasoning, sentTokens } = choice;
    const [added, named] = [text.slice(sentText.length), tokens.slice(sentTokens)];
    Object.assign(choice, { sentText: text, sentReasoning: reasoning, sentTokens: tokens.length });
    if (reasoning.length > sentReasoning.length && this.#task.endpoint === 'chat') {
      await this.#chunk({ choices: [{ index, delta: { reasoning_content: reasoning.slice(sentReasoning.length) }, logprobs: null, finish_reason: null }] });
    }
    if (added === '' && named.length === 0) return;
    await this.#chunk({ choices: [this.#delta(index, added, named)] });
  }

  #end({ index, ...choice }: Choice): object {
    return { ...this.#delta(index, undefined, []), ...finishFields(choice) };
  }

  #delta(index: number, text: string | undefined, named: readonly NamedToken[]): object {
    const body = this.#task.endpoint === 'chat' ? { delta: text === undefined ? {} : { content: text } } : { text: text ?? '' };
    return { index, ...body, ...tokenFields(named, this.#task), finish_reason: null };
  }

  async #chunk(fields: object): Promise<void> {
    const { endpoint, modelId, includesUsage } = this.#task;
    const { id, created } = this.#head;
    const object = endpoint === 'chat' ? 'chat.completion.chunk' : 'text_completion';
    await this.#stream.writeSSE({ data: JSON.stringify({ id, object, created, model: modelId, ...(includesUsage && { usage: null }), ...fields }) });
  }
}

function hasMore({ text, reasoning, tokens, sentText, sentReasoning, sentTokens }: Growing): boolean {
  return text.length > sentText.length || reasoning.length > sentReasoning.length || tokens.length > sentTokens;
}
