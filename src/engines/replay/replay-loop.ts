import type { DraftOutcome } from '../../contracts/engine.ts';
import type { PassShape, ProfiledPart } from '../../contracts/profile.ts';
import { NoCandidateError } from '../../errors.ts';
import { StepTimer } from '../../runtime/step-timer.ts';
import type { AdaptiveDraftLength } from '../speculation/draft-length.ts';
import { prefillChunk } from '../prefill-chunk.ts';
import type { DraftOutcomes } from './draft-outcomes.ts';
import { NO_DRAFT, type ReplayDraft, type ReplayLane } from './replay-lane.ts';

/** Chooses the draft length of every round. */
export type ReplayDraftLength = Pick<AdaptiveDraftLength, 'choose' | 'recordDraft' | 'recordOutcome'>;

/** What a replay's passes cost and who pays. */
export interface ReplayMachine {
  readonly maxRows: number;
  /** `undefined` where nothing is drafted. */
  readonly draftLength: ReplayDraftLength | undefined;
  readonly outcomes: DraftOutcomes;
  readonly prefillMsPerToken: number;
  /** Milliseconds that a request's first draft costs beside its passes. */
  readonly draftRequestMs: number;
  now(): number;
  /** Milliseconds of one pass. */
  passMs(part: Exclude<ProfiledPart, 'scorer'>, shape: PassShape): number;
  wait(milliseconds: number): Promise<void>;
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

/** Continuous batching as `engines/local/decode-loop.ts` does it, with time passing in place of computation. */
export class ReplayLoop {
  readonly #machine: ReplayMachine;
  readonly #lanes = new Set<ReplayLane>();
  readonly #prefills: ReplayPrefill[] = [];
  readonly #timer = new StepTimer();
  #waiting: (() => void)[] = [];
  /** Milliseconds of work beside passes, to be spent with the next one. */
  #owedMs = 0;
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

  /** Has the engine busy beside its passes. */
  owe(milliseconds: number): void {
    this.#owedMs += milliseconds;
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
      for (let read = 0; read < promptTokens;) {
        signal?.throwIfAborted();
        if (this.#machine.now() >= deadlineAt) throw new NoCandidateError('deadline', []);
        const newTokens = Math.min(promptTokens - read, prefillChunk(deadlineAt - this.#machine.now(), this.#machine.prefillMsPerToken));
        await this.#busy(this.#machine.passMs('prefill', { rows: 1, newTokens, contextTokens: read }));
        read += newTokens;
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
    for (const [index, lane] of batch.entries()) this.#settle(lane, () => lane.receive(drafted[index]!));
  }

  /** Drafts for the batch, and one pass over it. @returns what will have become of each lane's draft. */
  async #round(batch: readonly ReplayLane[]): Promise<ReplayDraft[]> {
    const { draftLength, outcomes } = this.#machine;
    const length = draftLength?.choose(batch.length) ?? 0;
    const drafted = batch.map((lane) => (draftLength ? lane.draft(length, outcomes) : NO_DRAFT));
    for (const { limit, proposed } of drafted) if (limit > 0) draftLength?.recordDraft(limit, proposed);
    // The rows of a batch are as long as its longest.
    const contextTokens = Math.max(...batch.map(({ context, state }) => context.promptTokens + state.tokenCount));
    const newTokens = Math.max(...batch.map(({ state }, index) => state.pendingTokens + drafted[index]!.proposed));
    // At once: a turn of the simulation takes longer than all it computes.
    await this.#busy(this.#draftMs(batch, drafted, contextTokens) + this.#machine.passMs('target', { rows: batch.length, newTokens, contextTokens }));
    return drafted;
  }

  /** What the passes of the draft model take: a prompt it has not read, what has been decided since, then token by token. */
  #draftMs(batch: readonly ReplayLane[], drafted: readonly DraftOutcome[], contextTokens: number): number {
    const drafting = batch.filter((_, index) => drafted[index]!.proposed > 0);
    let milliseconds = 0;
    for (const context of new Set(drafting.map((lane) => lane.context))) {
      if (context.hasDraftedPrompt) continue;
      context.hasDraftedPrompt = true;
      milliseconds += this.#machine.draftRequestMs + this.#machine.passMs('draft-prefill', { rows: 1, newTokens: context.promptTokens, contextTokens: 0 });
    }
    const longest = Math.max(...drafted.map(({ proposed }) => proposed));
    for (let position = 0; position < longest; position++) {
      const rows = drafted.filter(({ proposed }) => proposed > position).length;
      // Where a whole draft stood, its last token is still to be read beside the one behind it.
      const newTokens = position === 0 ? 2 : 1;
      milliseconds += this.#machine.passMs('draft', { rows, newTokens, contextTokens });
    }
    return milliseconds;
  }

  async #busy(milliseconds: number): Promise<void> {
    const owedMs = this.#owedMs;
    this.#owedMs = 0;
    this.#isForwarding = true;
    await this.#machine.wait(milliseconds + owedMs);
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
