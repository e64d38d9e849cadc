import { generateProblems, type Problem, type Tier } from 'latency-tts/problems';

/** Problems of the split that the bundled models were not trained on. */
export const PROBLEM_SEED = 20;
export const PROBLEM_COUNT = 40;

const banks = new Map<Tier, readonly Problem[]>();

/** The problem of a tier at a place that goes round. */
export function problemAt(tier: Tier, place: number): Problem {
  let bank = banks.get(tier);
  if (!bank) banks.set(tier, (bank = generateProblems({ seed: PROBLEM_SEED, tier, count: PROBLEM_COUNT, split: 'test' })));
  return bank[place % bank.length]!;
}
