/** What the demo page makes of a run's events, without a browser. */
import { RunEvents, SelfConsistency } from 'latency-tts';
import { beforeAll, describe, expect, test } from 'vitest';
import { chartPoints, withRun } from '../../examples/browser/src/chart-points.ts';
import { endOf } from '../../examples/browser/src/run/end-of-run.ts';
import { RunPlayer } from '../../examples/browser/src/run/run-player.ts';
import type { RunEvent, RunView } from '../../examples/browser/src/run/run-view.ts';
import { joinMarks, tokenMarks } from '../../examples/browser/src/run/token-marks.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { scriptedModel, speculativeDecoder } from '../engines/scripted-engines.ts';

const EVENTS = ['run-start', 'branch-delta', 'draft-verify', 'branch-end', 'vote-change', 'deadline-reach', 'run-end'] as const;
const BRANCHES = 5;

/** Records a run on a scripted model whose passes take 10 ms each. */
async function record(deadlineMs: number): Promise<RunPlayer> {
  const clock = new ManualClock();
  const player = new RunPlayer();
  const events = new RunEvents();
  for (const name of EVENTS) events.on(name, (event) => player.add({ name, ...event } as RunEvent));
  const engine = speculativeDecoder(scriptedModel({ clock, stepMs: () => 10 }));
  await engine.ready();
  await new SelfConsistency({ branches: BRANCHES, earlyDecision: 'none' }).run({ engine, prompt: 'abba 12', deadlineMs, clock, events });
  return player;
}

/** What can be seen of a view. */
const seen = (view: RunView): unknown => structuredClone({ ...view, votes: view.votes(), acceptance: view.acceptance() });

describe('a recorded run', () => {
  let player: RunPlayer;

  beforeAll(async () => {
    player = await record(60_000);
  });

  test('is shown at its end as its reports are', () => {
    const view = player.viewAt(Infinity);
    expect(view.branches).toHaveLength(BRANCHES);
    for (const { report, text, tokenCount } of view.branches) expect({ text, tokenCount }).toEqual({ text: report!.text, tokenCount: report!.tokenCount });
    expect(view.votes().reduce((sum, { votes }) => sum + votes, 0)).toBe(view.branches.filter(({ report }) => report!.answer !== undefined).length);
    const { proposed, accepted } = view.end!.usage.speculation!;
    expect(view.acceptance().accepted).toBe(accepted);
    expect(view.acceptance().proposed).toBeLessThanOrEqual(proposed);
  });

  test('looks the same at a moment whichever way one came there', () => {
    const moments = [0, 0.25, 0.5, 0.75, 1].map((share) => share * player.lengthMs);
    const forwards = moments.map((moment) => seen(player.viewAt(moment)));
    const backwards = moments.toReversed().map((moment) => seen(player.viewAt(moment)));
    expect(backwards.reverse()).toEqual(forwards);
    expect(forwards[1]).not.toEqual(forwards[2]);
  });

  test('shows nothing of later moments', () => {
    const half = player.lengthMs / 2;
    expect(player.viewAt(half).atMs).toBeLessThanOrEqual(half);
    expect(player.viewAt(half).end).toBeUndefined();
    expect(player.viewAt(Infinity).end).toBeDefined();
  });

  test('marks tokens that give the text, at any moment', () => {
    let fell = 0;
    for (let atMs = 0; atMs <= player.lengthMs + 10; atMs += 10) {
      for (const branch of player.viewAt(atMs).branches) {
        const marks = tokenMarks(branch);
        fell += marks.filter(({ kind }) => kind === 'fell').length;
        const kept = marks
          .filter(({ kind }) => kind !== 'fell')
          .map(({ text }) => text)
          .join('');
        // A draft that has been decided but not yet told of as text is left for the next moment.
        expect(branch.text.startsWith(kept)).toBe(true);
        expect(
          joinMarks(marks)
            .map(({ text }) => text)
            .join(''),
        ).toBe(kept);
        if (branch.report) expect(kept).toBe(branch.text);
      }
    }
    expect(fell).toBeGreaterThan(0);
  });

  test('says what bound it', async () => {
    expect(endOf(player.viewAt(Infinity), { deadlineMs: 60_000, branches: BRANCHES }).long).toMatch(/^The number of branches bound: all 5 had voted/);
    const cut = (await record(150)).viewAt(Infinity);
    expect(cut.end!.stopReason).toBe('deadline');
    expect(endOf(cut, { deadlineMs: 150, branches: BRANCHES }).long).toMatch(/^The deadline bound: it cut 5 branches/);
  });
});

describe('the chart', () => {
  const settings = { deadlineMs: 2000, branches: 8, drafts: 'adaptive', device: 'wasm' } as const;
  const problem = { question: '', tier: 4, answer: undefined } as const;
  const plan = { branches: 8, tier: 4, drafts: 'adaptive', device: 'wasm' } as const;

  test('has a point for each plan that was measured, at the median of its runs', () => {
    const measurements = [300, 100, 200].reduce((before, totalMs) => withRun(before, plan, totalMs), withRun([], { ...plan, branches: 1 }, 50));
    const points = chartPoints({ measurements, problem, settings });
    expect(points.map(({ branches, medianMs, slowestMs, runs }) => [branches, medianMs, slowestMs, runs])).toEqual([
      [1, 50, 50, 1],
      [8, 200, 300, 3],
    ]);
    for (const { low, accuracy, high } of points) expect(low < accuracy && accuracy < high).toBe(true);
  });

  test('keeps plans apart', () => {
    const measurements = withRun(withRun([], plan, 100), { ...plan, drafts: 'off' }, 200);
    expect(chartPoints({ measurements, problem, settings: { ...settings, drafts: 'off' } }).map(({ medianMs }) => medianMs)).toEqual([200]);
    expect(chartPoints({ measurements, problem: { ...problem, tier: 5 }, settings })).toEqual([]);
  });
});
