import { bundledModels } from 'latency-tts';
import { expect, test } from 'vitest';
import type { Tokenizer } from '../../src/contracts/tokenizer.ts';
import { TokenTexts } from '../../src/serve/token-texts.ts';

/** A token a byte. */
const bytes: Pick<Tokenizer, 'decode'> = { decode: (tokens) => new TextDecoder().decode(Uint8Array.from(tokens)) };

test('TokenTexts gives a character to the token that completes it', () => {
  const tokens = [...new TextEncoder().encode('aé€😀b')];
  const named = new TokenTexts(bytes as Tokenizer).add(
    tokens,
    tokens.map((_, index) => -index),
  );
  expect(named.map(({ text }) => text)).toEqual(['a', '', 'é', '', '', '€', '', '', '', '😀', 'b']);
  expect(named.map(({ offset }) => offset)).toEqual([0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 5]);
  expect(named.map(({ logprob }) => logprob)).toEqual(tokens.map((_, index) => -index));
});

test('TokenTexts puts the same texts together whatever the pieces', async () => {
  const { target } = await bundledModels();
  const tokenizer = await target.loadTokenizer();
  const text = 'she buys 7 boxes with 12 apples.\n34+84=118\n#### 118';
  const tokens = tokenizer.encode(text);
  for (const size of [1, 3, tokens.length]) {
    const texts = new TokenTexts(tokenizer);
    const named = [];
    for (let start = 0; start < tokens.length; start += size) named.push(...texts.add(tokens.slice(start, start + size), []));
    expect(named.map((token) => token.text).join('')).toBe(tokenizer.decode(tokens));
  }
});
