import * as v from 'valibot';
import type { Prompt } from '../contracts/prompt.ts';
import type { OutcomeScorer, ScoredText } from '../contracts/scorer.ts';
import { ModelError } from '../errors.ts';
import { describeScore } from '../maths/require-score.ts';
import { func, readOptions, readValue, text, type OptionsOf } from '../option-schemas.ts';
import { concurrencyEntries, OneByOne } from './one-by-one.ts';

/** What a verifier is asked. */
export interface VerifierRequest extends ScoredText {
  readonly prompt: Prompt;
  /** Aborted when the caller leaves or the deadline passes: the verdict is no longer wanted. */
  readonly signal: AbortSignal;
}

/** Says whether a text is right, or how good it is: higher is better. */
export type Verifier = (request: VerifierRequest) => boolean | number | Promise<boolean | number>;

export const verifierScorerEntries = {
  /** Told with its scores. @default 'verifier' */
  name: v.optional(text, 'verifier'),
  ...concurrencyEntries,
};

export interface VerifierScorerOptions extends OptionsOf<typeof verifierScorerEntries> {}

/**
 * A scorer made of a function: true is 1, false 0, a number itself. One that throws, or gives no number, leaves that text
 * without a score. What was not decided by the deadline stays without one too; a function that computes without a pause
 * cannot be interrupted.
 *
 * The function runs where it is called, with all rights of the program. Where it runs code that a model has written, it must
 * see to a sandbox itself.
 *
 * @throws {InvalidOptionError}
 */
export function verifierScorer(verify: Verifier, options: VerifierScorerOptions = {}): OutcomeScorer {
  readValue(func<Verifier>(), verify, 'verify');
  const { name, ...settings } = readOptions(verifierScorerEntries, options);
  const calls = new OneByOne(settings);
  return {
    name,
    kind: 'outcome',
    score: (prompt, texts, scoreOptions = {}) =>
      calls.run(texts, scoreOptions, async ({ text, isFinished }, signal) => scoreOf(await verify({ prompt, text, isFinished, signal }))),
    estimateMs: (texts) => calls.estimateMs(texts),
    dispose: () => calls.dispose(),
  };
}

function scoreOf(verdict: unknown): number {
  if (typeof verdict === 'boolean') return verdict ? 1 : 0;
  if (Number.isFinite(verdict)) return verdict as number;
  throw new ModelError(`A verifier must give true, false or a finite number; it gave ${describeScore(verdict)}.`);
}
