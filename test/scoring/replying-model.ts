import type { Engine } from '../../src/contracts/engine.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import type { ForwardRow } from '../../src/contracts/token-model.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import type { ManualClock } from '../../src/testing/manual-clock.ts';
import { ScriptedTokenModel } from '../../src/testing/scripted-token-model.ts';

const ALPHABET = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('') + '\n';
const END = ALPHABET.length;

export interface ReplyingModelOptions {
  /** How every question ends. */
  readonly ending: string;
  /** What is written behind a question; what was forced is a beginning of it, or no more is written. */
  readonly reply: (question: string, forced: string) => string;
  readonly clock?: ManualClock;
  readonly stepMs?: (rows: readonly ForwardRow[]) => number;
}

/** A model that answers questions by a function, and its engine in this thread. */
export function replyingModel({ ending, reply, clock, stepMs }: ReplyingModelOptions): { readonly engine: Engine; readonly model: ScriptedTokenModel } {
  const tokenizer = characterTokenizer(ALPHABET);
  const model = new ScriptedTokenModel({
    vocabularySize: END + 1,
    endTokens: [END],
    contextTokens: 4000,
    logits(tokens) {
      const text = tokenizer.decode(tokens);
      // The engine tries the model out before it is asked anything.
      if (!text.includes(ending)) return new Float32Array(END + 1);
      const end = text.lastIndexOf(ending) + ending.length;
      const written = text.slice(end);
      const wanted = reply(text.slice(0, end), written);
      const next = wanted.startsWith(written) ? wanted.slice(written.length, written.length + 1) : '';
      return Array.from({ length: END + 1 }, (_, token) => (token === (next === '' ? END : ALPHABET.indexOf(next)) ? 9 : 0));
    },
    ...(clock && { clock, stepMs: stepMs ?? ((): number => 1) }),
  });
  return { engine: new Decoder({ model: localModelOf(model, tokenizer, 'replying'), thread: 'main' }), model };
}
