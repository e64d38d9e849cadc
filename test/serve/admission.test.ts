import { describe, expect, test } from 'vitest';
import { Admission, type AdmissionOptions, type Load } from '../../src/serve/admission.ts';
import type { ApiError } from '../../src/serve/api-error.ts';
import { ServiceTimes, type Work } from '../../src/serve/service-times.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

const WORK: Work = { kind: 'k', size: { branches: undefined, tokens: Infinity, prompt: 5 } };
const WHOLE = { isCut: false, hasAnswer: true };
const CUT = { isCut: true, hasAnswer: false };

interface Gate {
  readonly clock: ManualClock;
  readonly times: ServiceTimes;
  readonly admission: Admission;
  readonly loads: Load[];
  enter(deadlineMs?: number, options?: { readonly signal?: AbortSignal; readonly work?: Work }): Promise<() => void>;
}

function gate(options: Partial<AdmissionOptions> = {}, canWait = true): Gate {
  const clock = new ManualClock(1000);
  const times = new ServiceTimes(clock);
  const loads: Load[] = [];
  const admission = new Admission({
    clock: canWait ? clock : { now: () => clock.now() },
    times,
    maxRunning: 1,
    maxQueued: 2,
    onLoad: (load) => loads.push(load),
    ...options,
  });
  return {
    clock,
    times,
    admission,
    loads,
    enter: (deadlineMs = Infinity, { signal = new AbortController().signal, work = WORK } = {}) =>
      admission.admit({ work, deadlineAt: clock.now() + deadlineMs, signal }),
  };
}

