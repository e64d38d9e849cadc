import { bundledModels } from 'latency-tts';
import { expect, test } from 'vitest';
import type { Tokenizer } from '../../src/contracts/tokenizer.ts';
import { TokenTexts } from '../../src/serve/token-texts.ts';

/** A token a byte. */
const bytes: Pick<Tokenizer, 'decode'> = { decode: (tokens) => new TextDecoder().decode(Uint8Array.from(tokens)) };

test('TokenTexts gives a character to the token that completes it', () => {
  const tokens = [...new TextEncoder().encode('aé€😀b')];
  const named = new TokenTexts(bytes as Tokenizer).add({ tokens, logprobs: tokens.map((_, index) => -index) });
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
    for (let start = 0; start < tokens.length; start += size) named.push(...texts.add({ tokens: tokens.slice(start, start + size), logprobs: [] }));
    expect(named.map((token) => token.text).join('')).toBe(tokenizer.decode(tokens));
  }
});

test('TokenTexts names other tokens by what they would have added at their place', () => {
  const [first, second] = new TextEncoder().encode('é');
  const [a, b] = new TextEncoder().encode('ab');
  const named = new TokenTexts(bytes as Tokenizer).add({
    tokens: [first!, second!, a!],
    logprobs: [-1, -1, -1],
    topTokens: [[a!, first!], [second!, first!], [b!, a!]],
    topLogprobs: [[-0.5, -1], [-1, -9], [-0.1, -1]],
  }); // prettier-ignore
  expect(named.map(({ top }) => top.map(({ text }) => text))).toEqual([['a', ''], ['é', ''], ['b', 'a']]); // prettier-ignore
  expect(named[1]!.top).toEqual([
    { id: second, text: 'é', logprob: -1 },
    { id: first, text: '', logprob: -9 },
  ]);
});
