/**
 * Continuous batching: all open branches take one token a step, together; a branch that stops leaves the batch at once.
 *
 * One loop owns one model. Nothing else touches the model's sequences: changes asked for while a forward is under way
 * wait for its end (`whenIdle`).
 *
 * @module
 */
import type { Clock } from '../../contracts/clock.ts';
import type { ForwardRow, Logits, TokenModel } from '../../contracts/token-model.ts';
import { NoCandidateError } from '../../errors.ts';
import type { BranchState } from './branch-state.ts';
import type { Lane } from './lane.ts';
import { StepTimer } from './step-timer.ts';

/** A prompt that is being read. */
export interface Prefill {
  readonly state: BranchState;
  readonly clock: Clock;
  readonly deadlineAt: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A chunk of a prompt should take this share of the time left, so that a deadline or an abort is seen in time. */
const CHUNK_SHARE = 0.05;
const LONGEST_CHUNK_MS = 50;
const SMALLEST_CHUNK = 16;
const FIRST_CHUNK = 64;
const LARGEST_CHUNK = 512;

export class DecodeLoop {
  readonly #model: TokenModel;
  readonly #maxRows: number;
  readonly #lanes = new Set<Lane>();
  readonly #prefills: Prefill[] = [];
  readonly #timers = new WeakMap<Clock, StepTimer>();
  #prefillMsPerToken = 0;
  #waiting: (() => void)[] = [];
  #isForwarding = false;
  #isRunning = false;

  /** @param maxRows - Most branches decoded in one step; further ones wait their turn. */
  constructor(model: TokenModel, maxRows: number) {
    this.#model = model;
    this.#maxRows = maxRows;
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

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // A microtask later, so that all branches opened together are in the first step together.
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#lanes.size > 0 || this.#prefills.length > 0) {
      if (this.#prefills.length > 0) await this.#readChunk();
      await this.#step();
    }
    this.#isRunning = false;
  }

  /** One token for every open branch that still has time. */
  async #step(): Promise<void> {
    for (const lane of this.#lanes) this.#settle(lane, () => lane.settleIfEnded() || (lane.canSample() && lane.sample()));
    const batch = [...this.#lanes].slice(0, this.#maxRows).filter((lane) => !this.#isOutOfTime(lane));
    if (batch.length === 0) return;
    const results = await this.#forward(batch);
    for (const [index, lane] of batch.entries()) {
      const result = results[index]!;
      this.#settle(lane, () => (result instanceof Float32Array ? lane.receive(result) : lane.fail(result.error)));
    }
  }

  /** Removes the lane when `isDone` says so or throws: one failing branch must not stop the others. */
  #settle(lane: Lane, isDone: () => boolean): void {
    try {
      if (!isDone()) return;
    } catch (error) {
      lane.fail(error);
    }
    this.#lanes.delete(lane);
  }

  #isOutOfTime(lane: Lane): boolean {
    const stepMs = this.#timer(lane.clock).estimate(Math.min(this.#lanes.size, this.#maxRows));
    if (!lane.settleIfOutOfTime(stepMs)) return false;
    this.#lanes.delete(lane);
    return true;
  }

  /** One row of logits for each lane, or why there is none. A pass that fails is repeated lane by lane. */
  async #forward(batch: readonly Lane[]): Promise<readonly (Logits | { readonly error: unknown })[]> {
    const size = this.#model.vocabularySize;
    const starts = batch.map((lane) => lane.clock.now());
    try {
      const logits = await this.#pass(batch.map((lane) => lane.row()));
      for (const context of new Set(batch.map((lane) => lane.context))) context.onForward();
      const clocks = new Map(batch.map((lane, index) => [lane.clock, starts[index]!]));
      for (const [clock, startedAt] of clocks) this.#timer(clock).record(batch.length, clock.now() - startedAt);
      return batch.map((_, index) => logits.subarray(index * size, (index + 1) * size));
    } catch (error) {
      if (batch.length === 1) return [{ error }];
      const results = [];
      // Logits are valid until the next forward, hence the copies.
      for (const lane of batch) results.push(...(await this.#forward([lane])).map((result) => (result instanceof Float32Array ? result.slice() : result)));
      return results;
    }
  }

  async #pass(rows: readonly ForwardRow[]): Promise<Logits> {
    this.#isForwarding = true;
    try {
      return await this.#model.forward(rows);
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
    const { state, clock, deadlineAt, signal } = prefill;
    const startedAt = clock.now();
    try {
      signal?.throwIfAborted();
      if (startedAt >= deadlineAt) throw new NoCandidateError('deadline', []);
      const chunk = state.pending.slice(0, this.#chunkTokens(deadlineAt - startedAt));
      const isLast = chunk.length === state.pending.length;
      const logits = await this.#pass([{ sequence: state.sequence, tokens: chunk, logitCount: isLast ? 1 : 0 }]);
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
    if (this.#prefillMsPerToken === 0) return FIRST_CHUNK;
    const chunkMs = Math.min(LONGEST_CHUNK_MS, CHUNK_SHARE * remainingMs);
    return Math.min(LARGEST_CHUNK, Math.max(SMALLEST_CHUNK, Math.floor(chunkMs / this.#prefillMsPerToken)));
  }

  #timer(clock: Clock): StepTimer {
    let timer = this.#timers.get(clock);
    if (!timer) this.#timers.set(clock, (timer = new StepTimer()));
    return timer;
  }
}
