/** A scripted model that thinks in steps: each is a digit, drawn at random, and a line break; the answer is their sum. */
import type { Engine } from '../../src/contracts/engine.ts';
import type { ScoredText } from '../../src/contracts/scorer.ts';
import type { Strategy, StrategyRequest } from '../../src/contracts/strategy.ts';
import type { StrategyResult } from '../../src/contracts/result.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { ScriptedTokenModel } from '../../src/testing/scripted-token-model.ts';

const ALPHABET = '0123456789\n #?';
const END = ALPHABET.length;
const ANNOUNCEMENT = '#### ';
const tokenizer = characterTokenizer(ALPHABET, '\n#### ');

export interface StepSolverOptions {
  /** Steps before the answer, by the digits so far: `true` ends them. @default after 4 */
  readonly isOver?: (digits: string) => boolean;
  /** How many digits there are to choose from. @default 4 */
  readonly digits?: number;
  /** Milliseconds of a pass. @default 10 */
  readonly stepMs?: (rows: number) => number;
  /** Thrown in place of logits behind the texts it is given for. */
  readonly fault?: (text: string) => Error | undefined;
  /** Characters that repeat within a step, to make it long: `00000\n`. @default 1 */
  readonly repeat?: number;
}

export interface StepSolver {
  readonly engine: Engine;
  readonly model: ScriptedTokenModel;
  readonly clock: ManualClock;
}

export async function openStepSolver(options: StepSolverOptions = {}): Promise<StepSolver> {
  const clock = new ManualClock();
  let isReady = false;
  const model = new ScriptedTokenModel({
    vocabularySize: ALPHABET.length + 1,
    endTokens: [END],
    contextTokens: 400,
    clock,
    stepMs: (rows) => (isReady ? (options.stepMs?.(rows.length) ?? 10) : 0),
    logits: (tokens) => logitsOf(tokenizer.decode(tokens), options, isReady),
  });
  const engine = new Decoder({ model: localModelOf(model, tokenizer), thread: 'main' });
  await engine.ready();
  isReady = true;
  return { engine, model, clock };
}

/** Runs on a solver of its own. `leftOpen`: sequences not disposed; `forwards`: rows of every pass. */
export async function solveSteps<Result extends StrategyResult>(
  strategy: Strategy<Result>,
  fields: Partial<StrategyRequest> = {},
  options: StepSolverOptions = {},
): Promise<Result & { readonly leftOpen: number; readonly forwards: readonly number[] }> {
  const { engine, model, clock } = await openStepSolver(options);
  const before = model.forwards.length;
  const result = await strategy.run({ engine, clock, prompt: '?', ...fields });
  return { ...result, leftOpen: model.openSequences, forwards: model.forwards.slice(before) };
}

/** The digits of the complete steps of a text, without repetitions. */
export function digitsOf(text: string): string {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => line[0])
    .join('');
}

/** The lower its digits the better a solution: every step multiplies by 1, ¾, ½, ¼ for 0 to 3. The answer is one more step. */
export function lowDigitsAreBest({ text, isFinished }: ScoredText): number[] {
  let product = 1;
  const scores = [...digitsOf(text)].map((digit) => (product *= 1 - Number(digit) / 4));
  return isFinished ? [...scores, product] : scores;
}

function logitsOf(text: string, { isOver = (digits) => digits.length >= 4, digits = 4, fault, repeat = 1 }: StepSolverOptions, isReady: boolean): Float32Array {
  const solution = text.slice(text.lastIndexOf('?') + 1);
  const error = isReady ? fault?.(solution) : undefined;
  if (error) throw error;
  const logits = new Float32Array(ALPHABET.length + 1).fill(-100);
  const line = solution.slice(solution.lastIndexOf('\n') + 1);
  const soFar = digitsOf(solution);
  const announced = line.startsWith('#');
  if (!announced && line === '' && !isOver(soFar)) logits.fill(0, 0, digits);
  else if (!announced && line !== '') logits[ALPHABET.indexOf(line.length < repeat ? line[0]! : '\n')] = 0;
  else {
    const rest = `${ANNOUNCEMENT}${[...soFar].reduce((sum, digit) => sum + Number(digit), 0)}`.slice(line.length);
    logits[rest === '' ? END : ALPHABET.indexOf(rest[0]!)] = 0;
  }
  return logits;
}
