import type { ProblemTrace } from '../../contracts/trace.ts';
import type { ReplayBench, RunOutcome } from './evaluate-spec.ts';
import { monotone, summarise, type FittedCandidate } from './fitted-plans.ts';
import { describeSpec, type PlanSpec } from './plan-spec.ts';

export interface SearchOptions {
  readonly bench: ReplayBench;
  readonly problems: readonly ProblemTrace[];
  readonly specs: readonly PlanSpec[];
  /** Ascending, Infinity last. */
  readonly deadlines: readonly number[];
  /** Runs of each candidate on each problem. */
  readonly replicas: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SearchProgress) => void;
}

export interface SearchProgress {
  readonly stage: 'coarse' | 'fine';
  readonly done: number;
  readonly total: number;
}

/** Problems of the coarse stage. */
const COARSE_PROBLEMS = 32;
/** A candidate stays in the race where it is among the best at some deadline, of its kind. */
const BEST_OF_KIND = 3;
const BEST_OF_ALL = 8;
/** Other reserves that promising candidates are tried with. */
const ANSWER_TOKENS = [0, 4];

/** Coarse to fine: all candidates on a few problems, the best of each kind on all of them. */
export async function searchPlans(options: SearchOptions): Promise<FittedCandidate[]> {
  const { problems, specs, replicas } = options;
  const every = Math.max(1, Math.floor(problems.length / COARSE_PROBLEMS));
  const few = problems.filter((_, index) => index % every === 0);
  const coarse = await evaluateAll(options, 'coarse', specs, few, 1);
  const fine = await evaluateAll(options, 'fine', promising(coarse), problems, replicas);
  return fine.map((candidate) => ({ ...candidate, points: monotone(candidate.points) }));
}

async function evaluateAll(
  { bench, deadlines, signal, onProgress }: SearchOptions,
  stage: SearchProgress['stage'],
  specs: readonly PlanSpec[],
  problems: readonly ProblemTrace[],
  replicas: number,
): Promise<FittedCandidate[]> {
  const candidates: FittedCandidate[] = [];
  for (const [done, spec] of specs.entries()) {
    onProgress?.({ stage, done, total: specs.length });
    const outcomes = deadlines.map((): RunOutcome[][] => problems.map(() => []));
    for (const [index, problem] of problems.entries()) {
      signal?.throwIfAborted();
      for (let replica = 0; replica < replicas; replica++) {
        const runs = await runAtEach(bench, spec, problem, deadlines, replica + 1);
        for (const [at, run] of runs.entries()) outcomes[at]![index]!.push(run);
      }
    }
    candidates.push({ spec, source: 'replayed', points: deadlines.map((deadlineMs, at) => summarise(deadlineMs, outcomes[at]!)) });
  }
  onProgress?.({ stage, done: specs.length, total: specs.length });
  return candidates;
}

/** One problem at every deadline. From the first that cuts nothing on, more time changes nothing. */
async function runAtEach(bench: ReplayBench, spec: PlanSpec, problem: ProblemTrace, deadlines: readonly number[], replica: number): Promise<RunOutcome[]> {
  const runs: RunOutcome[] = [];
  for (const deadlineMs of deadlines) {
    const before = runs.at(-1);
    runs.push(before && !before.isCut ? before : await bench.run(spec, problem, deadlineMs, replica));
  }
  return runs;
}

/**
 * Candidates that are among the best at some deadline: of all, of those without drafts, and of those of one branch; each with
 * other reserves for forced answers.
 */
function promising(candidates: readonly FittedCandidate[]): PlanSpec[] {
  const kept = new Map<string, PlanSpec>();
  const keepBest = (of: readonly FittedCandidate[], count: number): void => {
    for (const [at] of of[0]?.points.entries() ?? []) {
      const best = [...of].sort((left, right) => compareAt(left, right, at)).slice(0, count);
      for (const { spec } of best) kept.set(describeSpec(spec), spec);
    }
  };
  keepBest(candidates, BEST_OF_ALL);
  keepBest(
    candidates.filter(({ spec }) => spec.draftLength === 0),
    BEST_OF_KIND,
  );
  keepBest(
    candidates.filter(({ spec }) => spec.branches === 1),
    BEST_OF_KIND,
  );
  return [...kept.values()].flatMap((spec) => [spec, ...ANSWER_TOKENS.map((answerTokens) => ({ ...spec, answerTokens }))]);
}

/** The more accurate first; of equals the faster one. */
function compareAt(left: FittedCandidate, right: FittedCandidate, at: number): number {
  const [one, other] = [left.points[at]!, right.points[at]!];
  return other.accuracy - one.accuracy || one.latencyMs[2]! - other.latencyMs[2]! || one.tokens - other.tokens;
}
