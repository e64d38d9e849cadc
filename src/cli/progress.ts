import { createLogUpdate } from 'log-update';
import type { RunEvents } from '../runtime/run-events.ts';
import type { CliHost } from './host.ts';

const TAIL_LENGTH = 48;

/** Shows a run while it goes on: a live view on a terminal, plain lines elsewhere. Call the result to end it. */
export function showProgress(events: RunEvents, { stderr }: CliHost): () => void {
  return stderr.isTTY ? showLive(events, stderr) : showLines(events, stderr);
}

function showLive(events: RunEvents, stderr: CliHost['stderr']): () => void {
  const update = createLogUpdate(stderr);
  const lines = new Map<number, string>();
  let vote = 'no votes yet';
  const draw = (atMs: number): void => {
    const branches = [...lines].sort(([left], [right]) => left - right).map(([, line]) => line);
    update([...branches, `${vote} · ${Math.round(atMs)} ms`].join('\n'));
  };
  events.on('branch-delta', ({ branch, tokenCount, text, atMs }) => {
    lines.set(branch, `${label(branch)} ${String(tokenCount).padStart(4)} tokens  …${oneLine(text)}`);
    draw(atMs);
  });
  events.on('branch-end', ({ report, atMs }) => {
    lines.set(report.branch, `${label(report.branch)} ${String(report.tokenCount).padStart(4)} tokens  ${report.answer ?? report.finish}`);
    draw(atMs);
  });
  events.on('vote-change', ({ answer, votes, of, atMs }) => {
    vote = `leading: ${answer} (${votes} of ${of})`;
    draw(atMs);
  });
  return () => update.clear();
}

function showLines(events: RunEvents, stderr: CliHost['stderr']): () => void {
  events.on('branch-end', ({ report, atMs }) => {
    stderr.write(`${Math.round(atMs)} ms: ${label(report.branch).trim()} ${report.answer === undefined ? report.finish : `answers ${report.answer}`}\n`);
  });
  return () => undefined;
}

function label(branch: number): string {
  return `branch ${String(branch).padStart(2)}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(-TAIL_LENGTH);
}
