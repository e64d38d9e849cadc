import type { Clock } from '../contracts/clock.ts';
import type { BranchReport } from '../contracts/result.ts';
import type { RunEvents } from '../runtime/run-events.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { Frames } from './frames.ts';
import type { CliHost } from './host.ts';
import { Screen } from './screen.ts';
import { counted, fitLine, plainText, tailOf } from './terminal-text.ts';

/** More branches at once are not read by anybody, and slow terminals take their time for them. */
const MOST_BRANCHES = 16;
/** Of a branch's line before its text. */
const LABEL_COLUMNS = 24;

/** Shows a run while it goes on: a live view on a terminal, plain lines elsewhere. Call the result to end it. */
export function showProgress(events: RunEvents, { stderr }: Pick<CliHost, 'stderr'>, clock: Clock = systemClock): () => void {
  return stderr.isTTY ? showLive(events, stderr, clock) : showLines(events, stderr);
}

/** Events are kept as they are; lines are made of them when a frame is drawn. */
function showLive(events: RunEvents, stderr: CliHost['stderr'], clock: Clock): () => void {
  const screen = new Screen(stderr);
  const update = screen.liveText();
  const view = new RunView();
  const startedAt = clock.now();
  events.on('run-start', ({ deadlineMs }) => (view.deadlineMs = deadlineMs));
  events.on('branch-delta', (delta) => view.running.set(delta.branch, delta));
  events.on('branch-end', ({ report }) => {
    view.running.delete(report.branch);
    view.ended.push(report);
  });
  events.on('vote-change', (vote) => (view.vote = vote));
  const frames = new Frames(() => {
    // log-update ends with a line break, which takes a line of its own.
    update(view.lines(clock.now() - startedAt, { rows: screen.rows - 1, columns: screen.columns }).join('\n'));
  }, clock);
  return () => {
    frames.end();
    update.clear();
    update.done();
  };
}

/** What is known of a run, and as many lines of it as there is room for. */
class RunView {
  readonly running = new Map<number, { readonly branch: number; readonly tokenCount: number; readonly text: string }>();
  readonly ended: BranchReport[] = [];
  vote: { readonly answer: string; readonly votes: number; readonly of: number } | undefined;
  deadlineMs = Infinity;

  lines(elapsedMs: number, { rows, columns }: { readonly rows: number; readonly columns: number }): string[] {
    const room = Math.max(0, Math.min(MOST_BRANCHES, rows - 2));
    const textColumns = Math.max(8, columns - LABEL_COLUMNS);
    const shown: [branch: number, line: string][] = [];
    for (const { branch, tokenCount, text } of this.running.values()) {
      if (shown.length === room) break;
      shown.push([branch, `${label(branch, tokenCount)}  ${tailOf(text, textColumns)}`]);
    }
    // The latest ones.
    for (const { branch, tokenCount, answer, finish } of this.ended.slice(Math.max(0, this.ended.length - room + shown.length))) {
      shown.push([branch, `${label(branch, tokenCount)}  ${answer === undefined ? finish : plainText(answer)}`]);
    }
    shown.sort(([left], [right]) => left - right);
    const hidden = this.running.size + this.ended.length - shown.length;
    const lines = shown.map(([, line]) => line);
    if (hidden > 0 && rows > 1) lines.push(`… and ${counted(hidden, 'branch', 'branches')} more`);
    return [...lines, this.#summary(elapsedMs)].map((line) => fitLine(line.replaceAll('\n', ' '), columns));
  }

  #summary(elapsedMs: number): string {
    const time = `${seconds(elapsedMs)}${this.deadlineMs === Infinity ? '' : ` of ${seconds(this.deadlineMs)}`} s`;
    const vote = this.vote ? `leading: ${plainText(this.vote.answer)} (${this.vote.votes} of ${this.vote.of})` : 'no votes yet';
    return `${time} · ${this.running.size} running, ${this.ended.length} done · ${vote}`;
  }
}

function showLines(events: RunEvents, stderr: CliHost['stderr']): () => void {
  events.on('branch-end', ({ report, atMs }) => {
    const end = report.answer === undefined ? report.finish : `answers ${plainText(report.answer).replaceAll('\n', ' ')}`;
    stderr.write(`${Math.round(atMs)} ms: branch ${report.branch} ${end}\n`);
  });
  return () => undefined;
}

function label(branch: number, tokenCount: number): string {
  return `branch ${String(branch).padStart(2)} ${counted(tokenCount, 'token').padStart(11)}`;
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(1);
}
