/** What a run looks like while it goes on, on a terminal of any size and where there is none. */
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { FRAME_MS } from '../../src/cli/frames.ts';
import type { CliOutput } from '../../src/cli/host.ts';
import { showProgress } from '../../src/cli/progress.ts';
import { StepProgress } from '../../src/cli/step-progress.ts';
import { RunEvents } from '../../src/runtime/run-events.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { FINISHED_BRANCH } from '../support/branch-report.ts';

const report = { ...FINISHED_BRANCH, branch: 1, tokenCount: 12 };

/** A terminal that keeps what was written, write by write. */
class Terminal extends Writable {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly writes: string[] = [];

  constructor({ isTTY = true, columns = 80, rows = 24 } = {}) {
    super();
    Object.assign(this, { isTTY, columns, rows });
    this.isTTY = isTTY;
    this.columns = columns;
    this.rows = rows;
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.writes.push(String(chunk));
    done();
  }

  /** The lines of each frame, without the codes that erase the one before. */
  get frames(): string[][] {
    return this.writes
      .map((write) => write.replace(/\u001b\[[\d;?]*[A-Za-z]/g, ''))
      .filter((write) => write.trim() !== '')
      .map((write) => write.trimEnd().split('\n'));
  }
}

function start(terminal: Terminal): { readonly events: RunEvents; readonly hide: () => void; readonly pass: (milliseconds: number) => Promise<void> } {
  const clock = new ManualClock();
  const events = new RunEvents();
  const hide = showProgress(events, { stderr: terminal as CliOutput }, clock);
  return {
    events,
    hide,
    async pass(milliseconds) {
      for (let passed = 0; passed < milliseconds; passed += 10) {
        clock.advance(10);
        await Promise.resolve();
        await Promise.resolve();
      }
    },
  };
}

describe('a run that is shown', () => {
  test('has a line for each branch that ends where nobody watches', () => {
    const terminal = new Terminal({ isTTY: false });
    const { events, hide } = start(terminal);
    events.emit('branch-delta', { atMs: 40, branch: 0, tokenCount: 7, text: '12+30' });
    events.emit('branch-end', { atMs: 90.4, report });
    events.emit('branch-end', { atMs: 95, report: { ...report, branch: 0, answer: undefined, finish: 'aborted' } });
    hide();
    expect(terminal.writes.join('')).toBe('90 ms: branch 1 answers 42\n95 ms: branch 0 aborted\n');
  });

  test('has branches, votes and time on a terminal, and is cleared in the end', async () => {
    const terminal = new Terminal();
    const { events, hide, pass } = start(terminal);
    events.emit('run-start', { atMs: 0, strategy: 'self-consistency', deadlineMs: 2_000 });
    events.emit('branch-delta', { atMs: 40, branch: 0, tokenCount: 1, text: '12+30=42\n####' });
    events.emit('branch-end', { atMs: 90.4, report });
    events.emit('vote-change', { atMs: 91, answer: '42', votes: 1, of: 2 });
    await pass(150);
    expect(terminal.frames.at(-1)).toEqual([
      'branch  0     1 token  12+30=42 ####',
      'branch  1   12 tokens  42',
      '0.1 of 2.0 s · 1 running, 1 done · leading: 42 (1 of 2)',
    ]);
    hide();
    // The last thing written erases.
    expect(terminal.writes.findLast((write) => write.includes('\u001b[2K'))).not.toMatch(/branch|leading/);
  });

  test.each([64, 3_000])('is drawn at most 15 times a second, whatever happens in %i branches', async (branches) => {
    const terminal = new Terminal({ rows: 24, columns: 80 });
    const { events, hide, pass } = start(terminal);
    for (let atMs = 0; atMs < 2_000; atMs += 50) {
      for (let branch = 0; branch < branches; branch++) events.emit('branch-delta', { atMs, branch, tokenCount: atMs, text: 'a word '.repeat(atMs / 50) });
      await pass(50);
    }
    hide();
    expect(terminal.frames.length).toBeGreaterThan(20);
    expect(terminal.frames.length).toBeLessThanOrEqual(2_000 / FRAME_MS + 1);
  });

  test.each([
    { rows: 24, columns: 80, branches: 64 },
    { rows: 8, columns: 40, branches: 64 },
    { rows: 3, columns: 20, branches: 9 },
    { rows: 2, columns: 10, branches: 9 },
    { rows: 0, columns: 0, branches: 64 },
    { rows: 100, columns: 200, branches: 3_000 },
  ])('fits a screen of $rows by $columns with $branches branches', async ({ rows, columns, branches }) => {
    const terminal = new Terminal({ rows, columns });
    const { events, hide, pass } = start(terminal);
    // Wide characters, a line break, and one that moves the cursor.
    const text = `答えは四十二です。\n\u001b[2J${'x'.repeat(300)}終`;
    for (let branch = 0; branch < branches; branch++) events.emit('branch-delta', { atMs: 1, branch, tokenCount: 9, text });
    for (let branch = 0; branch < branches / 2; branch++) events.emit('branch-end', { atMs: 2, report: { ...report, branch, answer: text } });
    events.emit('vote-change', { atMs: 3, answer: text, votes: 1, of: 2 });
    await pass(100);
    hide();
    const frame = terminal.frames.at(-1)!;
    // The cursor takes the line after the last one.
    expect(frame.length).toBeLessThan(rows || 24);
    for (const line of frame)
      expect(
        [...line].reduce((sum, character) => sum + (character > '\u2fff' ? 2 : 1), 0),
        line,
      ).toBeLessThanOrEqual(columns || 80);
    expect(terminal.writes.join('')).not.toContain('\u001b[2J');
  });

  test('tells how many branches it has no room for', async () => {
    const terminal = new Terminal({ rows: 10 });
    const { events, hide, pass } = start(terminal);
    for (let branch = 0; branch < 20; branch++) events.emit('branch-delta', { atMs: 1, branch, tokenCount: 9, text: 'x' });
    await pass(100);
    hide();
    expect(terminal.frames.at(-1)!.slice(-2)[0]).toBe('… and 13 branches more');
  });
});

describe('a step that is shown', () => {
  test('is drawn at most 15 times a second and within a line', () => {
    const terminal = new Terminal({ columns: 60 });
    const clock = new ManualClock();
    const progress = new StepProgress({ stderr: terminal as CliOutput }, clock);
    for (let index = 0; index < 1_000; index++) {
      progress.show('fit', index / 1_000, `fine, ${index} of 1000 candidates, and more words than there is room for`);
      clock.advance(1);
    }
    progress.end();
    expect(terminal.frames.length).toBeGreaterThan(10);
    expect(terminal.frames.length).toBeLessThanOrEqual(16);
    for (const frame of terminal.frames) expect(frame.map((line) => line.length).filter((length) => length >= 60)).toEqual([]);
  });
});
