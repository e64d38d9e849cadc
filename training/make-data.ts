/**
 * Writes what the Python trainer reads: token files of the train and test splits, and the tokenizer.
 *
 *   npx tsx training/make-data.ts [problems per tier]
 *
 * A mark of 1 says that the token is learned.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { randomSequence, type RandomSource } from '../src/maths/random.ts';
import { formatSolution, generateProblems, TIERS, type Problem } from '../src/problems/generate-problems.ts';
import type { SolutionStep } from '../src/problems/story.ts';
import { DATA_DIRECTORY, ExampleWriter } from './example-writer.ts';
import { withSlips } from './slips.ts';
import { encode, encodePrompt, REPLACEABLE, specialId, vocabulary, writeTokenizer } from './vocabulary.ts';

const SEED = 20251104;
/** Share of solution steps that carry a mistake in the training texts. */
const SLIP_RATE = 0.04;
/** Share of training prompts in which some names or things are unknown words. */
const UNKNOWN_RATE = 0.15;
const TEST_COUNT = 256;
const DRILL_LINES = 24;

function addProblem(writer: ExampleWriter, problem: Problem, prompt: readonly number[], solution: string): void {
  writer.add([...prompt, ...encode(solution), specialId('</s>')], (position) => (position >= prompt.length ? 1 : 0));
}

const replaceableIds = new Set([...REPLACEABLE].map((word) => vocabulary.get(word)!));

function hideWords(prompt: readonly number[], random: RandomSource): number[] {
  const words = [...new Set(prompt.filter((token) => replaceableIds.has(token)))];
  const hidden = new Set(words.filter(() => random() < 0.4));
  return prompt.map((token) => (hidden.has(token) ? specialId('<unk>') : token));
}

function writeTier(tier: Problem['tier'], count: number, drillSteps: SolutionStep[]): void {
  const writer = new ExampleWriter();
  generateProblems({ seed: SEED, tier, count, split: 'train' }).forEach((problem, index) => {
    const random = randomSequence(SEED, index, 1000 + tier);
    const storyNumbers = (problem.question.match(/\d+/g) ?? ['1']).map(Number);
    const prompt = encodePrompt(problem.question);
    addProblem(
      writer,
      problem,
      random() < UNKNOWN_RATE ? hideWords(prompt, random) : prompt,
      formatSolution(withSlips(problem.steps, storyNumbers, SLIP_RATE, random)),
    );
    if (index % 2 === 0) drillSteps.push(...problem.steps);
  });
  writer.write(`train-${tier}`);

  const test = new ExampleWriter();
  for (const problem of generateProblems({ seed: SEED, tier, count: TEST_COUNT, split: 'test' })) {
    addProblem(test, problem, encodePrompt(problem.question), problem.solution);
  }
  test.write(`test-${tier}`);
}

/** Bare arithmetic lines with the operands of real problems: dense practice for the early steps of training. */
function writeDrills(steps: readonly SolutionStep[]): void {
  const writer = new ExampleWriter();
  const equals = vocabulary.get('=')!;
  const newline = vocabulary.get('\n')!;
  for (let start = 0; start + DRILL_LINES <= steps.length; start += DRILL_LINES) {
    const tokens = [specialId('<s>')];
    const learned = [0];
    for (const step of steps.slice(start, start + DRILL_LINES)) {
      let isResult = false;
      for (const token of encode(`${formatSolution([step]).split('\n')[0]}\n`)) {
        tokens.push(token);
        learned.push(isResult ? 1 : 0);
        if (token === equals) isResult = true;
        if (token === newline) isResult = false;
      }
    }
    writer.add(tokens, (position) => learned[position]!);
  }
  writer.write('drills');
}

const count = Number(process.argv[2] ?? 100_000);
mkdirSync(DATA_DIRECTORY, { recursive: true });
writeTokenizer(fileURLToPath(new URL('../models/tokenizer/', import.meta.url)));
writeFileSync(`${DATA_DIRECTORY}vocabulary.json`, JSON.stringify({ size: vocabulary.size, end: specialId('</s>') }));
const drillSteps: SolutionStep[] = [];
for (const tier of TIERS) writeTier(tier, count, drillSteps);
const random = randomSequence(SEED, 0, 2000);
writeDrills(
  drillSteps
    .map((step) => [random(), step] as const)
    .sort(([left], [right]) => left - right)
    .map(([, step]) => step),
);
