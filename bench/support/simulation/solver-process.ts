/** A process that solves the problems it is told to, by every strategy at every deadline, in simulated time. */
import { bundledModels } from 'latency-tts';
import { generateProblems, type Tier } from 'latency-tts/problems';
import type { StrategyRunRecord } from '../strategy-report.ts';
import { isWanted, ROSTER } from '../strategy-roster.ts';
import type { PassTimes } from './pass-times.ts';
import { FACTORS, runStrategy } from './run-strategies.ts';
import { SimulatedSolver } from './simulated-solver.ts';

export interface SolverTask {
  readonly tier: Tier;
  /** Problems of the tier, of which one is to be solved. */
  readonly count: number;
  readonly problem: number;
  readonly seed: number;
  readonly branchMs: number;
  readonly branchTokens: number;
  readonly only: string;
}

export type SolverRequest = { readonly times: PassTimes } | { readonly task: SolverTask } | 'end';

let solver: Promise<SimulatedSolver> | undefined;

process.on('message', (request: SolverRequest) => {
  void (async () => {
    if (request === 'end') {
      await (await solver)?.dispose();
      process.disconnect();
    } else if ('times' in request) {
      solver = bundledModels().then((models) => SimulatedSolver.open(models, request.times));
    } else {
      process.send!(await solve(await solver!, request.task));
    }
  })();
});

async function solve(
  simulated: SimulatedSolver,
  { tier, count, problem: index, seed, branchMs, branchTokens, only }: SolverTask,
): Promise<StrategyRunRecord[]> {
  const problem = generateProblems({ seed, tier, count, split: 'test' })[index]!;
  const records: StrategyRunRecord[] = [];
  for (const { name, make } of ROSTER.filter(isWanted(only))) {
    for (const deadlineFactor of FACTORS) {
      const strategy = make({ scorer: await simulated.scorer(), draft: simulated.draft, branchMs, branchTokens });
      const outcome = await runStrategy(strategy, simulated, problem, { seed: seed + index, deadlineMs: (deadlineFactor ?? Infinity) * branchMs });
      records.push({ strategy: name, tier, problem: index, deadlineFactor, ...outcome });
    }
  }
  await simulated.forget();
  return records;
}
