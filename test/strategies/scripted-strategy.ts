/** A strategy that says what it is told to: for strategies that run others. */
import type { BranchReport } from '../../src/contracts/result.ts';
import type { Strategy, StrategyRequest } from '../../src/contracts/strategy.ts';
import type { ManualClock } from '../../src/testing/manual-clock.ts';

/** The outcome of a run: branches with these answers, at a cost. */
export interface Script {
  readonly answers: readonly (string | undefined)[];
  readonly answer?: string | undefined;
  readonly confidence: number;
  readonly tookMs?: number;
  /** Of the result and its branches. @default 'chose' or 'wrote', and the answer */
  readonly text?: string;
  readonly stopReason?: 'deadline';
}

/** Ends after each script in turn, the last one again and again; notes what it was asked. */
export function scripted(scripts: Script | Error | readonly (Script | Error)[], requests: StrategyRequest[] = []): Strategy {
  const list = [scripts].flat();
  let runs = 0;
  return {
    name: 'scripted',
    async run(request) {
      requests.push(request);
      const script = list[Math.min(runs++, list.length - 1)]!;
      if (script instanceof Error) throw script;
      const { answers, answer, confidence, tookMs = 0, text = `chose ${answer}`, stopReason = 'completed' } = script;
      (request.clock as ManualClock).advance(tookMs);
      const branches = answers.map((found, branch) => reportOf(branch, found, script.text));
      const usage = { promptTokens: 1, completionTokens: 10, forcedTokens: 2, forwardCount: 5 };
      const timing = { totalMs: tookMs, openMs: 0, deadlineMs: request.deadlineMs! };
      return { text, answer, confidence, stopReason, branches, usage, timing, warnings: [], listenerErrors: [] };
    },
  };
}

function reportOf(branch: number, answer: string | undefined, text = `wrote ${answer}`): BranchReport {
  const numbers = { branch, tokenCount: 1, forcedTokenCount: 0, meanLogprob: -1, startMs: 0, endMs: 1 };
  return { ...numbers, text, answer, finish: 'end', isForced: false };
}

/** A plain vote over these answers. */
export function vote(...answers: readonly string[]): Script {
  const votesOf = (answer: string): number => answers.filter((other) => other === answer).length;
  const answer = answers.reduce((best, other) => (votesOf(other) > votesOf(best) ? other : best));
  return { answers, answer, confidence: votesOf(answer) / answers.length };
}
