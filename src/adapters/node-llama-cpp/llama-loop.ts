import type { Clock } from '../../contracts/clock.ts';
import { DisposedError, LatencyTtsError, ModelError } from '../../errors.ts';
import { prefillChunk } from '../../engines/prefill-chunk.ts';
import { StepTimer } from '../../runtime/step-timer.ts';
import type { LlamaContextLike, LlamaInput, LlamaOutput } from './llama-interface.ts';
import { assignSlots, sharedTokens, type Slot } from './llama-slots.ts';
import type { LlamaQuestion, LlamaWork } from './llama-work.ts';

const FIRST_CHUNK = 64;
/** Most bytes that node-llama-cpp keeps for each token of the vocabulary until a call's sampler is collected. */
const SAMPLER_BYTES_PER_TOKEN = 12;
/** V8 collects when buffers have grown by 64 MB since the last time. */
const MOST_TOLD_BYTES = 128e6;
/** A copied cache saves as many evaluations; below this it is not worth a call. */
const LEAST_COPIED = 8;
const NO_DRAFT: readonly number[] = [];
/** Before the first steps were timed. */
const FIRST_PATIENCE_MS = 1000;

/** A piece of work in a step. */
interface Turn {
  readonly work: LlamaWork;
  readonly slot: Slot;
  draft: readonly number[];
  question: LlamaQuestion;
  /** Tokens of the question that the slot's cache holds. */
  held: number;
  /** Tokens that are evaluated now. */
  input: LlamaInput[];
  /** What came of them. */
  outputs?: readonly (LlamaOutput | undefined)[];
  error?: unknown;
}

/**
 * Steps of all open work over one context of llama.cpp. What takes part in a step is handed over in one turn of the event loop,
 * which node-llama-cpp makes one batch of; the next step starts when all of it has come back.
 */
export class LlamaLoop {
  readonly #context: LlamaContextLike;
  readonly #slots: readonly Slot[];
  readonly #vocabularySize: number;
  readonly #open = new Set<LlamaWork>();
  /** Work whose batch has failed: it is tried once more by itself. */
  readonly #suspects = new Set<LlamaWork>();
  readonly #timers = new WeakMap<Clock, StepTimer>();
  #msPerReadToken = 0;
  /** Stands for memory of samplers. */
  #told: Buffer[] = [];
  #useCount = 0;
  #running: Promise<void> | undefined;
  #isDisposed = false;

  constructor(context: LlamaContextLike, slots: readonly Slot[], vocabularySize: number) {
    this.#context = context;
    this.#slots = slots;
    this.#vocabularySize = vocabularySize;
  }

  /** Adds work; it settles itself when it is done. */
  add(work: LlamaWork): void {
    if (this.#isDisposed) {
      work.fail(new DisposedError('engine'));
      return;
    }
    this.#open.add(work);
    // A microtask later, so that all that is added together is in the first step together.
    this.#running ??= Promise.resolve().then(() => this.#run());
  }

