/**
 * Continuous batching: all open branches take one token a step, together; a branch that stops leaves the batch at once.
 *
 * One loop owns one model. Nothing else touches the model's sequences: changes asked for while a forward is under way
 * wait for its end (`whenIdle`).
 *
 * @module
 */
import type { Clock } from '../../contracts/clock.ts';
import type { Draft } from '../../contracts/drafter.ts';
import type { ForwardRow, TokenModel } from '../../contracts/token-model.ts';
import { DeviceMemoryError, NoCandidateError } from '../../errors.ts';
import { prefillChunk } from '../prefill-chunk.ts';
import type { BranchState } from './branch-state.ts';
import type { Lane, LaneContext } from './lane.ts';
import type { DraftCall, Speculation } from '../speculation/speculation.ts';
import { StepTimer } from '../../runtime/step-timer.ts';
import { forwardChoices, type RowChoices } from './token-choice.ts';

/** A prompt that is being read. */
export interface Prefill {
  /** Where reading stands. First called when it is this prompt's turn and the model is idle. */
  readonly state: () => BranchState;
  readonly clock: Clock;
  readonly deadlineAt: number;
  readonly signal: AbortSignal | undefined;
  /** A pass over a part of the prompt is over. */
  readonly onForward: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type PassResult = RowChoices | { readonly error: unknown };

const NO_DRAFT: Draft = { tokens: [], probs: undefined };

/** Steps behind an answer before which calls are let in. The reply is seldom there before the first, and mostly before the second. */
const STEPS_TO_LET_IN = 2;
const FIRST_CHUNK = 64;

export class DecodeLoop {
  readonly #model: TokenModel;
  /** Falls when a device has no room for so many. */
  #maxRows: number;
  /** Whether a device still has room for drafts. */
  #draftsFit = true;
  readonly #speculation: Speculation | undefined;
  readonly #takeTurn: (() => Promise<void>) | undefined;
  /** Further steps before which calls are let in. */
  #stepsToLetIn = 0;
  readonly #lanes = new Set<Lane>();
  readonly #prefills: Prefill[] = [];
  readonly #timers = new WeakMap<Clock, StepTimer>();
  #prefillMsPerToken = 0;
  #waiting: (() => void)[] = [];
  /** Work that wants the model for itself, one between two steps. */
  readonly #jobs: (() => Promise<void>)[] = [];
  /** The pass of the step under way, if one gave it all its logits. */
  #pass: { readonly rows: readonly ForwardRow[]; readonly startedAt: number } | undefined;
  #isForwarding = false;
  #isRunning = false;

  /**
   * @param maxRows - Most branches decoded in one step; further ones wait their turn.
   * @param takeTurn - Lets the thread's event loop take in what has arrived, where calls come from another thread. Whoever has been
   *   answered in the middle of a branch goes on with it at once; but a pass holds changes back from its beginning, and begins
   *   before the runtime lets messages in, so that such a call would miss a second pass.
   */
  constructor(model: TokenModel, maxRows: number, speculation?: Speculation, takeTurn?: () => Promise<void>) {
    this.#model = model;
    this.#maxRows = maxRows;
    this.#speculation = speculation;
    this.#takeTurn = takeTurn;
  }

