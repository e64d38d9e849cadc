import { describe, expect, test } from 'vitest';
import { ReplyReserve } from '../../src/serve/reply-reserve.ts';

const PUNCTUAL = { ms: 0 };

describe('ReplyReserve', () => {
  test('keeps the least free before anything was seen', () => {
    expect(new ReplyReserve(5, PUNCTUAL).of(1000)).toBe(5);
  });

  test('covers all but one in fifty of the replies that were late', () => {
    const reserve = new ReplyReserve(5, PUNCTUAL);
    for (let late = 0; late <= 50; late++) reserve.add(late);
    expect(reserve.of(1000)).toBe(54);
  });

  test('covers what a request may have lost before it was seen', () => {
    const reserve = new ReplyReserve(5, { ms: 30 });
    reserve.add(10);
    expect(reserve.of(1000)).toBe(45);
  });

  test('takes early replies for punctual ones', () => {
    const reserve = new ReplyReserve(5, PUNCTUAL);
    reserve.add(-300);
    expect(reserve.of(1000)).toBe(5);
  });

  test('forgets what is long past', () => {
    const reserve = new ReplyReserve(0, PUNCTUAL);
    reserve.add(100);
    for (let count = 0; count < 64; count++) reserve.add(1);
    expect(reserve.of(1000)).toBe(1);
  });

  test('takes half of the time at most, and nothing of endless time', () => {
    const reserve = new ReplyReserve(5, PUNCTUAL);
    reserve.add(900);
    expect(reserve.of(100)).toBe(50);
    expect(reserve.of(Infinity)).toBe(0);
  });
});
