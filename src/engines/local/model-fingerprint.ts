import type { TokenModel } from '../../contracts/token-model.ts';
import { argmax } from '../../maths/sampling.ts';

const TEXT_TOKENS = 16;
const NEXT_TOKENS = 8;
/** A prime, so that the text visits the vocabulary before it repeats itself. */
const STRIDE = 7919;

/**
 * The tokens that a model finds likeliest behind a fixed text, one after the other, as a short name. Rounding differs between
 * machines, so a near tie can give one model two names; two models hardly ever share one.
 */
export async function fingerprintOf(model: TokenModel): Promise<string> {
  const count = Math.max(1, Math.min(TEXT_TOKENS, model.contextTokens - NEXT_TOKENS));
  const sequence = model.openSequence();
  try {
    let tokens = Array.from({ length: count }, (_, index) => (index * STRIDE) % model.vocabularySize);
    const next: number[] = [];
    while (next.length < NEXT_TOKENS && sequence.length + tokens.length <= model.contextTokens) {
      const token = argmax(await model.forward([{ sequence, tokens, logitCount: 1 }]));
      next.push(token);
      tokens = [token];
    }
    return next.map((token) => token.toString(36)).join('-');
  } finally {
    sequence.dispose();
  }
}
