import fc from 'fast-check';
import { expect, test } from 'vitest';
import { samplingKey } from '../../src/maths/sampling-key.ts';

test('one key whatever the order of the fields, another for another value', () => {
  expect(samplingKey({ temperature: 0.7, topP: 0.9 })).toBe(samplingKey({ topP: 0.9, temperature: 0.7 }));
  expect(samplingKey({})).toBe(samplingKey());
  const temperatures = fc.double({ min: 0, max: 5, noNaN: true });
  fc.assert(
    fc.property(temperatures, temperatures, (one, other) => {
      expect(samplingKey({ temperature: one }) === samplingKey({ temperature: other })).toBe(one === other);
    }),
  );
});

test('what the likeliest token is does not depend on which others are kept, but on penalties', () => {
  const greedy = samplingKey({ temperature: 0 });
  expect(samplingKey({ temperature: 0, topK: 5, topP: 0.5, minP: 0.1 })).toBe(greedy);
  expect(samplingKey({ temperature: 0, repetitionPenalty: 1.1 })).not.toBe(greedy);
  expect(samplingKey({ topK: 5 })).not.toBe(samplingKey());
});
