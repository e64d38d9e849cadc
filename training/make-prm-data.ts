/**
 * Writes what the PRM learns from: worked solutions without any slip, of problems the target has not seen.
 *
 *   npx tsx training/make-prm-data.ts [problems per tier]
 */
import { generateProblems, TIERS, type Split } from '../src/problems/generate-problems.ts';
import { ExampleWriter } from './example-writer.ts';
import { encode, encodePrompt, specialId } from './vocabulary.ts';

const SEED = 20251105;

function write(name: string, split: Split, perTier: number): void {
  const writer = new ExampleWriter();
  for (const tier of TIERS) {
    for (const { question, solution } of generateProblems({ seed: SEED, tier, count: perTier, split })) {
      const prompt = encodePrompt(question);
      writer.add([...prompt, ...encode(solution), specialId('</s>')], (position) => (position >= prompt.length ? 1 : 0));
    }
  }
  writer.write(name);
}

const perTier = Number(process.argv[2] ?? 8000);
write('prm-train', 'train', perTier);
