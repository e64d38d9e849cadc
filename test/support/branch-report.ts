import type { BranchReport } from '../../src/contracts/result.ts';

/** Of a branch that has ended by itself. */
export const FINISHED_BRANCH: BranchReport = {
  branch: 0,
  text: '12+30=42\n#### 42',
  answer: '42',
  tokenCount: 1,
  forcedTokenCount: 0,
  meanLogprob: -0.1,
  finish: 'end',
  isForced: false,
  startMs: 1,
  endMs: 90,
};
