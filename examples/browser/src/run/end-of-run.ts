import { count, formatMs } from '../format.ts';
import type { Settings } from '../state.ts';
import type { RunView } from './run-view.ts';

/** Why a finished run ended when it did, in a few words and in a sentence. */
export function endOf(view: RunView, { deadlineMs, branches }: Pick<Settings, 'deadlineMs' | 'branches'>): { readonly short: string; readonly long: string } {
  const { stopReason, timing } = view.end!;
  const spare = formatMs(Math.max(0, deadlineMs - timing.totalMs));
  const unfinished = view.branches.filter(({ report }) => report?.finish === 'aborted').length;
  if (stopReason === 'consensus') {
    const [first] = view.votes();
    return {
      short: `decided, ${spare} to spare`,
      long: `Nothing bound: ${count(first?.votes ?? 0, 'vote')} of ${branches} for ${first?.answer ?? '–'} could not be overtaken by the ${count(unfinished, 'branch', 'branches')} still writing, so they were left out.`,
    };
  }
  if (stopReason === 'deadline') {
    const cut = view.branches.filter(({ isCut, report }) => isCut || report?.isForced).length;
    const saved = view.branches.filter(({ report }) => report?.isForced && report.answer !== undefined).length;
    const overMs = timing.totalMs - deadlineMs;
    return {
      short: overMs < 1 ? 'at the deadline' : `${formatMs(overMs)} past the deadline`,
      long: `The deadline bound: it cut ${count(cut, 'branch', 'branches')}; ${saved === 0 ? 'none of them' : saved} could still be asked for an answer.`,
    };
  }
  return {
    short: `all have voted, ${spare} to spare`,
    long: `The number of branches bound: all ${branches} had voted with ${spare} to spare.`,
  };
}
