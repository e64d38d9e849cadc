/**
 * Writes what the Python trainer reads: token files of the train and test splits, and the tokenizer.
 *
 *   npx tsx training/make-data.ts [problems per tier]
 *
 * Each set is three little-endian files: `NAME.tokens` (uint16), `NAME.loss` (uint8, 1 where the token is learned)
 * and `NAME.starts` (uint32, where each example begins).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { randomSequence, type RandomSource } from '../src/maths/random.ts';
import { formatSolution, generateProblems, TIERS, type Problem } from '../src/problems/generate-problems.ts';
import type { SolutionStep } from '../src/problems/story.ts';
import { withSlips } from './slips.ts';
import { encode, encodePrompt, REPLACEABLE, specialId, vocabulary, writeTokenizer } from './vocabulary.ts';

const SEED = 20251104;
/** Share of solution steps that carry a mistake in the training texts. */
const SLIP_RATE = 0.04;
/** Share of training prompts in which some names or things are unknown words. */
const UNKNOWN_RATE = 0.15;
const TEST_COUNT = 256;
const DRILL_LINES = 24;
const dataDirectory = fileURLToPath(new URL('./data/', import.meta.url));

class ExampleWriter {
  readonly #tokens: number[] = [];
  readonly #loss: number[] = [];
  readonly #starts: number[] = [];

  add(tokens: readonly number[], isLearned: (position: number) => boolean): void {
    this.#starts.push(this.#tokens.length);
    tokens.forEach((token, position) => {
      this.#tokens.push(token);
      this.#loss.push(isLearned(position) ? 1 : 0);
    });
  }

  write(name: string): void {
    writeFileSync(`${dataDirectory}${name}.tokens`, Uint16Array.from(this.#tokens));
    writeFileSync(`${dataDirectory}${name}.loss`, Uint8Array.from(this.#loss));
    writeFileSync(`${dataDirectory}${name}.starts`, Uint32Array.from(this.#starts));
    console.log(`${name}: ${this.#starts.length} examples, ${this.#tokens.length} tokens`);
  }
}

function addProblem(writer: ExampleWriter, problem: Problem, prompt: readonly number[], solution: string): void {
  writer.add([...prompt, ...encode(solution), specialId('</s>')], (position) => position >= prompt.length);
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
    const learned = [false];
    for (const step of steps.slice(start, start + DRILL_LINES)) {
      let isResult = false;
      for (const token of encode(`${formatSolution([step]).split('\n')[0]}\n`)) {
        tokens.push(token);
        learned.push(isResult);
        if (token === equals) isResult = true;
        if (token === newline) isResult = false;
      }
    }
    writer.add(tokens, (position) => learned[position]!);
  }
  writer.write('drills');
}

const count = Number(process.argv[2] ?? 100_000);
mkdirSync(dataDirectory, { recursive: true });
writeTokenizer(fileURLToPath(new URL('../models/tokenizer/', import.meta.url)));
writeFileSync(`${dataDirectory}vocabulary.json`, JSON.stringify({ size: vocabulary.size, end: specialId('</s>') }));
const drillSteps: SolutionStep[] = [];
for (const tier of TIERS) writeTier(tier, count, drillSteps);
const random = randomSequence(SEED, 0, 2000);
writeDrills(
  drillSteps
    .map((step) => [random(), step] as const)
    .sort(([left], [right]) => left - right)
    .map(([, step]) => step),
);
