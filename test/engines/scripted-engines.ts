import type { Engine } from '../../src/contracts/engine.ts';
import type { ForwardRow, Logits } from '../../src/contracts/token-model.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import { LocalEngine } from '../../src/engines/local/local-engine.ts';
import { hostEngine } from '../../src/engines/port/host-engine.ts';
import { PortEngine } from '../../src/engines/port/port-engine.ts';
import { SpeculativeDecoder } from '../../src/engines/speculative-decoder.ts';
import { randomSequence } from '../../src/maths/random.ts';
import { DEFAULT_SAMPLING } from '../../src/maths/sampling.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import { ScriptedTokenModel, type ScriptedTokenModelOptions } from '../../src/testing/scripted-token-model.ts';
import { portPair, type PortPair } from '../port/port-pair.ts';
import type { EngineSubject } from './engine-laws.ts';

export const ALPHABET = 'abcdefgh #\n0123456789=';
/** The token behind the alphabet, without a text of its own. */
export const END = ALPHABET.length;
export const tokenizer = characterTokenizer(ALPHABET);

/** Peaked, dependent on every token and its place; inclined to end between its 20th and its 100th token. */
export function storyLogits(tokens: readonly number[]): number[] {
  const seed = tokens.reduce((hash, token) => (Math.imul(hash, 31) + token + 1) >>> 0, 17);
  const random = randomSequence(seed);
  const logits = Array.from({ length: ALPHABET.length }, () => 6 * random());
  return [...logits, tokens.length < 20 || tokens.length > 100 ? -20 : tokens.length / 8];
}

export function forgetfulLogits(tokens: readonly number[]): number[] {
  return storyLogits(tokens.length % 3 === 0 ? tokens.slice(1) : tokens);
}

export function scriptedModel(options: Partial<ScriptedTokenModelOptions> = {}, Model = ScriptedTokenModel): ScriptedTokenModel {
  return new Model({ vocabularySize: ALPHABET.length + 1, endTokens: [END], contextTokens: 120, logits: storyLogits, ...options });
}

/** Lets other work in before every pass, as a runtime that computes on its own time does. */
export class YieldingTokenModel extends ScriptedTokenModel {
  override async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    await new Promise((resolve) => setImmediate(resolve));
    return super.forward(rows);
  }
}

/** Decodes in this thread. */
export function mainDecoder(model: ScriptedTokenModel, options: { readonly maxRows?: number } = {}): Engine {
  return new Decoder({ model: localModelOf(model, tokenizer), thread: 'main', ...options });
}

/** Drafts with another model, which is right about two tokens of three. */
export function speculativeDecoder(model: ScriptedTokenModel, draft = scriptedModel({ logits: forgetfulLogits })): Engine {
  return new SpeculativeDecoder({ target: localModelOf(model, tokenizer), draft: localModelOf(draft, tokenizer), thread: 'main', draftLength: 4 });
}

/** Decodes behind a port, as a worker does, but in this thread. */
export function portDecoder(model: ScriptedTokenModel, { near, far }: PortPair = portPair()): Engine {
  const takeTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  hostEngine(new LocalEngine({ name: 'scripted', model, tokenizer, sampling: DEFAULT_SAMPLING, maxRows: 64, takeTurn }), far);
  return new PortEngine(near, async () => undefined);
}

export function scriptedSubject(open: (model: ScriptedTokenModel) => Engine, Model = ScriptedTokenModel): EngineSubject {
  return {
    open: () => open(scriptedModel({}, Model)),
    prompts: ['abba 12', 'cafe = 7#'],
    forced: '#4=',
    filler: 'ab',
    tokensAPass: 1,
    reference: async (prompt, tokens) => {
      const promptTokens = tokenizer.encode(prompt);
      return tokens.map((_, index) => Float32Array.from(storyLogits([...promptTokens, ...tokens.slice(0, index)])));
    },
  };
}
