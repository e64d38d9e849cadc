import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { StrategyRunRecord } from '../strategy-report.ts';
import type { PassTimes } from './pass-times.ts';
import type { SolverRequest, SolverTask } from './solver-process.ts';

/**
 * Solves problems in several processes at once.
 *
 * @param onSolved - Called as soon as a problem is solved, in any order.
 */
export async function solveInProcesses(
  tasks: readonly SolverTask[],
  { processes, times }: { readonly processes: number; readonly times: PassTimes },
  onSolved: (task: SolverTask, records: readonly StrategyRunRecord[]) => void,
): Promise<void> {
  const waiting = [...tasks];
  await Promise.all(Array.from({ length: Math.min(processes, tasks.length) }, () => work(waiting, times, onSolved)));
}

async function work(waiting: SolverTask[], times: PassTimes, onSolved: (task: SolverTask, records: readonly StrategyRunRecord[]) => void): Promise<void> {
  const child = fork(fileURLToPath(new URL('solver-process.ts', import.meta.url)));
  const tell = (request: SolverRequest): boolean => child.send(request);
  try {
    tell({ times });
    for (let task = waiting.shift(); task; task = waiting.shift()) {
      tell({ task });
      onSolved(task, await answerOf(child));
    }
    tell('end');
    await once(child, 'exit');
  } finally {
    child.kill();
  }
}

async function answerOf(child: ChildProcess): Promise<readonly StrategyRunRecord[]> {
  const ended = new AbortController();
  const exit = once(child, 'exit', { signal: ended.signal }).then(() => {
    throw new Error('A process that solves problems has ended; what it said is above. Run the same command again to go on.');
  });
  try {
    const [records] = (await Promise.race([once(child, 'message', { signal: ended.signal }), exit])) as [readonly StrategyRunRecord[]];
    return records;
  } finally {
    ended.abort();
    exit.catch(() => undefined);
  }
}
