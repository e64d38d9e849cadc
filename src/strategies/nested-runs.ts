/**
 * Runs of strategies within the run of another: they share its clock, signal, events and deadline, and their usage adds up.
 *
 * Listeners hear of one run: its start and its end are told once, by the outer one, and the branches of inner runs are
 * numbered on, in the order of the runs. Times count from the start of the outer run.
 *
 * @module
 */
import type * as v from 'valibot';
import { meaningLoaded } from '../answers/same-meaning.ts';
import type { Engine, EngineUsage, Session } from '../contracts/engine.ts';
import type { RunEventTarget } from '../contracts/event.ts';
import type { Prompt } from '../contracts/prompt.ts';
import type { BranchReport, StopReason, StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { InvalidOptionError, NoCandidateError } from '../errors.ts';
import { philox4x32 } from '../maths/random.ts';
import { objectWith } from '../option-schemas.ts';
import { RunEvents } from '../runtime/run-events.ts';
import { RunScope } from '../runtime/run-scope.ts';
import { sumUsage } from './sum-usage.ts';
import { messageOf, scoringWarnings, type ScoringOutcome } from './warnings.ts';

export const strategySchema: v.GenericSchema<Strategy> = /* @__PURE__ */ objectWith<Strategy>('run', 'a strategy');
export const engineSchema: v.GenericSchema<Engine> = /* @__PURE__ */ objectWith<Engine>(
  'open',
  'an engine',
  'A model becomes one by `new Decoder({ model })`.',
);

/** Separates seeds of inner runs from the random numbers of branches. */
const SEED_PURPOSE = 0x6e657374;

/** One run within another. */
export interface NestedRun<Result extends StrategyResult = StrategyResult> {
  /** Name of the strategy. */
  readonly strategy: string;
  readonly seed: number;
  /** What it came to, in its own numbers and times; `undefined` where it failed. */
  readonly result: Result | undefined;
  /** Why it came to nothing. */
  readonly error?: unknown;
  /** The number its branch 0 has in the outer run. */
  readonly firstBranch: number;
  /** Its branches, in the numbers and times of the outer run. */
  readonly branches: readonly BranchReport[];
  /** Milliseconds since the start of the outer run. */
  readonly startMs: number;
  readonly endMs: number;
}

/** How a run differs from the outer one. */
export interface NestedOptions {
  /** @default the outer run's */
  readonly engine?: Engine | undefined;
  /** @default the outer run's */
  readonly prompt?: Prompt;
  /** Milliseconds for it; never more than what is left. @default what is left */
  readonly deadlineMs?: number;
}

/** What the outer strategy has come to. */
export interface NestedConclusion {
  readonly text: string;
  readonly answer: string | undefined;
  readonly confidence: number;
  readonly stopReason: StopReason;
  /** How scoring went, where the outer strategy has any. */
  readonly scoring?: ScoringOutcome | undefined;
}

export class NestedRuns {
  readonly scope: RunScope;
  readonly #request: StrategyRequest;
  readonly #runs: NestedRun[] = [];
  readonly #usages: EngineUsage[] = [];
  #nextBranch = 0;
  #isDeadlineTold = false;

  private constructor(request: StrategyRequest) {
    this.#request = request;
    this.scope = new RunScope(request);
  }

  /**
   * Starts the outer run and has `work` make the inner ones.
   *
   * @throws {InvalidOptionError} for a request that makes no sense, before any work starts.
   */
  static async conduct<Result>(name: string, request: StrategyRequest, work: (runs: NestedRuns) => Promise<Result>): Promise<Result> {
    const runs = new NestedRuns(request);
    runs.scope.emit('run-start', { strategy: name, deadlineMs: runs.scope.deadlineMs });
    await meaningLoaded();
    return work(runs);
  }

  /** The runs so far, in order. */
  get all(): readonly NestedRun[] {
    return this.#runs;
  }

  /** Milliseconds until the deadline; 0 once it has passed. */
  remainingMs(): number {
    return Math.max(0, this.scope.deadlineAt - this.scope.clock.now());
  }

  /**
   * Runs a strategy to its end, one at a time. The first run has the seed of the outer one, each further one its own.
   * A run that fails, or has no time left, is told as one without a result: only an abort and a wrong option reject.
   */
  async run<Result extends StrategyResult>(strategy: Strategy<Result>, options: NestedOptions = {}): Promise<NestedRun<Result>> {
    const { scope } = this;
    const { engine = this.#request.engine, prompt = this.#request.prompt, deadlineMs = Infinity } = options;
    const metered = meter(engine);
    const relay = this.#relay();
    const leftMs = Math.min(deadlineMs, this.remainingMs());
    const start = { strategy: strategy.name, seed: seedOf(scope.seed, this.#nextBranch), firstBranch: this.#nextBranch, startMs: scope.elapsedMs() };
    let outcome: { readonly result: Result | undefined; readonly error?: unknown };
    try {
      if (leftMs <= 0) throw new NoCandidateError('deadline', []);
      const request: StrategyRequest = {
        engine: metered.engine,
        prompt,
        deadlineMs: leftMs,
        seed: start.seed,
        clock: scope.clock,
        events: relay.events,
        ...(scope.signal && { signal: scope.signal }),
      };
      const result = await strategy.run(request);
      this.#usages.push(result.usage);
      outcome = { result };
    } catch (error) {
      scope.signal?.throwIfAborted();
      if (error instanceof InvalidOptionError) throw error;
      this.#usages.push(metered.usage());
      outcome = { result: undefined, error };
    }
    const branches = outcome.result ? outcome.result.branches.map(relay.translate) : relay.ended;
    const run = { ...start, ...outcome, branches, endMs: scope.elapsedMs() };
    this.#nextBranch = Math.max(this.#nextBranch, ...branches.map(({ branch }) => branch + 1));
    this.#runs.push(run);
    return run;
  }

  /** Ends the outer run. @throws the signal's reason when it is aborted. */
  conclude({ text, answer, confidence, stopReason, scoring }: NestedConclusion): StrategyResult {
    const { scope } = this;
    scope.signal?.throwIfAborted();
    const timing = { totalMs: scope.elapsedMs(), openMs: this.#openMs(), deadlineMs: scope.deadlineMs };
    const usage = sumUsage(this.#usages);
    const branches = this.#runs.flatMap((run) => run.branches);
    scope.emit('run-end', { stopReason, usage, timing });
    const failures = this.#runs.flatMap(({ strategy, result, error }) => (result ? [] : [`The run of ${strategy} came to nothing. ${messageOf(error)}`]));
    const warnings = [...(scoring ? scoringWarnings(scoring) : []), ...this.#runs.flatMap(({ result }) => result?.warnings ?? []), ...failures];
    return { text, answer, confidence, stopReason, branches, usage, timing, warnings, listenerErrors: scope.listenerErrors };
  }

  /** What to throw when no run has a result: `NoCandidateError` with all that failed, or what else made the first run fail. */
  failure(): unknown {
    const errors = this.#runs.map(({ error }) => error);
    const isEmpty = (error: unknown): error is NoCandidateError => error instanceof NoCandidateError;
    const other = errors.find((error) => !isEmpty(error));
    if (other !== undefined) return other;
    const empty = errors.filter(isEmpty);
    const causes = empty.flatMap((error) => error.errors);
    return new NoCandidateError(empty.at(-1)?.stopReason ?? 'deadline', causes);
  }

  /** Until the first branch of any run could start. */
  #openMs(): number {
    const [first] = this.#runs.filter(({ result, branches }) => result ?? branches.length > 0);
    if (!first) return this.scope.elapsedMs();
    return first.result ? first.startMs + first.result.timing.openMs : Math.min(...first.branches.map(({ startMs }) => startMs));
  }

  /** Events for the next run, which pass what its branches do on to the listeners of this one. */
  #relay(): { readonly events: RunEventTarget; readonly ended: BranchReport[]; readonly translate: (report: BranchReport) => BranchReport } {
    const { scope } = this;
    const firstBranch = this.#nextBranch;
    const offsetMs = scope.elapsedMs();
    const translate = (report: BranchReport): BranchReport => ({
      ...report,
      branch: firstBranch + report.branch,
      startMs: offsetMs + report.startMs,
      endMs: offsetMs + report.endMs,
    });
    const ended: BranchReport[] = [];
    const events = new RunEvents();
    events.on('branch-end', ({ report }) => {
      ended.push(translate(report));
      scope.emit('branch-end', { report: ended.at(-1)! });
    });
    events.on('vote-change', ({ answer, votes, of }) => scope.emit('vote-change', { answer, votes, of }));
    events.on('deadline-reach', ({ unfinished }) => {
      if (this.#isDeadlineTold) return;
      this.#isDeadlineTold = true;
      scope.emit('deadline-reach', { unfinished: unfinished.map((branch) => firstBranch + branch) });
    });
    // Engines make these for listeners only.
    if (scope.hasListeners('branch-delta')) {
      events.on('branch-delta', ({ branch, tokenCount, text, reasoning }) =>
        scope.emit('branch-delta', { branch: firstBranch + branch, tokenCount, text, ...(reasoning !== undefined && { reasoning }) }),
      );
    }
    if (scope.hasListeners('draft-verify')) {
      events.on('draft-verify', ({ branch, proposed, accepted, offset, drafted }) =>
        scope.emit('draft-verify', { branch: firstBranch + branch, proposed, accepted, offset, drafted }),
      );
    }
    return { events, ended, translate };
  }
}

/** The engine, and what its sessions have cost: a run that fails cannot tell. */
function meter(engine: Engine): { readonly engine: Engine; readonly usage: () => EngineUsage } {
  const sessions: Session[] = [];
  const metered: Engine = {
    name: engine.name,
    get contextTokens() {
      return engine.contextTokens;
    },
    ready: (options) => engine.ready(options),
    async open(prompt, options) {
      const session = await engine.open(prompt, options);
      sessions.push(session);
      return session;
    },
    dispose: () => engine.dispose(),
  };
  return { engine: metered, usage: () => sumUsage(sessions.map((session) => session.usage())) };
}

/**
 * A seed for a run that follows `branchCount` branches: the outer run's own before any. Counting branches, not runs, keeps runs
 * within runs within runs apart, since the first of each inherits its seed.
 */
function seedOf(seed: number, branchCount: number): number {
  if (branchCount === 0) return seed;
  const words = Uint32Array.of(branchCount, 0, SEED_PURPOSE, 0);
  philox4x32(words, seed >>> 0, Math.floor(seed / 0x100000000) >>> 0);
  return words[0]! + (words[1]! >>> 11) * 0x100000000;
}
