import type { ScoredText } from '../contracts/scorer.ts';

/** A question as long as one of mathematics in words. */
export const SAMPLE_PROMPT =
  'a baker fills 12 boxes with 24 rolls in each. he sells 150 rolls in the morning and bakes 36 more. he gives half of the rest away. how many rolls are left?';

/**
 * Solutions of some steps, no two alike, for measuring what scoring costs.
 *
 * @param separator - What ends a step.
 * @param first - Number of the first of them: others have others.
 */
export function sampleTexts(count: number, separator: string, first: number): ScoredText[] {
  return Array.from({ length: count }, (_, index) => {
    const rolls = 100 + first + index;
    const steps = [`12*24+${rolls}`, `${rolls + 288}-150`, `${rolls + 138}+36`, `${rolls + 174}*2`, `#### ${2 * rolls + 348}`];
    return { text: steps.join(separator), isFinished: true };
  });
}
