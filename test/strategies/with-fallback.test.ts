import { describe, expect, test } from 'vitest';
import type { Strategy } from '../../src/contracts/strategy.ts';
import { InvalidOptionError, ModelError, NoCandidateError } from '../../src/errors.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { withFallback } from '../../src/strategies/with-fallback.ts';
import { runOn, settle } from './strategy-laws.ts';

const vote = (branches: number): Strategy => new SelfConsistency({ branches });

/** Comes to nothing, after a while. */
function failing(error: Error, tookMs = 0): Strategy {
  return {
    name: 'failing',
    async run({ clock }) {
      (clock as unknown as { advance(milliseconds: number): void }).advance(tookMs);
      throw error;
    },
  };
}

describe('the rung', () => {
  test('is the first one the deadline has room for', async () => {
    const ladder = withFallback([
      { strategy: vote(8), minMs: 300 },
      { strategy: vote(4), minMs: 100 },
      { strategy: vote(1), minMs: 50 },
    ]);
    for (const [deadlineMs, rung, branches] of [
      [Infinity, 0, 8],
      [300, 0, 8],
      [299, 1, 4],
      [99, 2, 1],
      [40, 2, 1],
    ] as const) {
      const result = await runOn({}, ladder, { deadlineMs });
      expect([result.rung, result.branches.length]).toEqual([rung, branches]);
      expect(result.passed.map((passed) => passed.reason)).toEqual(Array.from({ length: rung }, () => 'too-short'));
    }
  });

  test('says what the ones above it asked for and what was left', async () => {
    const { passed, used } = await runOn({}, withFallback([{ strategy: vote(8), minMs: 300 }, { strategy: vote(2) }]), { deadlineMs: 120 });
    expect(passed).toEqual([{ rung: 0, strategy: 'self-consistency', reason: 'too-short', minMs: 300, leftMs: 120 }]);
    expect(used.strategy).toBe('self-consistency');
  });

  test('may be chosen by an estimate from the request', async () => {
    const ladder = withFallback([{ strategy: vote(3), minMs: ({ prompt }) => String(prompt).length * 10 }, { strategy: vote(1) }]);
    expect((await runOn({}, ladder, { prompt: 'short?', deadlineMs: 100 })).rung).toBe(0);
    expect((await runOn({}, ladder, { prompt: 'not so short?', deadlineMs: 100 })).rung).toBe(1);
  });

  test('is the next one where one fails, with the time that is left', async () => {
    const error = new NoCandidateError('completed', []);
    const ladder = withFallback([
      { strategy: failing(error, 30) },
      { strategy: vote(8), minMs: 80 },
      { strategy: failing(new ModelError('not loaded')) },
      { strategy: vote(2) },
    ]);
    const { rung, passed, used, timing } = await runOn({}, ladder, { deadlineMs: 100 });
    expect(rung).toBe(3);
    expect(passed.map(({ reason, leftMs }) => [reason, leftMs])).toEqual([
      ['failed', 70 + 30],
      ['too-short', 70],
      ['failed', 70],
    ]);
    expect(passed[0]!.error).toBe(error);
    expect(used.startMs).toBe(30);
    expect(timing.totalMs).toBeLessThanOrEqual(100);
  });

  test('gives its own result', async () => {
    const alone = await runOn({}, vote(5), { seed: 3 });
    const { rung, used, passed, ...result } = await runOn({}, withFallback([{ strategy: vote(5) }]), { seed: 3 });
    expect([rung, passed]).toEqual([0, []]);
    expect(used.result).toEqual(alone);
    expect(alone).toMatchObject(result);
  });
});

test('when every rung fails the error has what happened in each', async () => {
  const faults = [new Error('one'), new Error('two')];
  const rungs = faults.map((fault) => ({ strategy: failing(new NoCandidateError('completed', [fault])) }));
  const { outcome } = await settle({}, withFallback(rungs), {});
  expect(outcome).toMatchObject({ status: 'rejected', reason: { errors: faults } });
  const broken = new ModelError('no weights');
  await expect(runOn({}, withFallback([...rungs, { strategy: failing(broken) }]))).rejects.toBe(broken);
});

test('a wrong option is refused', () => {
  expect(() => withFallback([])).toThrow(InvalidOptionError);
  for (const minMs of [-1, Number.NaN, '5' as unknown as number]) {
    expect(() => withFallback([{ strategy: vote(1) }, { strategy: vote(1), minMs }])).toThrow(expect.objectContaining({ option: 'rungs[1].minMs' }));
  }
});