  /** Runs a change to the model's sequences at once, or right after the forward under way. */
  whenIdle(change: () => void): void {
    if (this.#isForwarding) this.#waiting.push(change);
    else change();
  }

  /** Queues a prompt; its `resolve` is called when the whole of it has been read. */
  prefill(prefill: Prefill): void {
    this.#prefills.push(prefill);
    this.#start();
  }

  /** Adds an open branch; the lane settles itself when it is done. */
  add(lane: Lane): void {
    this.#lanes.add(lane);
    this.#start();
  }

  /** Gives `work` the model for itself as soon as the pass under way is over; changes to sequences wait for its end. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(() => work().then(resolve, reject));
      this.#start();
    });
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // A microtask later, so that all branches opened together are in the first step together.
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#lanes.size > 0 || this.#prefills.length > 0 || this.#jobs.length > 0) {
      const job = this.#jobs.shift();
      if (job) await this.#busy(job);
      if (this.#prefills.length > 0) await this.#readChunk();
      if (this.#takeTurn && this.#stepsToLetIn > 0) {
        this.#stepsToLetIn--;
        await this.#takeTurn();
      }
      await this.#step();
    }
    this.#isRunning = false;
  }

  /** One token for every open branch that still has time. */
  async #step(): Promise<void> {
    for (const lane of this.#lanes) this.#settle(lane, () => lane.settleIfEnded() || (lane.canSample() && lane.sample()));
    const batch = this.#nextBatch();
    if (batch.length === 0) return;
    const { drafts, results } = await this.#round(batch);
    const pass = this.#pass;
    for (const [index, lane] of batch.entries()) {
      const result = results[index]!;
      this.#settle(lane, () => ('error' in result ? lane.fail(result.error) : lane.receive(result, drafts[index]!)));
    }
    if (pass) this.#speculation?.recordRound(pass.rows, batch[0]!.clock.now() - pass.startedAt);
  }

  /** Removes the lane when `isDone` says so or throws: one failing branch must not stop the others. */
  #settle(lane: Lane, isDone: () => boolean): void {
    try {
      if (!isDone()) return;
    } catch (error) {
      lane.fail(error);
    }
    this.#lanes.delete(lane);
    if (lane.canGoOn) this.#stepsToLetIn = STEPS_TO_LET_IN;
  }

