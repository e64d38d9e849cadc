import Table from 'cli-table3';
import type { BranchReport, StrategyResult } from '../contracts/result.ts';
import type { Colours } from './colours.ts';
import { counted, plainText } from './terminal-text.ts';

/** Rows of the table of branches. */
const MOST_ROWS = 32;
/** With borders and padding a row takes 80 columns. */
const COLUMNS = [8, 21, 18, 8, 8, 10];

/** What is printed about a run besides its result. */
export interface RunFacts {
  readonly model: string;
  /** Milliseconds before the run's clock started. */
  readonly loadMs: number;
  /** A sentence about the question, where there is one. */
  readonly hint: string | undefined;
}

/** Sampled tokens a second, over all branches, from the first model step of a branch to the end. */
export function tokensPerSecond({ usage, timing }: StrategyResult): number {
  return usage.completionTokens / ((timing.totalMs - timing.openMs) / 1000);
}

/** A result for people: the solution, the answer, and how it came about. */
export function formatResult(result: StrategyResult, { model, loadMs, hint }: RunFacts, colours: Colours): string {
  const { answer, text, timing, usage, branches } = result;
  const overrunMs = timing.totalMs - timing.deadlineMs;
  return [
    plainText(text).trim(),
    '',
    `answer: ${colours.bold(colours.green(answer === undefined ? '(none found)' : plainText(answer)))}`,
    `confidence: ${describeConfidence(result)}`,
    `stopped: ${describeStop(result)}`,
    ...[...problemsOf(result), ...(overrunMs > 0 ? [`The deadline was overrun by ${overrunMs.toFixed(0)} ms.`] : [])].map((problem) =>
      colours.yellow(`WARNING: ${plainText(problem)}`),
    ),
    ...(hint === undefined ? [] : [colours.yellow(`hint: ${hint}`)]),
    '',
    branchTable(branches),
    ...(branches.length > MOST_ROWS ? [colours.dim(`… and ${counted(branches.length - MOST_ROWS, 'branch', 'branches')} more; --json has all of them`)] : []),
    '',
    colours.dim(
      `${counted(usage.completionTokens, 'token')} in ${counted(usage.forwardCount, 'model step')}, ${tokensPerSecond(result).toFixed(0)} tokens/s over all branches`,
    ),
    colours.dim(
      `prompt of ${counted(usage.promptTokens, 'token')} read in ${timing.openMs.toFixed(0)} ms; ${model} loaded in ${loadMs.toFixed(0)} ms before the clock started`,
    ),
    '',
  ].join('\n');
}

/** Everything a reader should know of what went wrong. */
export function problemsOf({ warnings, listenerErrors }: StrategyResult): string[] {
  return [...warnings, ...listenerErrors.map((error) => `The view of the run failed: ${error instanceof Error ? error.message : String(error)}`)];
}

function branchTable(branches: readonly BranchReport[]): string {
  const table = new Table({
    head: ['branch', 'answer', 'ended by', 'tokens', 'ms', 'logprob'],
    style: { head: [], border: [], compact: true },
    colWidths: COLUMNS,
    wordWrap: false,
    colAligns: ['right', 'right', 'left', 'right', 'right', 'right'],
  });
  for (const report of branches.slice(0, MOST_ROWS)) table.push(row(report));
  return table.toString();
}

function row(report: BranchReport): string[] {
  return [
    String(report.branch),
    report.answer === undefined ? '–' : plainText(report.answer).replace(/\s+/g, ' '),
    report.isForced ? `${report.finish}, forced` : report.finish,
    String(report.tokenCount),
    (report.endMs - report.startMs).toFixed(0),
    report.meanLogprob?.toFixed(3) ?? '–',
  ];
}

/** Strategies that vote say for what; what confidence is of others is theirs to say. */
function describeConfidence(result: StrategyResult): string {
  const share = `${(100 * result.confidence).toFixed(0)} %`;
  if (!('votes' in result) || !Array.isArray(result.votes)) return share;
  const votes = result.votes as readonly { readonly answer: string; readonly votes?: number }[];
  const voted = votes.map(({ answer, votes: count }) => `${plainText(answer)}${count === undefined ? '' : ` × ${count}`}`).join(', ');
  return `${share} of the votes (${voted || 'no votes'})`;
}

function describeStop({ stopReason, timing }: StrategyResult): string {
  const took = `${timing.totalMs.toFixed(0)} ms`;
  if (stopReason === 'consensus') return `consensus after ${took}: pending branches could not change the answer`;
  if (stopReason === 'deadline') return `deadline: ${took} of ${timing.deadlineMs} ms`;
  return `all branches done after ${took}`;
}

/** A result for programs. An infinite deadline becomes null; errors become their messages. */
export function resultAsJson(result: StrategyResult, { model, loadMs, hint }: RunFacts): string {
  const plain = { model, loadMs, tokensPerSecond: tokensPerSecond(result), ...(hint !== undefined && { hint }), ...result };
  return JSON.stringify(plain, (_, value: unknown) => (value instanceof Error ? value.message : value === Infinity ? null : value), 2);
}
