/** A scripted model that thinks before it answers, on a virtual clock: what it writes follows from what is written. */
import type { Engine } from '../../src/contracts/engine.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { ScriptedTokenModel } from '../../src/testing/scripted-token-model.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\n #.?<>/:,+-=*()[]{}!';
const END = ALPHABET.length;
const tokenizer = characterTokenizer(ALPHABET, '\n#### ');

/** What comes next behind a text; an empty string ends it. `undefined` leaves one of several to chance. */
export type Script = (text: string, prompt: string) => string | readonly string[];

export interface ThinkerOptions {
  /** Milliseconds of a pass. @default 10 */
  readonly stepMs?: number | ((pass: number) => number);
  /** How sure the model is of its next token, as the margin of its logit. @default 100 */
  readonly margin?: (text: string) => number;
  readonly contextTokens?: number;
  /** @default one of its own */
  readonly clock?: ManualClock;
}

export interface Thinker {
  readonly engine: Engine;
  readonly model: ScriptedTokenModel;
  readonly clock: ManualClock;
  passes(): number;
}

/** A loaded engine over a script. The prompt ends with the first `?`. */
export async function openThinker(
  script: Script,
  { stepMs = 10, margin = () => 100, contextTokens = 4000, clock = new ManualClock() }: ThinkerOptions = {},
): Promise<Thinker> {
  let pass = -1;
  const model = new ScriptedTokenModel({
    vocabularySize: ALPHABET.length + 1,
    endTokens: [END],
    contextTokens,
    clock,
    stepMs: () => (pass < 0 ? 0 : typeof stepMs === 'number' ? (pass++, stepMs) : stepMs(pass++)),
    logits: (tokens) => {
      const logits = new Float32Array(ALPHABET.length + 1);
      // Loading warms the model up.
      if (pass < 0) return logits;
      const written = tokenizer.decode(tokens);
      const [prompt = '', ...rest] = written.split('?');
      const text = rest.join('?');
      const next = script(text, prompt);
      const size = margin(text);
      for (const choice of typeof next === 'string' ? [next] : next) logits[choice === '' ? END : ALPHABET.indexOf(choice[0]!)] = size;
      return logits;
    },
  });
  const engine = new Decoder({ model: localModelOf(model, tokenizer), thread: 'main' });
  await engine.ready();
  pass = 0;
  return { engine, model, clock, passes: () => pass };
}