  /** The first lanes that have time for a step. */
  #nextBatch(): Lane[] {
    const batch: Lane[] = [];
    for (const lane of this.#lanes) {
      if (batch.length === this.#maxRows) break;
      if (!this.#isOutOfTime(lane)) batch.push(lane);
    }
    return batch;
  }

  #isOutOfTime(lane: Lane): boolean {
    if (lane.deadlineAt === Infinity) return false;
    const rows = Math.min(this.#lanes.size, this.#maxRows);
    if (!lane.settleIfOutOfTime((steps) => this.#timer(lane.clock).allowance(rows, steps))) return false;
    this.#lanes.delete(lane);
    return true;
  }

  /** A draft for each lane, and what the target says of it: propose, then one pass to verify. */
  async #round(batch: readonly Lane[]): Promise<{ readonly drafts: readonly Draft[]; readonly results: readonly PassResult[] }> {
    const starts = new Map<Clock, number>();
    for (const { clock } of batch) if (!starts.has(clock)) starts.set(clock, clock.now());
    const speculation = this.#draftsFit ? this.#speculation : undefined;
    let drafts = speculation ? await this.#busy(() => propose(speculation, batch)) : batch.map(() => NO_DRAFT);
    let results = await this.#verify(batch, drafts);
    if (results.some(hasNoRoom) && drafts.some(({ tokens }) => tokens.length > 0)) {
      // Before branches wait for one another drafts are given up: they only save time.
      this.#draftsFit = false;
      drafts = batch.map(() => NO_DRAFT);
      results = await this.#verify(batch, drafts);
    }
    for (const [clock, startedAt] of starts) this.#timer(clock).record(batch.length, clock.now() - startedAt);
    return { drafts, results };
  }

  /**
   * What follows for each lane, or why nothing does. A pass that fails is repeated lane by lane; one that a device has no room for
   * is repeated in halves, and later ones are no larger.
   */
  async #verify(batch: readonly Lane[], drafts: readonly Draft[]): Promise<readonly PassResult[]> {
    const startedAt = batch[0]!.clock.now();
    this.#pass = undefined;
    const rows = batch.map((lane, index) => lane.row(drafts[index]!.tokens));
    let choices: RowChoices[];
    try {
      choices = await this.#busy(() => forwardChoices(this.#model, rows));
    } catch (error) {
      const isTooLarge = hasNoRoom({ error });
      if (batch.length === 1 || (isTooLarge && drafts.some(({ tokens }) => tokens.length > 0))) return batch.map(() => ({ error }));
      if (!isTooLarge) return this.#verifyParts(batch, drafts, 1);
      this.#maxRows = Math.ceil(batch.length / 2);
      return this.#verifyParts(batch, drafts, this.#maxRows);
    }
    this.#pass = { rows, startedAt };
    const contexts = new Set<LaneContext>();
    for (const { context } of batch) contexts.add(context);
    for (const context of contexts) context.onForward();
    return choices;
  }

  async #verifyParts(batch: readonly Lane[], drafts: readonly Draft[], size: number): Promise<PassResult[]> {
    const results: PassResult[] = [];
    for (let start = 0; start < batch.length; start += size) {
      results.push(...(await this.#verify(batch.slice(start, start + size), drafts.slice(start, start + size))));
      this.#pass = undefined;
    }
    return results;
  }

  /** Holds changes to sequences back while `work` is under way. */
  async #busy<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#isForwarding = true;
    try {
      return await work();
    } finally {
      this.#isForwarding = false;
      const changes = this.#waiting;
      this.#waiting = [];
      for (const change of changes) change();
    }
  }

  /** Reads one chunk of the first waiting prompt. */
  async #readChunk(): Promise<void> {
    const prefill = this.#prefills[0]!;
    const { clock, deadlineAt, signal } = prefill;
    const startedAt = clock.now();
    try {
      signal?.throwIfAborted();
      if (startedAt >= deadlineAt) throw new NoCandidateError('deadline', []);
      const state = prefill.state();
      const chunk = state.pending.slice(0, this.#chunkTokens(deadlineAt - startedAt));
      const isLast = chunk.length === state.pending.length;
      const logits = await this.#busy(() => this.#model.forward([{ sequence: state.sequence, tokens: chunk, logitCount: isLast ? 1 : 0 }]));
      prefill.onForward();
      this.#prefillMsPerToken = (clock.now() - startedAt) / chunk.length;
      state.pending = state.pending.slice(chunk.length);
      if (!isLast) return;
      state.logits = logits.slice(0, this.#model.vocabularySize);
      this.#prefills.shift();
      prefill.resolve();
    } catch (error) {
      this.#prefills.shift();
      prefill.reject(error);
    }
  }

  #chunkTokens(remainingMs: number): number {
    return this.#prefillMsPerToken === 0 ? FIRST_CHUNK : prefillChunk(remainingMs, this.#prefillMsPerToken);
  }

  #timer(clock: Clock): StepTimer {
    let timer = this.#timers.get(clock);
    if (!timer) this.#timers.set(clock, (timer = new StepTimer()));
    return timer;
  }
}

function hasNoRoom(result: PassResult): boolean {
  return 'error' in result && result.error instanceof DeviceMemoryError;
}

/** A draft for each lane, empty where there is no room for one or nothing better than none. */
async function propose(speculation: Speculation, batch: readonly Lane[]): Promise<readonly Draft[]> {
  const drafts = batch.map(() => NO_DRAFT);
  if (speculation.failure !== undefined) return drafts;
  const calls: DraftCall[] = [];
  const askedBy: number[] = [];
  for (const [index, lane] of batch.entries()) {
    const { draftLength } = lane.context;
    const request = lane.draftRequest(draftLength ?? speculation.longest);
    if (!request) continue;
    calls.push({ request, isFixed: draftLength !== undefined });
    askedBy.push(index);
  }
  if (calls.length === 0) return drafts;
  const proposed = await speculation.propose(calls, batch.length, batch[0]!.clock);
  askedBy.forEach((index, at) => (drafts[index] = proposed[at]!));
  return drafts;
}
