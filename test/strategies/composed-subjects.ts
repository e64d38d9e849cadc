/** Strategies that run others, for the laws. */
import type { BranchReport } from '../../src/contracts/result.ts';
import type { Strategy } from '../../src/contracts/strategy.ts';
import { cascade } from '../../src/strategies/cascade.ts';
import { LlmSelector } from '../../src/strategies/llm-selector.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { SelfRefine } from '../../src/strategies/self-refine.ts';
import { withFallback } from '../../src/strategies/with-fallback.ts';
import { heaviestOf } from './solution-subjects.ts';
import type { StrategySubject } from './strategy-laws.ts';

const plurality: StrategySubject['chosen'] = (reports) => heaviestOf(reports);
const vote = (branches: number): Strategy => new SelfConsistency({ branches, earlyDecision: 'none' });

/** The solver replies with a solution; its plan's letter is taken for a place. */
const placeOf = (reply: string, candidates: number): number | undefined => (/\d$/.test(reply) ? reply.charCodeAt(0) % candidates : undefined);

/** What the reply names among the texts that differ; without a reply the vote. */
function selectedOf(reports: readonly BranchReport[], sourced: number): BranchReport {
  const source = reports.filter(({ branch }) => branch < sourced);
  const candidates = source.filter(({ answer, text }, index) => answer !== undefined && source.findIndex((other) => other.text === text) === index);
  const reply = reports.find(({ branch }) => branch === sourced);
  const place = reply && placeOf(reply.text, candidates.length);
  return place === undefined ? heaviestOf(source) : candidates[place]!;
}

/** The last version that is complete; versions and critiques take turns behind the draft's branches. */
function refinedOf(reports: readonly BranchReport[], drafts: number): BranchReport {
  const draft = heaviestOf(reports.filter(({ branch }) => branch < drafts));
  const revisions = reports.filter(({ branch, finish, isForced }) => branch > drafts && (branch - drafts) % 2 === 1 && finish === 'end' && !isForced);
  return revisions.at(-1) ?? draft;
}

export const COMPOSED_SUBJECTS: Readonly<Record<string, StrategySubject>> = {
  'withFallback, first choice': { make: () => withFallback([{ strategy: new SelfConsistency({ branches: 6 }) }]), chosen: plurality },
  'withFallback, second choice': {
    make: () => withFallback([{ strategy: new SelfConsistency({ branches: 6 }), minMs: 150 }, { strategy: new SelfConsistency({ branches: 2 }) }]),
    chosen: plurality,
  },
  'cascade that always escalates': {
    make: () =>
      cascade([
        { strategy: new SelfConsistency({ branches: 2, extract: () => undefined, extractUnfinished: () => undefined }), deadlineShare: 0.5 },
        { strategy: new SelfConsistency({ branches: 5 }) },
      ]),
    chosen: (reports) => (reports.some(({ answer }) => answer !== undefined) ? heaviestOf(reports) : reports[0]!),
    hasStages: true,
  },
  LlmSelector: {
    make: () => new LlmSelector({ source: vote(4), question: () => 'which?', parse: placeOf }),
    chosen: (reports) => selectedOf(reports, 4),
    isThrifty: true,
  },
  SelfRefine: {
    make: () => new SelfRefine({ source: vote(3), reviser: vote(1), critique: () => 'what is wrong?', revise: () => 'and now?', isSatisfied: () => false }),
    chosen: (reports) => refinedOf(reports, 3),
    isThrifty: true,
  },
};
