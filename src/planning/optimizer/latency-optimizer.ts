/**
 * Chooses how to spend the time up to a deadline: how many branches, how long their drafts, which strategy (after Wang et al.
 * 2025, arXiv:2505.19634: what is optimal in compute is not optimal in latency).
 *
 * `fit` runs every candidate on recorded traces in simulated time (no second model of any strategy is kept), `solve` looks the
 * best one up. Accuracy, lengths and their correlations come from traces, times from a profile.
 *
 * @module
 */
import type { AnswerEquivalence } from '../../contracts/answer.ts';
import type { SamplingOptions } from '../../contracts/engine.ts';
import type { LatencyProfile } from '../../contracts/profile.ts';
import type { ProblemTrace } from '../../contracts/trace.ts';
import { InvalidOptionError } from '../../errors.ts';
import { recordedOutcomes } from '../../engines/replay/draft-outcomes.ts';
import type { StepAggregation } from '../../maths/aggregate-steps.ts';
import { quantile } from '../../maths/quantile.ts';
import { requireWholeNumber, requireKnownNames } from '../../options.ts';
import { LatenessRecords } from '../control/lateness.ts';
import { branchesThatFit } from '../profile/branches-that-fit.ts';
import { BatchPlan, type BatchRequest } from './batch-plan.ts';
import { candidateSpecs, type SpecGridOptions } from './candidate-specs.ts';
import { ReplayBench } from './evaluate-spec.ts';
import { frontierOf, type FrontierPoint } from './explain-plan.ts';
import { readFittedPlans, withVersion, type FittedCandidate, type FittedPlans } from './fitted-plans.ts';
import { Plan } from './plan.ts';
import { describeSpec, type PlanParts, type PlanSpec } from './plan-spec.ts';
import { fitPriors, type PlanPriors } from './prior-fit.ts';
import { samplingGroups, type SamplingGroup } from './sampling-groups.ts';
import { searchPlans, type SearchProgress } from './search-plans.ts';
import { choicesAt, resolveRequest, solvePlan, type PlanPrediction, type SolveRequest } from './solve-plan.ts';
import { acceptableScore, acceptanceOf, knowledgeOf } from './trace-facts.ts';

export interface FitOptions extends SpecGridOptions {
  /**
   * Of problems like those to come. See `recordTraces`. Where they were recorded with several ways of sampling, each of the same
   * problems, plans choose among these, too; what was recorded at temperature 0 also as the branch that begins.
   */
  readonly traces: readonly ProblemTrace[];
  /**
   * Of the machine and model to plan for. See `profileEngine`. Of an engine with several weight formats, one profile for each by the
   * format's name: plans choose the format, and are taken to be as accurate in each as the traces are.
   */
  readonly profile: LatencyProfile | Readonly<Record<string, LatencyProfile>>;
  /** Acceptance rate at each position of a draft. @default what became of the traces' drafts, else 0.75 */
  readonly acceptance?: readonly number[];
  /** How plans find and compare answers. */
  readonly parts?: Omit<PlanParts, 'scorer'>;
  /** Whether an answer is the reference. @default `equivalent` */
  readonly isRight?: AnswerEquivalence;
  /** Runs of each promising candidate on each problem. @default 2 */
  readonly replicas?: number;
  /** How many deadlines are tried. @default 14 */
  readonly deadlines?: number;
  /** Candidates that were measured by running them, such as searches by steps, which traces cannot replay. See `measureCandidate`. */
  readonly measured?: readonly FittedCandidate[];
  /** ISO date to keep with the fit. */
  readonly fittedAt?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SearchProgress) => void;
}

const FIT_OPTIONS: Readonly<Record<keyof FitOptions, true>> = {
  traces: true,
  profile: true,
  acceptance: true,
  parts: true,
  isRight: true,
  replicas: true,
  deadlines: true,
  measured: true,
  fittedAt: true,
  signal: true,
  onProgress: true,
  strategies: true,
  branches: true,
  draftLengths: true,
  maxTokens: true,
};

const DEFAULT_ACCEPTANCE = [0.75];
/** Deadlines tried, from this share of a single branch's time to a little above the slowest plan's. */
const SHORTEST = 0.3;
const LONGEST = 1.05;

