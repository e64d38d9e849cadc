import { generateProblems, TIERS } from 'latency-tts/problems';

export interface BenchProblem {
  readonly id: string;
  readonly prompt: string;
  readonly reference: string;
  readonly group: string;
}

/** Problems of all tiers, mixed. */
export function mixedProblems(split: 'calibration' | 'test', count: number, seed: number): BenchProblem[] {
  const perTier = Math.ceil(count / TIERS.length);
  const byTier = TIERS.map((tier) =>
    generateProblems({ seed, tier, count: perTier, split }).map(({ question, answer }, index) => ({
      id: `${split}-${tier}-${index}`,
      prompt: question,
      reference: answer,
      group: String(tier),
    })),
  );
  return Array.from({ length: perTier }, (_, index) => byTier.map((problems) => problems[index]!))
    .flat()
    .slice(0, count);
}
