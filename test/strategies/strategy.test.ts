import { describe, test } from 'vitest';
import type { BranchReport } from '../../src/contracts/result.ts';
import { cascade } from '../../src/strategies/cascade.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { withFallback } from '../../src/strategies/with-fallback.ts';
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
  'withFallback, first choice': { make: () => withFallback([{ strategy: new SelfConsistency({ branches: 6 }) }]), chosen: pluralityOf },
  'withFallback, second choice': {
    make: () => withFallback([{ strategy: new SelfConsistency({ branches: 6 }), minMs: 150 }, { strategy: new SelfConsistency({ branches: 2 }) }]),
    chosen: pluralityOf,
  },
  'cascade that always escalates': {
    make: () =>
      cascade([
        { strategy: new SelfConsistency({ branches: 2, extract: () => undefined, extractUnfinished: () => undefined }), deadlineShare: 0.5 },
        { strategy: new SelfConsistency({ branches: 5 }) },
      ]),
    chosen: (reports) => (reports.some(({ answer }) => answer !== undefined) ? pluralityOf(reports) : reports[0]!),
  },
};

for (const [name, subject] of Object.entries(SUBJECTS)) {
  describe(name, () => {
    for (const law of strategyLaws) test(law.name, () => law.check(subject));
  });
}
