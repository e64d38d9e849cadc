import { expect, test } from 'vitest';
import type { BranchProgress } from '../../src/contracts/engine.ts';
import { watchProgress } from '../../src/runtime/watch-progress.ts';

const PROGRESS: readonly BranchProgress[] = [{ branch: 0, tokenCount: 1, text: 'a' }];

test.each([
  [10, 50, 10, 1, 5],
  [50, 10, 10, 5, 1],
  [20, 20, 20, 1, 1],
])('a listener every %i ms beside one every %i ms', (watchMs, ownMs, expectedMs, watchEvery, ownEvery) => {
  const heard = { watch: 0, own: 0 };
  const { onProgress, progressIntervalMs } = watchProgress(
    { onProgress: () => void heard.own++, progressIntervalMs: ownMs },
    watchMs,
    () => void heard.watch++,
  );
  for (let look = 0; look < 10; look++) onProgress!(PROGRESS);
  expect(progressIntervalMs).toBe(expectedMs);
  expect(heard).toEqual({ watch: 10 / watchEvery, own: 10 / ownEvery });
});

test('a listener alone is told as often as it wants', () => {
  let heard = 0;
  const { onProgress, progressIntervalMs } = watchProgress({ progressIntervalMs: 5 }, 10, () => void heard++);
  onProgress!(PROGRESS);
  expect([heard, progressIntervalMs]).toEqual([1, 10]);
});