const NOTHING_EXPECTED: PlanPrediction = {
  accuracy: 0,
  accuracyInterval: [0, 1],
  latencyMs: { mean: Infinity, p50: Infinity, p95: Infinity, p99: Infinity },
  tokens: 0,
};

export class LatencyOptimizer {
  readonly #fit: FittedPlans;
  readonly #lateness = new LatenessRecords();

  private constructor(fit: FittedPlans) {
    this.#fit = fit;
  }

  /**
   * Finds out what every candidate does at every deadline. Takes seconds to minutes.
   *
   * @throws {InvalidOptionError} before any work starts.
   * @throws the signal's reason when it is aborted.
   */
  static async fit(options: FitOptions): Promise<LatencyOptimizer> {
    requireKnownNames(options, Object.keys(FIT_OPTIONS));
    const { traces, replicas = 2, deadlines: count = 14, measured = [], fittedAt, signal, onProgress } = options;
    requireWholeNumber('replicas', replicas, 1);
    requireWholeNumber('deadlines', count, 2);
    const profiles = profilesByFormat(options.profile);
    const [[format, profile]] = [...profiles] as [[string | undefined, LatencyProfile]];
    const groups = samplingGroups(traces);
    const problems = groups[0]?.traces.filter(({ reference }) => reference !== undefined) ?? [];
    if (problems.length === 0) throw new InvalidOptionError('traces', 'of problems with a reference', traces, 'Record problems whose right answer is known.');
    const acceptance = options.acceptance ?? acceptanceOf(traces) ?? DEFAULT_ACCEPTANCE;
    const knowledge = knowledgeOf(groups, profiles);
    const drafts = options.acceptance ?? recordedOutcomes(traces) ?? acceptance;
    const bench = new ReplayBench({
      traces,
      profileOf: (wanted) => profiles.get(wanted) ?? profile,
      acceptance: drafts,
      knowledge,
      parts: options.parts ?? {},
      ...(options.isRight && { isRight: options.isRight }),
    });
    const greedy = groups.find(({ isGreedy, isScored }) => isGreedy && isScored)?.sampling;
    const aggregation = options.parts?.aggregation;
    const specs = [...profiles].flatMap(([name, timed]) =>
      groups.flatMap((group) => candidateSpecs(options, limitsOf(group, greedy, [name, timed], aggregation))),
    );
    if (specs.length === 0) throw new InvalidOptionError('branches', 'at least one number that fits traces and memory', options.branches);
    const { sampling } = groups[0]!;
    const branchMs = await latencyOf(
      bench,
      problems,
      {
        strategy: 'self-consistency',
        branches: 1,
        draftLength: 0,
        ...(format !== undefined && { format }),
        ...(sampling && { sampling }),
      },
      0.5,
    );
    const slowestMs = Math.max(...(await Promise.all(slowest(specs).map((spec) => latencyOf(bench, problems, spec, 0.95)))));
    const deadlines = [...spaced(SHORTEST * branchMs, LONGEST * slowestMs, count), Infinity];
    const search = { bench, problems, specs, deadlines, replicas, ...(signal && { signal }), ...(onProgress && { onProgress }) };
    const candidates = [...(await searchPlans(search)), ...measured];
    return new LatencyOptimizer(
      withVersion({
        label: [...new Set([...profiles.values()].map(({ label }) => label))].join('; '),
        ...(fittedAt !== undefined && { fittedAt }),
        problems: problems.length,
        branchMs,
        knowledge,
        acceptance: [...acceptance],
        candidates,
      }),
    );
  }

  /**
   * Plans without traces, by closed forms over stated beliefs: for hardware and models that are not at hand.
   *
   * @throws {InvalidOptionError}
   */
  static fromPriors(profile: LatencyProfile, priors: PlanPriors): LatencyOptimizer {
    return new LatencyOptimizer(fitPriors(profile, priors));
  }

  /**
   * Brings a saved fit back.
   *
   * @param saved - What `toJSON` gave, or the file that `latency-tts calibrate` wrote: its text, or what was parsed of it.
   * @throws {InvalidOptionError} for anything else, and for another version.
   */
  static load(saved: unknown): LatencyOptimizer {
    return new LatencyOptimizer(readFittedPlans(saved));
  }

  /** What was found out; plain data. */
  get fitted(): FittedPlans {
    return this.#fit;
  }

  toJSON(): FittedPlans {
    return this.#fit;
  }