/** Whether a promise has settled, once everything that can happen now has happened. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  promise.then(
    () => (isSettled = true),
    () => (isSettled = true),
  );
  await new Promise((resolve) => setImmediate(resolve));
  return !isSettled;
}

describe('Admission', () => {
  test('lets so many work at once, the others in the order they came', async () => {
    const { admission, enter } = gate({ maxRunning: 2 });
    const leave = [await enter(), await enter()];
    const [third, fourth] = [enter(), enter()];
    expect(await isPending(third)).toBe(true);
    expect(admission.load).toEqual({ queued: 2, running: 2 });
    leave[1]!();
    const leaveThird = await third;
    expect(await isPending(fourth)).toBe(true);
    leaveThird();
    leave[0]!();
    (await fourth)();
    expect(admission.load).toEqual({ queued: 0, running: 0 });
  });

  test('takes a turn back once', async () => {
    const { admission, enter } = gate();
    const leave = await enter();
    const [second, third] = [enter(), enter()];
    leave();
    leave();
    await second;
    expect(await isPending(third)).toBe(true);
    expect(admission.load).toEqual({ queued: 1, running: 1 });
  });

  test('refuses at once where too many wait', async () => {
    const { enter, times } = gate();
    times.add(WORK, 400, WHOLE);
    await enter();
    void enter();
    void enter();
    await expect(enter()).rejects.toMatchObject({ status: 503, code: 'queue_full', retryAfterMs: 1200 });
  });

  test('without a queue refuses whoever cannot start at once', async () => {
    const { enter } = gate({ maxQueued: 0 });
    const leave = await enter();
    await expect(enter()).rejects.toMatchObject({ code: 'queue_full' });
    leave();
    await enter();
  });

  test('refuses a deadline at once that waiting and work will not leave time for', async () => {
    const { enter, times, clock } = gate();
    times.add(WORK, 100, WHOLE);
    await enter();
    clock.advance(40);
    // 60 more of the one at work, 100 of its own. Before those 60 are over, nothing changes.
    await expect(enter(159)).rejects.toMatchObject({ status: 503, code: 'deadline_unattainable', retryAfterMs: 60, shouldRetry: undefined });
    expect(await isPending(enter(160))).toBe(true);
    await expect(enter(259)).rejects.toMatchObject({ code: 'deadline_unattainable' });
    expect(await isPending(enter(260))).toBe(true);
  });

  test('tells those it turns away to come back one by one, as places become free', async () => {
    const { enter, times, clock } = gate({ maxRunning: 2 });
    times.add(WORK, 100, WHOLE);
    await enter();
    await enter();
    const retryAfterMs = async (): Promise<unknown> => enter(105).catch((error: unknown) => (error as ApiError).retryAfterMs);
    expect([await retryAfterMs(), await retryAfterMs(), await retryAfterMs()]).toEqual([100, 150, 200]);
    clock.advance(90);
    // The one that comes back at 200 is followed by another at 250.
    expect(await retryAfterMs()).toBe(160);
    for (let count = 0; count < 500; count++) await retryAfterMs();
    expect(await retryAfterMs()).toBe(10_000);
  });

  test('a deadline below what has been enough is not worth another try', async () => {
    const { enter, times } = gate();
    times.add(WORK, 100, WHOLE);
    await expect(enter(99)).rejects.toMatchObject({ code: 'deadline_unattainable', shouldRetry: false });
    await enter(100);
  });

  test('what was enough for a lucky few is not', async () => {
    const { enter, times } = gate();
    for (let count = 0; count < 20; count++) times.add(WORK, 100, WHOLE);
    times.add(WORK, 5, WHOLE);
    await expect(enter(50)).rejects.toMatchObject({ code: 'deadline_unattainable' });
  });

  test('who works for longer than most is expected to work on', async () => {
    const { enter, times, clock, admission } = gate();
    for (const time of [100, 100, 100, 500]) times.add(WORK, time, WHOLE);
    await enter();
    expect(admission.expectedWaitMs()).toBe(100);
    clock.advance(200);
    expect(admission.expectedWaitMs()).toBe(300);
    clock.advance(400);
    expect(admission.expectedWaitMs()).toBe(300);
  });

  test('what was cut without an answer does not count as enough', async () => {
    const { enter, times } = gate();
    times.add(WORK, 100, WHOLE);
    times.add(WORK, 20, CUT);
    await expect(enter(99)).rejects.toMatchObject({ code: 'deadline_unattainable' });
  });

  test('counts nobody at work beyond their deadline', async () => {
    const { enter, times } = gate();
    const long = { ...WORK, kind: 'long' };
    times.add(long, 10, WHOLE);
    for (const time of [500, 500, 500]) times.add(long, time, CUT);
    times.add(WORK, 10, WHOLE);
    await enter(30, { work: long });
    // 30 until the one at work is cut, and 10 of its own.
    await expect(enter(39)).rejects.toMatchObject({ code: 'deadline_unattainable' });
    expect(await isPending(enter(40))).toBe(true);
  });

  test('lets wait only who will have time for what three in four need, and starts at once whom a tenth of luck may do', async () => {
    const { enter, times } = gate();
    for (let count = 0; count < 8; count++) times.add(WORK, 20, WHOLE);
    for (let count = 0; count < 8; count++) times.add(WORK, 200, WHOLE);
    const leave = await enter(25);
    await expect(enter(224)).rejects.toMatchObject({ code: 'deadline_unattainable', retryAfterMs: 25 });
    expect(await isPending(enter(225))).toBe(true);
    leave();
  });

  test('who always uses all the time there is may wait as well', async () => {
    const { enter, times, clock } = gate();
    for (const time of [100, 400, 900]) times.add(WORK, time, { isCut: true, hasAnswer: true });
    await enter(1000);
    clock.advance(900);
    expect(await isPending(enter(1000))).toBe(true);
  });

  test('forgets after a while, so that a server that refuses all tries again', async () => {
    const { enter, times, clock } = gate();
    times.add(WORK, 100, WHOLE);
    clock.advance(60_001);
    await enter(1);
  });

  test('sends away who has waited too long, when it becomes too late', async () => {
    const { enter, times, clock, admission } = gate();
    times.add(WORK, 100, WHOLE);
    const leave = await enter();
    clock.advance(90);
    const late = enter(200);
    expect(await isPending(late)).toBe(true);
    clock.advance(101);
    await expect(late).rejects.toMatchObject({ status: 503, code: 'queue_timeout' });
    expect(admission.load).toEqual({ queued: 0, running: 1 });
    leave();
  });

  test('gives nobody a turn for whom it has become too late, also where the clock cannot wait', async () => {
    const { enter, clock } = gate({}, false);
    const leave = await enter();
    const late = enter(50);
    const patient = enter();
    clock.advance(51);
    expect(await isPending(late)).toBe(true);
    leave();
    await expect(late).rejects.toMatchObject({ code: 'queue_timeout' });
    (await patient)();
  });

  test('who leaves the queue takes no turn', async () => {
    const { enter, admission } = gate();
    const leave = await enter();
    const controller = new AbortController();
    const gone = enter(Infinity, { signal: controller.signal });
    const next = enter();
    controller.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    expect(admission.load).toEqual({ queued: 1, running: 1 });
    leave();
    await next;
    await expect(enter(Infinity, { signal: controller.signal })).rejects.toThrow('gone');
  });

  test('once closed takes nobody, and lets those who wait have their turns', async () => {
    const { enter, admission } = gate();
    const leave = await enter();
    const waiting = enter();
    admission.close();
    await expect(enter()).rejects.toMatchObject({ status: 503, code: 'shutting_down' });
    leave();
    (await waiting)();
  });

  test('tells of every change', async () => {
    const { enter, loads } = gate();
    const leave = await enter();
    const waiting = enter();
    leave();
    (await waiting)();
    expect(loads.at(-1)).toEqual({ queued: 0, running: 0 });
    expect(loads).toContainEqual({ queued: 1, running: 1 });
    expect(loads.every(({ running }) => running <= 1)).toBe(true);
  });
});
