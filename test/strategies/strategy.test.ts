import { describe, test } from 'vitest';
import type { BranchReport } from '../../src/contracts/result.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { COMPOSED_SUBJECTS } from './composed-subjects.ts';
import { SOLUTION_SUBJECTS } from './solution-subjects.ts';
import { strategyLaws, type StrategySubject } from './strategy-laws.ts';
import { THINKING_SUBJECTS } from './thinking-subjects.ts';
import { TREE_SUBJECTS } from './tree-subjects.ts';

/** The first voter for the answer with the most votes; of equals, the answer whose first voter comes first. */
function pluralityOf(reports: readonly BranchReport[]): BranchReport {
  const votes = (report: BranchReport): number => reports.filter(({ answer }) => answer === report.answer).length;
  return reports.filter(({ answer }) => answer !== undefined).reduce((best, report) => (votes(report) > votes(best) ? report : best));
}

const SUBJECTS: Readonly<Record<string, StrategySubject>> = {
  'SelfConsistency, early decision': { make: () => new SelfConsistency({ branches: 6 }), chosen: pluralityOf },
  'SelfConsistency, no early decision': { make: () => new SelfConsistency({ branches: 6, earlyDecision: 'none' }), chosen: pluralityOf },
  'SelfConsistency, unfinished branches abstain': { make: () => new SelfConsistency({ branches: 6, forcedAnswer: false }), chosen: pluralityOf },
  ...SOLUTION_SUBJECTS,
  ...THINKING_SUBJECTS,
  ...TREE_SUBJECTS,
  ...COMPOSED_SUBJECTS,
};

for (const [name, subject] of Object.entries(SUBJECTS)) {
  describe(name, () => {
    for (const law of strategyLaws) test(law.name, () => law.check(subject));
  });
}
