import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextIndex } from '../../../src/engines/speculation/text-index.ts';

function write(index: TextIndex, tokens: readonly number[], text = 0, after?: number, group = 0): number | undefined {
  let place = after;
  for (const token of tokens) place = index.add(token, place, text, group);
  return place;
}

const everywhere = (): number => 0;

/** The longest match by comparing with every place, and what followed there, newest first. */
function slowFollow(texts: readonly (readonly number[])[], context: readonly number[]): { matched: number; followers: number[] } {
  let matched = 0;
  let followers: number[] = [];
  for (const text of texts) {
    for (let at = 1; at < text.length; at++) {
      let length = 0;
      while (length < Math.min(16, context.length, at) && text[at - 1 - length] === context[context.length - 1 - length]) length++;
      if (length === 0 || length < matched) continue;
      if (length > matched) [matched, followers] = [length, []];
      followers.unshift(text[at]!);
    }
  }
  return { matched, followers };
}

describe('TextIndex', () => {
  test('finds the longest context and the token that followed it most often', () => {
    const token = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(fc.array(fc.array(token, { maxLength: 12 }), { maxLength: 4 }), fc.array(token, { minLength: 1, maxLength: 20 }), (texts, context) => {
        const index = new TextIndex(1024);
        for (const [text, tokens] of texts.entries()) write(index, tokens, text);
        const found = index.follow(context, everywhere);
        const { matched, followers } = slowFollow(texts, context);
        expect(found?.matched ?? 0).toBe(matched);
        if (!found) return;
        const count = (token: number): number => followers.filter((follower) => follower === token).length;
        expect(found.places).toBe(followers.length);
        expect(found.agreeing).toBe(Math.max(...followers.map(count)));
        expect(found.token).toBe(followers.find((follower) => count(follower) === found.agreeing));
      }),
    );
  });

  test('texts may share a beginning', () => {
    const index = new TextIndex(64);
    const end = write(index, [1, 2, 3]);
    write(index, [4, 5], 1, end);
    write(index, [6, 7], 2, end);
    expect(index.follow([1, 2, 3, 4], everywhere)).toMatchObject({ token: 5, matched: 4 });
    expect(index.follow([1, 2, 3], (text) => (text === 2 ? 0 : -1))).toMatchObject({ token: 6, matched: 3 });
    expect(index.follow([9, 9], everywhere)).toBeUndefined();
  });

  test('each kind of place tells its own longest match', () => {
    const index = new TextIndex(64);
    write(index, [1, 2, 3, 4, 5]);
    write(index, [9, 3, 4, 6], 1);
    write(index, [9, 3, 4, 5], 2);
    write(index, [7, 4, 5], 3, undefined, 1);
    const found = index.follow([1, 2, 3, 4], (text, group) => (group === 1 ? 2 : text === 0 ? 0 : 1))!;
    expect(found).toMatchObject({ token: 5, matched: 4, places: 1, agreeing: 1 });
    expect(found.kinds).toEqual([
      { matched: 4, places: 1, agreeing: 1 },
      { matched: 2, places: 2, agreeing: 1 },
      { matched: 1, places: 1, agreeing: 1 },
    ]);
  });

  test('grows, then forgets the oldest', () => {
    const index = new TextIndex(4096);
    write(index, [7001, 7002, 7003]);
    write(
      index,
      Array.from({ length: 3000 }, (_, at) => at),
    );
    expect(index.follow([7001, 7002], everywhere)?.token).toBe(7003);
    expect(index.follow([41, 42], everywhere)?.token).toBe(43);
    write(
      index,
      Array.from({ length: 4000 }, (_, at) => 10_000 + at),
    );
    expect(index.follow([7001, 7002], everywhere)).toBeUndefined();
    expect(index.follow([41, 42], everywhere)).toBeUndefined();
    expect(index.follow([13_000, 13_001], everywhere)?.token).toBe(13_002);
  });
});
