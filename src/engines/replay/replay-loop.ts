import type { PassShape } from '../../contracts/profile.ts';
import { NoCandidateError } from '../../errors.ts';
import { StepTimer } from '../../runtime/step-timer.ts';
import type { DraftLengthPolicy } from '../speculation/draft-length.ts';
import type { ReplayLane } from './replay-lane.ts';

/** What a replay's passes cost and who pays. */
export interface ReplayMachine {
  readonly maxRows: number;
  /** `undefined` where nothing is drafted. */
  readonly draftLength: DraftLengthPolicy | undefined;
  /** Acceptance rate at each position of a draft, given that all before it were accepted. */
  readonly rates: readonly number[];
  now(): number;
  /** Lets the time of one pass go by. */
  pass(part: 'target' | 'draft' | 'prefill', shape: PassShape, times?: number): Promise<void>;
}

/** A prompt that is being read. */
export interface ReplayPrefill {
  readonly promptTokens: number;
  readonly deadlineAt: number;
  readonly signal: AbortSignal | undefined;
  readonly onForward: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const CHUNK_TOKENS = 64;

/** Continuous batching as `engines/local/decode-loop.ts` does it, with time passing in place of computation. */
export class ReplayLoop {
  readonly #machine: ReplayMachine;
  readonly #lanes = new Set<ReplayLane>();
  readonly #prefills: ReplayPrefill[] = [];
  readonly #timer = new StepTimer();
  #waiting: (() => void)[] = [];
  #isForwarding = false;
  #isRunning = false;

  constructor(machine: ReplayMachine) {
    this.#machine = machine;
  }

  /** Runs a change to a branch at once, or right after the pass under way, as a model would have it. */
  whenIdle(change: () => void): void {
    if (this.#isForwarding) this.#waiting.push(change);
    else change();
  }

  prefill(prefill: ReplayPrefill): void {
    this.#prefills.push(prefill);
    this.#start();
  }

  add(lane: ReplayLane): void {
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
      const prefill = this.#prefills.shift();
      if (prefill) await this.#read(prefill);
      await this.#step();
    }
    this.#isRunning = false;
  }

  async #read({ promptTokens, deadlineAt, signal, onForward, resolve, reject }: ReplayPrefill): Promise<void> {
    try {
      for (let read = 0; read < promptTokens; read += CHUNK_TOKENS) {
        signal?.throwIfAborted();
        if (this.#machine.now() >= deadlineAt) throw new NoCandidateError('deadline', []);
        await this.#pass('prefill', { rows: 1, newTokens: Math.min(CHUNK_TOKENS, promptTokens - read), contextTokens: read });
        onForward();
      }
      resolve();
    } catch (error) {
      reject(error);
    }
  }

  async #step(): Promise<void> {
    for (const lane of this.#lanes) this.#settle(lane, () => lane.settleIfEnded() || (lane.state.pendingTokens === 0 && lane.take()));
    const batch = this.#nextBatch();
    if (batch.length === 0) return;
    const startedAt = this.#machine.now();
    const drafted = await this.#round(batch);
    this.#timer.record(batch.length, this.#machine.now() - startedAt);
    for (const context of new Set(batch.map((lane) => lane.context))) context.onForward();
    for (const [index, lane] of batch.entries()) this.#settle(lane, () => lane.receive(drafted[index]!, this.#machine.rates));
  }

  /** Drafts for the batch, then one pass over it. @returns how many tokens were drafted for each lane. */
  async #round(batch: readonly ReplayLane[]): Promise<number[]> {
    const { draftLength } = this.#machine;
    const length = draftLength?.choose(batch.length) ?? 0;
    const drafted = batch.map((lane) => (draftLength ? lane.draftTokens(length) : 0));
    const rows = drafted.filter((count) => count > 0).length;
    const contextTokens = batch.reduce((sum, { context, state }) => sum + context.promptTokens + state.tokenCount, 0) / batch.length;
    if (rows > 0) await this.#pass('draft', { rows, newTokens: 1, contextTokens }, Math.max(...drafted));
    const newTokens = Math.max(...batch.map(({ state }, index) => state.pendingTokens + drafted[index]!));
    await this.#pass('target', { rows: batch.length, newTokens, contextTokens });
    return drafted;
  }

  async #pass(...pass: Parameters<ReplayMachine['pass']>): Promise<void> {
    this.#isForwarding = true;
    await this.#machine.pass(...pass);
    this.#isForwarding = false;
    const changes = this.#waiting;
    this.#waiting = [];
    for (const change of changes) change();
  }

  #nextBatch(): ReplayLane[] {
    const batch: ReplayLane[] = [];
    const rows = Math.min(this.#lanes.size, this.#machine.maxRows);
    for (const lane of this.#lanes) {
      if (batch.length === this.#machine.maxRows) break;
      if (lane.deadlineAt < Infinity && lane.settleIfOutOfTime((steps) => this.#timer.allowance(rows, steps))) this.#lanes.delete(lane);
      else batch.push(lane);
    }
    return batch;
  }

  #settle(lane: ReplayLane, isDone: () => boolean): void {
    try {
      if (!isDone()) return;
    } catch (error) {
      lane.fail(error);
    }
    this.#lanes.delete(lane);
  }
}
