/**
 * Writes what the PRM learns from: solutions with every token marked right or wrong.
 *
 *   npx tsx training/make-prm-data.ts [sampled problems per tier]
 *
 * Most solutions are sampled from the exported target on training problems; some are worked solutions with slips.
 * Marks (bytes of `NAME.loss`): 1 while the text so far is the beginning of the worked solution, 2 from the first other
 * token on. Scores are read at the ends of steps, but marks at every token teach far faster.
 */
import { fileURLToPath } from 'node:url';
import { Decoder } from '../src/engines/decoder.ts';
import { loadModel } from '../src/node/load-model.ts';
import { randomSequence } from '../src/maths/random.ts';
import { formatSolution, generateProblems, TIERS, type Problem, type Split } from '../src/problems/generate-problems.ts';
import { ExampleWriter } from './example-writer.ts';
import { withSlips } from './slips.ts';
import { encode, encodePrompt, specialId } from './vocabulary.ts';

const SEED = 20251105;
const BRANCHES = 12;
const SLIP_RATE = 0.15;
const SLIPPED_PER_SAMPLED = 2;
const models = fileURLToPath(new URL('../models/', import.meta.url));

/** Adds a solution with a mark at every token: right while the text so far is the beginning of the worked solution. */
function addMarked(writer: ExampleWriter, problem: Problem, solution: string): void {
  const prompt = encodePrompt(problem.question);
  const written = [...encode(solution), specialId('</s>')];
  const worked = [...encode(problem.solution), specialId('</s>')];
  const firstWrong = written.findIndex((token, index) => token !== worked[index]);
  const wrongFrom = prompt.length + (firstWrong < 0 ? written.length : firstWrong);
  writer.add([...prompt, ...written], (position) => (position < prompt.length ? 0 : position < wrongFrom ? 1 : 2));
}

async function write(name: string, split: Split, perTier: number): Promise<void> {
  const writer = new ExampleWriter();
  const target = await loadModel(`${models}target`, { tokenizerPath: `${models}tokenizer` });
  const engine = new Decoder({ model: target, thread: 'main' });
  for (const tier of TIERS) {
    const startedAt = performance.now();
    for (const [index, problem] of generateProblems({ seed: SEED, tier, count: perTier, split }).entries()) {
      const session = await engine.open(problem.question, { seed: index });
      const branches = session.branch(BRANCHES);
      const ends = await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 110 } })));
      branches.forEach((branch, at) => ends[at]!.finish === 'end' && addMarked(writer, problem, branch.text));
      await session.dispose();
    }
    console.log(`${name} tier ${tier}: sampled in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
    generateProblems({ seed: SEED + 1, tier, count: perTier * SLIPPED_PER_SAMPLED, split }).forEach((problem, index) => {
      const storyNumbers = (problem.question.match(/\d+/g) ?? ['1']).map(Number);
      addMarked(writer, problem, formatSolution(withSlips(problem.steps, storyNumbers, SLIP_RATE, randomSequence(SEED, index, 3000 + tier))));
    });
  }
  await engine.dispose();
  writer.write(name);
}

const perTier = Number(process.argv[2] ?? 400);
await write('prm-test', 'calibration', Math.ceil(perTier / 20));
await write('prm-train', 'train', perTier);
