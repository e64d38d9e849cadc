import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StopCutter } from '../../src/serve/stop-cutter.ts';

describe('StopCutter', () => {
  test('cuts before the stop string that is complete first', () => {
    const cutter = new StopCutter(['cdef', 'd'], false);
    expect(cutter.cut('abcdefg')).toEqual({ text: 'abc', stop: 'd' });
  });

  test('of two that end together takes the one that begins first', () => {
    expect(new StopCutter(['d', 'cd'], false).cut('abcd')).toEqual({ text: 'ab', stop: 'cd' });
  });

  test('keeps the stop string where it is told to', () => {
    expect(new StopCutter(['cd'], true).cut('abcdef')).toEqual({ text: 'abcd', stop: 'cd' });
  });

  test('holds back half a character', () => {
    expect(new StopCutter([], false).cutGrowing('ab\uFFFD').text).toBe('ab');
    expect(new StopCutter([], false).cut('ab\uFFFD').text).toBe('ab\uFFFD');
  });

  test('holds back the longest beginning of a stop string', () => {
    expect(new StopCutter(['aab', 'x'], false).cutGrowing('caa').text).toBe('c');
    expect(new StopCutter(['\n\n'], false).cutGrowing('a\n').text).toBe('a');
  });

  test('what it says of a growing text only grows, and is the beginning of the cut text', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\uFFFD'), maxLength: 20 });
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }), { maxLength: 3 });
    fc.assert(
      fc.property(text, stops, fc.boolean(), (whole, stop, keepsStop) => {
        const cutter = new StopCutter(stop, keepsStop);
        const final = cutter.cut(whole).text;
        let said = '';
        for (let length = 0; length <= whole.length; length++) {
          const now = cutter.cutGrowing(whole.slice(0, length)).text;
          if (!now.startsWith(said) || !final.startsWith(now)) return false;
          said = now;
        }
        return true;
      }),
    );
  });
});