  /**
   * The most accurate plan that answers by the deadline with the wanted confidence; with `minAccuracy` the fastest one that is
   * right that often.
   *
   * @throws {InvalidOptionError}
   * @throws {InfeasiblePlanError} that names the nearest requests with a plan.
   */
  solve(request: SolveRequest): Plan {
    const resolved = resolveRequest(request);
    return new Plan(this.#fit, resolved, solvePlan(this.#fit, resolved), this.#lateness);
  }

  /**
   * The plan of a given spec, whether it is the best or not; where it was not among the candidates, or does not fit the deadline,
   * nothing is expected of it.
   *
   * @throws {InvalidOptionError}
   */
  planOf(spec: PlanSpec, request: SolveRequest & { readonly deadlineMs: number }): Plan {
    const resolved = resolveRequest(request);
    const name = describeSpec(spec);
    const { deadlineMs } = request;
    const fitting = choicesAt(this.#fit, deadlineMs, { ...resolved, parallelism: 'joint' }).find((choice) => describeSpec(choice.spec) === name);
    return new Plan(
      this.#fit,
      resolved,
      fitting ?? { spec, source: 'replayed', deadlineMs, runDeadlineMs: deadlineMs, predicted: NOTHING_EXPECTED },
      this.#lateness,
    );
  }

  /** Shares one deadline out to a queue of problems. @throws as `solve` does. */
  solveBatch(request: BatchRequest): BatchPlan {
    return new BatchPlan((single) => this.solve(single), request);
  }

  /** The best plan at each fitted deadline, as far as it is better than with less time. */
  frontier(request: Omit<SolveRequest, 'deadlineMs' | 'minAccuracy' | 'fastestBy'> = {}): FrontierPoint[] {
    return frontierOf(this.#fit, resolveRequest({ ...request, deadlineMs: Infinity }));
  }
}

/** @throws {InvalidOptionError} */
function profilesByFormat(profile: FitOptions['profile']): ReadonlyMap<string | undefined, LatencyProfile> {
  if (isProfile(profile)) return new Map([[undefined, profile]]);
  const entries = Object.entries(profile);
  if (entries.length > 0 && entries.every(([, value]) => isProfile(value))) return new Map(entries);
  throw new InvalidOptionError('profile', 'a profile, or one for each weight format', profile, 'See `profileEngine`.');
}

function isProfile(value: FitOptions['profile'] | LatencyProfile): value is LatencyProfile {
  return typeof (value as Partial<LatencyProfile>)?.passMs === 'function';
}

function limitsOf(
  { sampling, traces, branches: recorded, isScored }: SamplingGroup,
  greedy: SamplingOptions | undefined,
  [format, profile]: readonly [format: string | undefined, profile: LatencyProfile],
  aggregation: StepAggregation = 'last',
): Parameters<typeof candidateSpecs>[1] {
  const promptTokens = Math.max(...traces.map((trace) => trace.promptTokens));
  const branchTokens = Math.max(...traces.flatMap(({ branches }) => branches.map(({ ends }) => ends.length)));
  return {
    format,
    sampling,
    greedy,
    hasDraft: profile.parts.includes('draft'),
    hasScores: profile.parts.includes('scorer') && isScored,
    acceptAt: acceptableScore(traces, aggregation),
    mostBranches: (withDraft) => Math.min(recorded, branchesThatFit(profile, { promptTokens, branchTokens, withDraft })),
  };
}

/** The largest spec of each kind of draft: one of them takes longest. */
function slowest(specs: readonly PlanSpec[]): PlanSpec[] {
  const most = Math.max(...specs.map(({ branches }) => branches));
  return specs.filter(({ branches, draftLength, maxTokens }) => branches === most && draftLength === 0 && maxTokens === undefined);
}

/** A quantile of a plan's latency without a deadline, over a few problems. */
async function latencyOf(bench: ReplayBench, problems: readonly ProblemTrace[], spec: PlanSpec, level: number): Promise<number> {
  const latencies: number[] = [];
  for (const problem of problems.slice(0, 60)) latencies.push((await bench.run(spec, problem, Infinity, 1)).latencyMs);
  return quantile(latencies, level);
}

/** `count` numbers from `low` to `high` with equal ratios. */
function spaced(low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => low * (high / low) ** (index / (count - 1)));
}
