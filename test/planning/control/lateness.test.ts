import { describe, expect, test } from 'vitest';
import { randomSequence } from '../../../src/maths/random.ts';
import { Lateness, LatenessRecords } from '../../../src/planning/control/lateness.ts';

describe('the lateness of runs', () => {
  test('allows nothing before any, and for runs that end in time', () => {
    const lateness = new Lateness();
    expect(lateness.allowance(0.95)).toBe(0);
    for (const milliseconds of [-20, -3, -8]) lateness.record(milliseconds);
    expect(lateness.allowance(0.95)).toBe(0);
  });

  test('allows the longest of few', () => {
    const lateness = new Lateness();
    for (const milliseconds of [2, -3, 7, 1]) lateness.record(milliseconds);
    expect(lateness.allowance(0.95)).toBe(7);
    expect(lateness.allowance(0.5)).toBe(2);
  });

  test('forgets what was long ago', () => {
    const lateness = new Lateness();
    lateness.record(100);
    for (let run = 0; run < 40; run++) lateness.record(1);
    expect(lateness.allowance(0.95)).toBe(1);
  });

  test.each([0.8, 0.95])('keeps %d of the runs in time, whatever the machine is like', (confidence) => {
    const random = randomSequence(5);
    const lateness = new Lateness();
    let inTime = 0;
    const runs = 2000;
    for (let run = 0; run < runs; run++) {
      // Heavy-tailed, and twice as slow halfway.
      const milliseconds = (run < runs / 2 ? 2 : 4) * random() ** -0.5;
      if (milliseconds <= lateness.allowance(confidence)) inTime++;
      lateness.record(milliseconds);
    }
    expect(inTime / runs).toBeGreaterThan(confidence - 0.02);
  });
});

test('plans are remembered apart, and the one unused for longest is forgotten', () => {
  const records = new LatenessRecords();
  records.of('first').record(5);
  expect(records.of('second').allowance(0.95)).toBe(0);
  expect(records.of('first').allowance(0.95)).toBe(5);
  for (let plan = 0; plan < 64; plan++) records.of(`other ${plan}`);
  expect(records.of('first').allowance(0.95)).toBe(0);
});
