import Table from 'cli-table3';
import type { BranchReport } from '../contracts/result.ts';
import type { SelfConsistencyResult } from '../strategies/self-consistency.ts';

/** Sampled tokens a second, over all branches, from the first model step of a branch to the end. */
export function tokensPerSecond({ usage, timing }: SelfConsistencyResult): number {
  return usage.completionTokens / ((timing.totalMs - timing.openMs) / 1000);
}

/** A result for people. */
export function formatResult(result: SelfConsistencyResult, model: string, loadMs: number): string {
  const { answer, confidence, votes, stopReason, timing, usage } = result;
  const table = new Table({
    head: ['branch', 'answer', 'ended by', 'tokens', 'ms', 'mean logprob'],
    style: { head: [], border: [] },
    colAligns: ['right', 'right', 'left', 'right', 'right', 'right'],
  });
  for (const report of result.branches) table.push(row(report));
  const voted = votes.map((group) => `${group.answer} × ${group.votes}`).join(', ');
  return [
    `answer: ${answer ?? '(none found)'}`,
    `confidence: ${(100 * confidence).toFixed(0)} % of the votes (${voted || 'no votes'})`,
    `stopped: ${describeStop(result)}`,
    ...result.warnings.map((warning) => `WARNING: ${warning}`),
    '',
    table.toString(),
    '',
    `${usage.completionTokens} tokens in ${usage.forwardCount} model steps, ${tokensPerSecond(result).toFixed(0)} tokens/s over all branches`,
    `prompt of ${usage.promptTokens} tokens read in ${timing.openMs.toFixed(0)} ms; ${model} loaded in ${loadMs.toFixed(0)} ms before the clock started`,
    ...(stopReason === 'deadline' && timing.totalMs > timing.deadlineMs
      ? [`the deadline was overrun by ${(timing.totalMs - timing.deadlineMs).toFixed(0)} ms`]
      : []),
    '',
  ].join('\n');
}

function row(report: BranchReport): string[] {
  return [
    String(report.branch),
    report.answer ?? '–',
    report.isForced ? `${report.finish}, forced` : report.finish,
    String(report.tokenCount),
    (report.endMs - report.startMs).toFixed(0),
    report.meanLogprob?.toFixed(3) ?? '–',
  ];
}

function describeStop({ stopReason, timing }: SelfConsistencyResult): string {
  const took = `${timing.totalMs.toFixed(0)} ms`;
  if (stopReason === 'consensus') return `consensus after ${took}: pending branches could not change the answer`;
  if (stopReason === 'deadline') return `deadline: ${took} of ${timing.deadlineMs} ms`;
  return `all branches done after ${took}`;
}

/** A result for programs. An infinite deadline becomes null; errors become their messages. */
export function resultAsJson(result: SelfConsistencyResult, model: string, loadMs: number): string {
  const plain = { model, loadMs, tokensPerSecond: tokensPerSecond(result), ...result };
  return JSON.stringify(plain, (_, value: unknown) => (value instanceof Error ? value.message : value === Infinity ? null : value), 2);
}
