/**
 * An engine without weights, to work on the page and to test it: `?engine=scripted`. It writes the solution of the problem
 * it knows, with slips, at a speed that can be watched. The page says so wherever the engine is named.
 *
 * @module
 */
import { Decoder, SpeculativeDecoder, type Engine, type ForwardRow, type LocalModel, type Logits } from 'latency-tts';
import { generateProblems, TIERS } from 'latency-tts/problems';
import { characterTokenizer, localModelOf, ScriptedTokenModel } from 'latency-tts/testing';
import { PROBLEM_COUNT, PROBLEM_SEED } from '../problems.ts';
import type { EngineSource } from './engine-source.ts';

const ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-*/=#\n .,?!'";
const END = ALPHABET.length;
const UNKNOWN = '12+30=42\n#### 42';
const PASS_MS = { target: 24, draft: 3 };

const tokenizer = characterTokenizer(ALPHABET, '\n#### ');

export const scriptedSource: EngineSource = {
  label: 'Scripted, no model',
  open: async ({ drafts }, onProgress): Promise<Engine> => {
    onProgress('Writing the script');
    const solutions = knownSolutions();
    const target = modelOf(solutions, { sharpness: 3.2, passMs: PASS_MS.target });
    if (drafts === 'off') return new Decoder({ model: target, thread: 'main' });
    const draft = modelOf(solutions, { sharpness: 2.6, passMs: PASS_MS.draft });
    return new SpeculativeDecoder({ target, draft, thread: 'main', draftLength: drafts === 'adaptive' ? 'adaptive' : Number(drafts) });
  },
} satisfies EngineSource;

function knownSolutions(): Map<string, string> {
  const problems = TIERS.flatMap((tier) => generateProblems({ seed: PROBLEM_SEED, tier, count: PROBLEM_COUNT, split: 'test' }));
  return new Map(problems.map(({ question, solution }) => [tokenizer.encode(question).join(), solution]));
}

/** Takes time for every pass, and lets the page draw meanwhile. */
class SlowTokenModel extends ScriptedTokenModel {
  passMs = 0;

  override async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    await new Promise((resolve) => setTimeout(resolve, this.passMs));
    return super.forward(rows);
  }
}

function modelOf(solutions: ReadonlyMap<string, string>, { sharpness, passMs }: { readonly sharpness: number; readonly passMs: number }): LocalModel {
  const model = new SlowTokenModel({
    vocabularySize: ALPHABET.length + 1,
    endTokens: [END],
    logits: (tokens) => logitsOf(tokens, solutions, sharpness),
  });
  model.passMs = passMs;
  return localModelOf(model, tokenizer);
}

/** The next character of the solution, or in place of a digit now and then another one. The answer repeats the last line. */
function logitsOf(tokens: readonly number[], solutions: ReadonlyMap<string, string>, sharpness: number): number[] {
  const question = promptOf(tokens, solutions);
  const solution = solutions.get(question.join()) ?? UNKNOWN;
  const written = tokens.slice(question.length);
  const text = tokenizer.decode(written);
  const [, result] = /=(\d+)\n#### /.exec(text) ?? [];
  const start = result === undefined ? 0 : text.length - text.indexOf('#### ') - '#### '.length;
  const next = result === undefined ? solution[written.length] : result[start];
  const wanted = next === undefined ? END : ALPHABET.indexOf(next);
  const isFigure = result === undefined && next !== undefined && /\d/.test(next) && text.includes('=', text.lastIndexOf('\n') + 1);
  return Array.from({ length: ALPHABET.length + 1 }, (_, token) => {
    if (token === wanted) return isFigure ? sharpness : 12;
    return isFigure && /\d/.test(ALPHABET[token] ?? '') ? 0.4 * Math.sin(token * 7 + written.length) : -30;
  });
}

/** The longest known question that the tokens begin with, else all of them. */
function promptOf(tokens: readonly number[], solutions: ReadonlyMap<string, string>): readonly number[] {
  for (const question of solutions.keys()) {
    const known = question.split(',');
    if (known.length <= tokens.length && known.every((token, index) => Number(token) === tokens[index])) return known.map(Number);
  }
  return [];
}
