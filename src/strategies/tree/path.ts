import type { BranchReport } from '../../contracts/result.ts';
import type { BranchRecorder } from '../../runtime/branch-recorder.ts';

/** One way through a search tree: a branch, and what the scorer thinks of it. */
export class Path {
  readonly recorder: BranchRecorder;
  /** Which of several trees it belongs to; forks stay in their tree. */
  readonly tree: number;
  /** The last score it got, or that of the path it was forked off; `undefined` before any. */
  score: number | undefined;
  /** Whether `score` is of its text as it stands. */
  isScored = false;
  /** Set once nothing further can come. */
  report: BranchReport | undefined;

  constructor(recorder: BranchRecorder, tree: number, score?: number) {
    this.recorder = recorder;
    this.tree = tree;
    this.score = score;
  }

  get text(): string {
    return this.recorder.branch.text;
  }

  /** Whether the model ended the text by itself. Running out of tokens or time is no solution. */
  get isComplete(): boolean {
    return this.recorder.finish === 'end' && !this.recorder.isForced;
  }
}

/**
 * Best first: scored before unscored, by score; unscored ones by the last score they had, then by mean log-probability;
 * equals in the order of their branches.
 */
export function comparePaths(left: Path, right: Path): number {
  if (left.isScored !== right.isScored) return left.isScored ? -1 : 1;
  const byScore = descending(left.score, right.score);
  if (byScore !== 0) return byScore;
  const byLogprob = left.isScored ? 0 : descending(left.recorder.meanLogprob, right.recorder.meanLogprob);
  return byLogprob || left.recorder.branch.number - right.recorder.branch.number;
}

function descending(left: number | undefined, right: number | undefined): number {
  if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
  return right - left;
}

/**
 * A number in place of each score, for rules that need one: the score; for an unscored path among scored ones the lowest of
 * theirs, so that it ranks last and stays alive; without any score the geometric mean probability of its tokens.
 */
export function effectiveScores(paths: readonly Path[]): number[] {
  const scores = paths.flatMap(({ isScored, score }) => (isScored && score !== undefined ? [score] : []));
  const lowest = Math.min(...scores);
  return paths.map(({ isScored, score, recorder }) => {
    if (scores.length === 0) return Math.exp(recorder.meanLogprob ?? -Infinity);
    return isScored && score !== undefined ? score : lowest;
  });
}

/** Without paths whose text another one before them has. */
export function distinctPaths(paths: readonly Path[]): Path[] {
  const texts = new Set<string>();
  return paths.filter(({ text }) => !texts.has(text) && texts.add(text));
}
