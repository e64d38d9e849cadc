import { describe, expect, test } from 'vitest';
import { ReplyReserve } from '../../src/serve/reply-reserve.ts';

describe('ReplyReserve', () => {
  test('keeps the least free before anything was seen', () => {
    expect(new ReplyReserve(5).of(1000)).toBe(5);
  });

  test('covers nine in ten of the replies that were late', () => {
    const reserve = new ReplyReserve(5);
    for (let late = 0; late <= 100; late += 10) reserve.add(late);
    expect(reserve.of(1000)).toBe(95);
  });

  test('takes early replies for punctual ones', () => {
    const reserve = new ReplyReserve(5);
    reserve.add(-300);
    expect(reserve.of(1000)).toBe(5);
  });

  test('forgets what is long past', () => {
    const reserve = new ReplyReserve(0);
    reserve.add(100);
    for (let count = 0; count < 64; count++) reserve.add(1);
    expect(reserve.of(1000)).toBe(1);
  });

  test('takes a quarter of the time at most, and nothing of endless time', () => {
    const reserve = new ReplyReserve(5);
    reserve.add(900);
    expect(reserve.of(100)).toBe(25);
    expect(reserve.of(Infinity)).toBe(0);
  });
});
