/** Strategies that choose among whole solutions, for the laws. */
import type { BranchReport } from '../../src/contracts/result.ts';
import { BestOfN } from '../../src/strategies/best-of-n.ts';
import { FirstFinish } from '../../src/strategies/first-finish.ts';
import { launchWindows } from '../../src/strategies/launch-schedule.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { rewardWeights } from '../../src/strategies/vote-weights.ts';
import { lengthScore, scriptedScorer } from './text-scorers.ts';
import type { StrategySubject } from './strategy-laws.ts';

const hasAnswer = ({ answer }: BranchReport): boolean => answer !== undefined;

/** The first of the reports with the largest value. */
function firstOfLargest(reports: readonly BranchReport[], value: (report: BranchReport) => number): BranchReport {
  return reports.reduce((best, report) => (value(report) > value(best) ? report : best));
}

/** The first voter for the answer whose voters weigh most; of equals, the answer whose first voter comes first. */
export function heaviestOf(reports: readonly BranchReport[], weigh: (report: BranchReport) => number = () => 1): BranchReport {
  const voters = reports.filter(hasAnswer);
  const weight = ({ answer }: BranchReport): number => voters.filter((other) => other.answer === answer).reduce((sum, other) => sum + weigh(other), 0);
  return firstOfLargest(voters, weight);
}

/** The first voter for the answer of the first window of which all agree, else for the answer of most. */
function firstUnanimousOf(reports: readonly BranchReport[], size: number): BranchReport {
  for (let start = 0; start < reports.length; start += size) {
    const window = reports.slice(start, start + size);
    if (hasAnswer(window[0]!) && window.every(({ answer }) => answer === window[0]!.answer)) {
      return reports.find(({ answer }) => answer === window[0]!.answer)!;
    }
  }
  return heaviestOf(reports);
}

/** Of the first to finish, else of those that were asked for an answer. */
function shortOf(reports: readonly BranchReport[], finishers: number): BranchReport {
  const bySize = (left: BranchReport, right: BranchReport): number => left.tokenCount - right.tokenCount || left.branch - right.branch;
  const finished = reports
    .filter(({ finish, isForced }) => finish === 'end' && !isForced)
    .sort((left, right) => left.endMs - right.endMs || bySize(left, right));
  const voters = (finished.length > 0 ? finished.slice(0, finishers) : reports.filter(hasAnswer)).sort(bySize);
  return heaviestOf(voters);
}

export const SOLUTION_SUBJECTS: Readonly<Record<string, StrategySubject>> = {
  'SelfConsistency, Beta decision': { make: () => new SelfConsistency({ branches: 6, earlyDecision: 'beta' }), chosen: heaviestOf },
  'SelfConsistency, windows': {
    make: () => new SelfConsistency({ branches: 6, launch: launchWindows({ size: 2 }) }),
    chosen: (reports) => firstUnanimousOf(reports, 2),
    isThrifty: true,
  },
  'SelfConsistency, as many as are likely to finish': {
    make: () => new SelfConsistency({ branches: 6, expectedTokens: 18 }),
    chosen: heaviestOf,
    isThrifty: true,
  },
  'SelfConsistency, doubling': { make: () => new SelfConsistency({ branches: 6, launch: 'doubling' }), chosen: heaviestOf, isThrifty: true },
  'SelfConsistency, weighted by reward': {
    make: () => new SelfConsistency({ branches: 6, weights: rewardWeights({ scorer: scriptedScorer() }) }),
    chosen: (reports) => heaviestOf(reports, lengthScore),
  },
  'SelfConsistency over SelfConsistency': {
    make: () => new SelfConsistency({ source: new SelfConsistency({ branches: 6, earlyDecision: 'none' }) }),
    chosen: heaviestOf,
  },
  BestOfN: {
    make: () => new BestOfN({ branches: 6, scorer: scriptedScorer() }),
    chosen: (reports) => firstOfLargest(reports.filter(hasAnswer), lengthScore),
  },
  'BestOfN, by answer': {
    make: () => new BestOfN({ branches: 6, select: 'by-answer', scorer: scriptedScorer() }),
    chosen(reports) {
      const { answer } = heaviestOf(reports, lengthScore);
      return firstOfLargest(
        reports.filter((report) => report.answer === answer),
        lengthScore,
      );
    },
  },
  'BestOfN over SelfConsistency': {
    make: () => new BestOfN({ source: new SelfConsistency({ branches: 6, earlyDecision: 'none' }), scorer: scriptedScorer() }),
    chosen: (reports) => firstOfLargest(reports.filter(hasAnswer), lengthScore),
  },
  'FirstFinish, first of six': { make: () => new FirstFinish({ branches: 6 }), chosen: (reports) => shortOf(reports, 1), isThrifty: true },
  'FirstFinish, first three of six': { make: () => new FirstFinish({ branches: 6, finishers: 3 }), chosen: (reports) => shortOf(reports, 3) },
};
