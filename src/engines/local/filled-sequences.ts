import type { TokenModel, TokenSequence } from '../../contracts/token-model.ts';

/** A prompt is read in chunks of this many tokens. */
const CHUNK = 256;

/** Any tokens do: what a pass takes does not depend on them. */
export function fillerTokens(count: number): number[] {
  return new Array<number>(count).fill(0);
}

/** `rows` sequences that hold `contextTokens` tokens each, for passes to be timed on. The caller disposes them. */
export async function openFilledSequences(model: TokenModel, rows: number, contextTokens: number): Promise<TokenSequence[]> {
  const sequences = [model.openSequence()];
  try {
    for (let held = 0; held < contextTokens; held += CHUNK) {
      await model.forward([{ sequence: sequences[0]!, tokens: fillerTokens(Math.min(CHUNK, contextTokens - held)), logitCount: 0 }]);
    }
    while (sequences.length < rows) sequences.push(sequences[0]!.fork());
    return sequences;
  } catch (error) {
    for (const sequence of sequences) sequence.dispose();
    throw error;
  }
}
