/** A scripted model that solves every prompt after a plan: the first token draws the plan, the plan fixes all others. */
import type { Engine } from '../../src/contracts/engine.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import type { ForwardRow, Logits } from '../../src/contracts/token-model.ts';
import type { SimulatedClock } from '../../src/runtime/simulated-clock.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { ScriptedTokenModel } from '../../src/testing/scripted-token-model.ts';

/** One way to solve the problem. */
export interface Plan {
  /** Dots before the answer: how long the solution is. */
  readonly steps: number;
  readonly answer: string;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const ALPHABET = `${LETTERS}\n #0123456789.?`;
const END = ALPHABET.length;
const ANNOUNCEMENT = '\n#### ';
const tokenizer = characterTokenizer(ALPHABET, '\n#### ');

/** Many lengths and few answers, so that votes meet, tie and differ. */
export const PLANS: readonly Plan[] = [
  { steps: 3, answer: '42' },
  { steps: 9, answer: '7' },
  { steps: 1, answer: '42' },
  { steps: 16, answer: '13' },
  { steps: 25, answer: '42' },
  { steps: 6, answer: '7' },
  { steps: 12, answer: '256' },
  { steps: 20, answer: '13' },
];

export interface SolverOptions {
  readonly plans?: readonly Plan[];
  /** Milliseconds of the given pass, by its rows. @default 10 */
  readonly stepMs?: (pass: number, rows: number) => number;
  /** Thrown in place of logits behind the solutions it is given for. */
  readonly fault?: (solution: string) => Error | undefined;
  /** Told of every pass, before it is computed. */
  readonly onPass?: (pass: number) => void;
}

export interface Solver {
  readonly engine: Engine;
  readonly model: ScriptedTokenModel;
  readonly clock: ManualClock;
  /** Passes since the engine was ready. */
  passes(): number;
  /** Tokens of all prompts opened. */
  promptTokens(): number;
}

/** A loaded engine over a solver on a virtual clock. */
export async function openSolver({ plans = PLANS, stepMs = () => 10, fault, onPass }: SolverOptions = {}): Promise<Solver> {
  const clock = new ManualClock();
  let pass = -1;
  const model = new ScriptedTokenModel({
    vocabularySize: ALPHABET.length + 1,
    endTokens: [END],
    contextTokens: 400,
    clock,
    stepMs: (rows) => {
      // Loading warms the model up before the count begins.
      if (pass < 0) return 0;
      onPass?.(pass);
      return stepMs(pass++, rows.length);
    },
    logits: (tokens) => logitsOf(tokenizer.decode(tokens), plans, pass < 0 ? undefined : fault),
  });
  const engine = new Decoder({ model: localModelOf(model, tokenizer), thread: 'main' });
  await engine.ready();
  pass = 0;
  let promptTokens = 0;
  const open = engine.open.bind(engine);
  engine.open = async (prompt, options) => {
    const session = await open(prompt, options);
    promptTokens += session.promptTokens;
    return session;
  };
  return { engine, model, clock, passes: () => pass, promptTokens: () => promptTokens };
}

/** The same solver on a simulated clock: a pass ends 10 ms after it began, and what waits for nothing happens in between. */
export async function openSimulatedSolver(clock: SimulatedClock): Promise<Engine> {
  class SimulatedModel extends ScriptedTokenModel {
    override async forward(rows: readonly ForwardRow[]): Promise<Logits> {
      if (isReady) await clock.wait(10);
      return super.forward(rows);
    }
  }
  let isReady = false;
  const logits = (tokens: readonly number[]): Float32Array => logitsOf(tokenizer.decode(tokens), PLANS, undefined);
  const model = new SimulatedModel({ vocabularySize: ALPHABET.length + 1, endTokens: [END], contextTokens: 400, logits });
  const engine = new Decoder({ model: localModelOf(model, tokenizer), thread: 'main' });
  await engine.ready();
  isReady = true;
  return engine;
}

/** What a plan writes, without its end. */
export function solutionOf(plans: readonly Plan[], index: number): string {
  return `${LETTERS[index]}${'.'.repeat(plans[index]!.steps)}${ANNOUNCEMENT}${plans[index]!.answer}`;
}

/** The plan a solution follows. */
export function planOf(plans: readonly Plan[], solution: string): Plan {
  return plans[LETTERS.indexOf(solution[0]!)]!;
}

function logitsOf(text: string, plans: readonly Plan[], fault: SolverOptions['fault']): Float32Array {
  const solution = text.slice(text.lastIndexOf('?') + 1);
  const error = fault?.(solution);
  if (error) throw error;
  const logits = new Float32Array(ALPHABET.length + 1).fill(-100);
  if (solution === '') logits.fill(0, 0, plans.length);
  else logits[nextToken(solution, plans)] = 0;
  return logits;
}

function nextToken(solution: string, plans: readonly Plan[]): number {
  const announced = solution.lastIndexOf('#### ');
  if (announced < 0) return ALPHABET.indexOf(solutionOf(plans, LETTERS.indexOf(solution[0]!))[solution.length]!);
  const said = solution.slice(announced + '#### '.length);
  const answer = planOf(plans, solution)?.answer ?? '0';
  return answer.startsWith(said) && said !== answer ? ALPHABET.indexOf(answer[said.length]!) : END;
}
