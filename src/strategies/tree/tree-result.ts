import { tallyVotes } from '../../answers/vote.ts';
import type { AnswerEquivalence } from '../../contracts/answer.ts';
import type { StrategyResult } from '../../contracts/result.ts';
import type { ScoringCoverage } from '../branch-scores.ts';
import { longestReport } from '../strategy-run.ts';
import { comparePaths, effectiveScores, type Path } from './path.ts';
import type { StepMachine } from './step-machine.ts';
import type { SolutionSelection } from './tree-options.ts';

/** A solution a search has come to. */
export interface ScoredSolution {
  readonly branch: number;
  readonly answer: string | undefined;
  /** The last score it got; `undefined` where the scorer never gave one. */
  readonly score: number | undefined;
  /** Whether the model ended it by itself; else it was cut at its limit or the deadline. */
  readonly isComplete: boolean;
}

export interface TreeSearchResult extends StrategyResult {
  /** Complete ones first, then best first; equals in the order of their branches. */
  readonly solutions: readonly ScoredSolution[];
  /**
   * How many of the texts that were to be judged have a score. With `partial` scored paths ranked before others; with `none`
   * paths were ranked by the mean log-probability of their tokens.
   */
  readonly scoring: ScoringCoverage;
  /** What calls of the scorer failed with. */
  readonly scoringErrors: readonly unknown[];
  /** Rounds of decoding and scoring. */
  readonly rounds: number;
}

/** The path to return and how sure the search is of it. */
export interface Choice {
  readonly path: Path | undefined;
  readonly confidence: number;
}

/** The result of a search whose paths have all been reported on. */
export function concludeSearch(machine: StepMachine, choice: Choice): TreeSearchResult {
  const { run, scoring } = machine;
  const chosen = choice.path?.report ?? longestReport(run.reports());
  const result = run.conclude({
    chosen,
    answer: chosen?.answer,
    confidence: choice.confidence,
    scoring: { coverage: scoring.coverage(), errors: scoring.errors, otherwise: 'likelihood' },
    stopReason: machine.isOutOfTime || run.recorders.some(({ isCut }) => isCut) ? 'deadline' : 'completed',
  });
  return {
    ...result,
    solutions: rankSolutions(machine.ended).map((path) => ({
      branch: path.recorder.branch.number,
      answer: path.report!.answer,
      score: path.score,
      isComplete: path.isComplete,
    })),
    scoring: scoring.coverage(),
    scoringErrors: scoring.errors,
    rounds: machine.roundCount,
  };
}

/** Complete solutions first, then those with an answer; among equals by score. */
function rankSolutions(paths: readonly Path[]): Path[] {
  return [...paths].sort((left, right) => standingOf(left) - standingOf(right) || comparePaths(left, right));
}

/**
 * Chooses among paths that have ended.
 *
 * @param paths - A path may be there several times; it then votes as often.
 */
export function chooseSolution(paths: readonly Path[], select: SolutionSelection, isSame: AnswerEquivalence): Choice {
  const ranked = rankSolutions(paths);
  const best = ranked[0];
  const voters = ranked.filter((path) => standingOf(path) === standingOf(best!) && path.report!.answer !== undefined);
  if (!best || select === 'highest' || voters.length === 0) return { path: best, confidence: clamp(best?.score ?? 0) };
  const weights = select === 'votes' ? voters.map(() => 1) : effectiveScores(voters);
  const { winners, share } = heaviestAnswer(voters, weights, isSame);
  return { path: rankSolutions(winners)[0], confidence: share };
}

/** The paths of the answer with the highest sum of weights; of equals, the answer that came first. */
function heaviestAnswer(
  paths: readonly Path[],
  weights: readonly number[],
  isSame: AnswerEquivalence,
): { readonly winners: readonly Path[]; readonly share: number } {
  const order = paths.map((_, index) => index).sort((left, right) => paths[left]!.recorder.branch.number - paths[right]!.recorder.branch.number);
  const groups = tallyVotes(new Map(order.map((index, voter) => [voter, paths[index]!.report!.answer])), isSame)
    .map(({ voters }) => ({ voters, weight: voters.reduce((sum, voter) => sum + weights[order[voter]!]!, 0) }))
    .sort((left, right) => right.weight - left.weight || left.voters[0]! - right.voters[0]!);
  const total = groups.reduce((sum, { weight }) => sum + weight, 0);
  const [winner] = groups;
  return { winners: winner!.voters.map((voter) => paths[order[voter]!]!), share: total > 0 ? winner!.weight / total : 0 };
}

function standingOf({ isComplete, report }: Path): number {
  if (isComplete) return 0;
  return report?.answer === undefined ? 2 : 1;
}

const clamp = (score: number): number => Math.min(1, Math.max(0, score));
