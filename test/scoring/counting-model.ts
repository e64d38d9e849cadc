/** A scripted model that steps are scored with, and what the laws of scorers are checked on. */
import { expect } from 'vitest';
import type { ScoredText } from '../../src/contracts/scorer.ts';
import type { ForwardRow, Logits } from '../../src/contracts/token-model.ts';
import type { ScoringErrorListener } from '../../src/scoring/scoring-queue.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import type { ManualClock } from '../../src/testing/manual-clock.ts';
import { ScriptedTokenModel } from '../../src/testing/scripted-token-model.ts';
import type { AnyScorer, ScorerSubject } from './scorer-laws.ts';

export const ALPHABET = 'abcd 0123\n!';
export const END = ALPHABET.length;
export const tokenizer = characterTokenizer(ALPHABET);
/** A token that breaks the pass it goes into. */
const BROKEN = ALPHABET.indexOf('!');
export const PROMPT = { text: 'ab 1' };

/** Depends on every token before. */
export function storyLogits(tokens: readonly number[]): number[] {
  const seed = tokens.reduce((hash, token) => (Math.imul(hash, 31) + token + 1) >>> 0, 17);
  return Array.from({ length: END + 1 }, (_, token) => 3 * Math.sin(seed * (token + 1)));
}

/** Counts tokens fed, and can be heard at every pass. */
export class CountingModel extends ScriptedTokenModel {
  fed = 0;
  onForward: (() => void) | undefined;

  override forward(rows: readonly ForwardRow[]): Promise<Logits> {
    this.onForward?.();
    this.fed += rows.reduce((sum, { tokens }) => sum + tokens.length, 0);
    return super.forward(rows);
  }
}

export function countingModel(clock?: ManualClock): CountingModel {
  return new CountingModel({
    vocabularySize: END + 1,
    endTokens: [END],
    contextTokens: 200,
    logits: (tokens) => {
      if (tokens.includes(BROKEN)) throw new Error('a broken token');
      return storyLogits(tokens);
    },
    ...(clock && { clock, stepMs: (rows: readonly ForwardRow[]) => (rows.some(({ logitCount }) => logitCount > 0) ? 10 : 0) }),
  });
}

export const finished = (text: string): ScoredText => ({ text, isFinished: true });
export const cut = (text: string): ScoredText => ({ text, isFinished: false });

/** @param open - A scorer of at most two texts at once. */
export function countedSubject(open: (model: CountingModel, clock: ManualClock, onError?: ScoringErrorListener) => AnyScorer): ScorerSubject {
  let models: CountingModel[] = [];
  return {
    open(clock, onError, onScoring) {
      const model = countingModel(clock);
      if (onScoring) model.onForward = onScoring;
      models.push(model);
      return open(model, clock, onError);
    },
    prompt: PROMPT,
    texts: [finished('a 1\nb 2'), finished('a 1\nb 3'), cut('a 1\nb'), finished('c'), cut('d\nd\nd\n'), finished('a 2\nb 2\nab')],
    broken: finished('a 1\nb !'),
    requireFreed() {
      expect(models.map(({ openSequences }) => openSequences)).toEqual(models.map(() => 0));
      models = [];
    },
  };
}