  /** The user is gone. Its tokens stay in their slot, for others that begin alike. */
  release(user: Slot['user']): void {
    for (const slot of this.#slots) if (slot.user === user) slot.user = undefined;
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.#running;
    await Promise.all(this.#slots.map(async ({ drafter }) => drafter?.dispose()));
    await this.#context.dispose();
  }

  async #run(): Promise<void> {
    while (this.#open.size > 0 && !this.#isDisposed) await this.#step();
    for (const work of this.#open) work.fail(new DisposedError('engine'));
    this.#open.clear();
    this.#running = undefined;
  }

  async #step(): Promise<void> {
    for (const work of this.#open) this.#settle(work, () => work.settleIfEnded());
    const batch = this.#nextBatch();
    if (batch.length === 0) return;
    const starts = new Map(batch.map(({ clock }) => [clock, clock.now()]));
    const turns = await this.#prepare(batch);
    const readTokens = this.#share(turns);
    const active = turns.filter(({ input, error }) => input.length > 0 && error === undefined);
    await Promise.all(active.map((turn) => this.#evaluate(turn)));
    for (const [clock, startedAt] of starts) this.#record(clock, { rows: active.length, readTokens, milliseconds: clock.now() - startedAt });
    const onForwards = new Set(active.flatMap(({ work, error }) => (error === undefined ? work.onForward : [])));
    for (const turn of turns) this.#finish(turn, active.length);
    for (const onForward of onForwards) onForward();
  }

  /** Removes work that is settled, or that throws: what fails for one must not stop the others. */
  #settle(work: LlamaWork, isDone: () => boolean): void {
    try {
      if (!isDone()) return;
    } catch (error) {
      work.fail(error);
    }
    this.#open.delete(work);
    this.#suspects.delete(work);
  }

  /** The first that have time for a step, one of each user; one that is suspected of having sunk a batch is alone. */
  #nextBatch(): LlamaWork[] {
    const batch = new Map<unknown, LlamaWork>();
    const isAlone = this.#suspects.size > 0;
    const rows = isAlone ? 1 : Math.min(this.#open.size, this.#slots.length);
    for (const work of isAlone ? this.#suspects : this.#open) {
      if (batch.size === rows) break;
      if (batch.has(work.user)) continue;
      if (!this.#isOutOfTime(work, rows)) batch.set(work.user, work);
    }
    return [...batch.values()];
  }

  #isOutOfTime(work: LlamaWork, rows: number): boolean {
    if (work.deadlineAt === Infinity || !work.settleIfOutOfTime((steps) => this.#timer(work.clock).allowance(rows, steps))) return false;
    this.#open.delete(work);
    this.#suspects.delete(work);
    return true;
  }

  /** Gives all of them slots and drafts, before any is evaluated: what is asked for later would be another batch. */
  async #prepare(batch: readonly LlamaWork[]): Promise<Turn[]> {
    const users = batch.map(({ user }) => user);
    const slots = assignSlots(this.#slots, users, this.#canCopy);
    const turns = batch.map((work, index): Turn => {
      return { work, slot: slots[index]!, draft: NO_DRAFT, question: work.question(NO_DRAFT), held: 0, input: [] };
    });
    for (const turn of turns) await guard(turn, () => this.#align(turn));
    await Promise.all(turns.map((turn) => guard(turn, () => this.#draft(turn, batch.length))));
    return turns;
  }

  /** Makes the slot's cache a beginning of the question's tokens, as long a one as there is. */
  async #align(turn: Turn): Promise<void> {
    const { slot, question } = turn;
    const wanted = question.tokens.slice(0, question.from);
    slot.usedAt = ++this.#useCount;
    if (!slot.tokens) await this.#renew(slot);
    let shared = sharedTokens(slot, wanted);
    if (this.#canCopy) shared = await this.#copyBest(slot, wanted, shared);
    const tokens = slot.tokens ?? (await this.#renew(slot));
    if (shared < tokens.length) {
      slot.tokens = undefined;
      await slot.sequence.eraseContextTokenRanges([{ start: shared, end: tokens.length }]);
      // Where a state cannot be cut anywhere it falls back to an earlier point.
      slot.tokens = tokens.slice(0, Math.min(shared, slot.sequence.nextTokenIndex));
    }
    turn.held = slot.tokens!.length;
  }

  /** Takes the longest beginning over from another slot, where that saves evaluations. Returns how many wanted tokens the slot holds. */
  async #copyBest(slot: Slot, wanted: readonly number[], own: number): Promise<number> {
    let best = slot;
    let shared = own;
    if (own + LEAST_COPIED <= wanted.length) {
      for (const other of this.#slots) {
        const found = other === slot ? own : sharedTokens(other, wanted);
        if (found >= Math.max(shared + 1, own + LEAST_COPIED)) [best, shared] = [other, found];
      }
    }
    if (best === slot) return own;
    slot.tokens = undefined;
    const isCopied = await slot.sequence._copyStateFromOtherSequence!(best.sequence, shared);
    if (!isCopied) return 0;
    slot.tokens = wanted.slice(0, shared);
    return shared;
  }

  get #canCopy(): boolean {
    return this.#slots[0]!.sequence._copyStateFromOtherSequence !== undefined;
  }

  /** An empty cache in place of one of which nobody knows what it holds. */
  async #renew(slot: Slot): Promise<number[]> {
    await slot.sequence.dispose();
    slot.sequence = this.#context.getSequence();
    return (slot.tokens = []);
  }

  async #draft(turn: Turn, rows: number): Promise<void> {
    const { work, slot, question, held } = turn;
    // While a text is read there is nothing to predict.
    const request = slot.drafter && question.from === held ? work.draftRequest?.() : undefined;
    if (!request) return;
    const patienceMs = this.#timer(work.clock).allowance(rows, 1) || FIRST_PATIENCE_MS;
    turn.draft = await slot.drafter!.propose({ ...request, sequence: slot.sequence, patienceMs });
    if (turn.draft.length > 0) turn.question = work.question(turn.draft);
  }

  /**
   * Divides a step among texts that have to be read first, by chunks, so that a deadline or an abort is seen in time.
   *
   * @returns tokens read.
   */
  #share(turns: readonly Turn[]): number {
    const remainingMs = Math.min(...turns.map(({ work }) => work.deadlineAt - work.clock.now()));
    const chunk = this.#msPerReadToken === 0 ? FIRST_CHUNK : prefillChunk(remainingMs, this.#msPerReadToken);
    let left = chunk;
    for (const turn of turns) {
      const { question, held } = turn;
      if (turn.error !== undefined || held === question.tokens.length) continue;
      const unread = question.from - held;
      const read = Math.min(unread, left);
      left -= read;
      const end = read < unread ? held + read : question.tokens.length;
      turn.input = question.tokens.slice(held, end).map((token, offset): LlamaInput => {
        const index = held + offset;
        return index < question.from ? token : [token, { generateNext: question.wish(index) }];
      });
    }
    return chunk - left;
  }

  async #evaluate(turn: Turn): Promise<void> {
    const { slot, question, held, input } = turn;
    this.#tellOfMemory();
    slot.tokens = undefined;
    await guard(turn, async () => {
      turn.outputs = await slot.sequence.controlledEvaluate(input);
      slot.tokens = question.tokens.slice(0, held + input.length);
    });
  }

  /**
   * Every call of node-llama-cpp has a sampler of its own, with a buffer that lives until a full collection of garbage. The
   * collector does not know of it: 8 branches would fill gigabytes before it runs. Of JavaScript's own buffers it does know, so one
   * as large is held for each, never touched and so never resident, until these alone are reason enough for a collection.
   */
  #tellOfMemory(): void {
    const bytes = SAMPLER_BYTES_PER_TOKEN * this.#vocabularySize;
    if (this.#told.length * bytes > MOST_TOLD_BYTES) this.#told = [];
    this.#told.push(Buffer.allocUnsafeSlow(bytes));
  }

  #record(clock: Clock, step: { readonly rows: number; readonly readTokens: number; readonly milliseconds: number }): void {
    if (step.readTokens > 0) this.#msPerReadToken = step.milliseconds / step.readTokens;
    else if (step.rows > 0) this.#timer(clock).record(step.rows, step.milliseconds);
  }

  #finish({ work, error, question, held, input, outputs, draft }: Turn, rows: number): void {
    if (error !== undefined) {
      if (rows > 1) this.#suspects.add(work);
      else this.#settle(work, () => (work.fail(asModelError(error)), true));
      return;
    }
    if (held + input.length < question.tokens.length) return;
    this.#suspects.delete(work);
    this.#settle(work, () => work.receive((index) => outputs?.[index - held], draft));
  }

  #timer(clock: Clock): StepTimer {
    let timer = this.#timers.get(clock);
    if (!timer) this.#timers.set(clock, (timer = new StepTimer()));
    return timer;
  }
}

/** Notes on the turn what its part of a step throws. */
async function guard(turn: Turn, part: () => Promise<void>): Promise<void> {
  if (turn.error !== undefined) return;
  try {
    await part();
  } catch (error) {
    turn.error = error ?? new Error('no reason was given');
  }
}

function asModelError(error: unknown): Error {
  if (error instanceof LatencyTtsError) return error;
  return new ModelError(`node-llama-cpp failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
