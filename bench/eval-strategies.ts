/**
 * What strategies win on held-out problems of the bundled family, without a deadline and at deadlines counted in the median
 * time of one branch.
 *
 * Most strategies decode the same branches of a seed. So every text is computed once for each problem, by the model itself, and
 * runs take simulated time: what the passes they ask for take on this machine, as measured beforehand. Strategies, engine and
 * scorer are the library's, unchanged; nothing is approximated but time. Some of the runs are repeated on the wall's clock, and
 * the report says how the two compare. Figures of overshoot are the wall's.
 *
 *   npm run eval:strategies [-- --quick] [-- --problems 300] [-- --tiers 2,3,4,5,6] [-- --only 'beam|REBASE'] [-- --check-wall 4]
 *                           [-- --processes 2] [-- --fresh] [-- --json FILE] [-- --docs]
 */
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { median } from 'simple-statistics';
import { bundledModels, SelfConsistency } from 'latency-tts';
import { generateProblems, TIERS, type Tier } from 'latency-tts/problems';
import { commandOf, countOf } from './support/command-line.ts';
import { atEnd, describeMachine, loadWarning } from './support/machine.ts';
import { replaceSection, writeReport } from './support/report-files.ts';
import { compareWithWall, runOnWall } from './support/simulation/check-wall.ts';
import { measurePassTimes } from './support/simulation/pass-times.ts';
import { RecordFile, type RecordHead } from './support/simulation/record-file.ts';
import { runStrategy, type RunOutcome } from './support/simulation/run-strategies.ts';
import { SimulatedSolver } from './support/simulation/simulated-solver.ts';
import { solveInProcesses } from './support/simulation/solver-pool.ts';
import { overviewTable, strategyHeadline, strategyTable, summariseStrategies, wallTable, type StrategyReport } from './support/strategy-report.ts';
import { HEADLINE, ROSTER } from './support/strategy-roster.ts';

const SEED = 91;
const CALIBRATION_PROBLEMS = 30;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    problems: { type: 'string' },
    tiers: { type: 'string' },
    only: { type: 'string', default: '' },
    'check-wall': { type: 'string' },
    processes: { type: 'string' },
    fresh: { type: 'boolean', default: false },
    json: { type: 'string' },
    docs: { type: 'boolean', default: false },
  },
});
const { quick, only } = values;
const problems = countOf('problems', values.problems ?? (quick ? '20' : '300'));
const tiers = (values.tiers ?? (quick ? '4' : TIERS.join(','))).split(',').map((tier) => countOf('tiers', tier) as Tier);
const checked = Math.min(problems, countOf('check-wall', values['check-wall'] ?? (quick ? '2' : '4')));
const processes = countOf('processes', values.processes ?? String(Math.min(2, availableParallelism())));

const models = await bundledModels();
const path = `bench/results/local/eval-strategies${quick ? '-quick' : ''}.jsonl`;
if (values.fresh) rmSync(path, { force: true });
const file = await RecordFile.open(path, { seed: SEED, only, tiers }, measure);
const { machine, branchMs, branchTokens } = file.head;

const tasks = tiers.flatMap((tier) =>
  Array.from({ length: problems }, (_, problem) => ({
    tier,
    count: problems,
    problem,
    seed: SEED,
    branchMs: branchMs[tier]!,
    branchTokens: branchTokens[tier]!,
    only,
  })),
);
const left = tasks.filter(({ tier, problem }) => !file.has(tier, problem));
if (left.length < tasks.length) progress(`goes on with ${tasks.length - left.length} problems of ${path}`);
let solved = tasks.length - left.length;
await solveInProcesses(left, { processes, times: file.head.times }, ({ tier, problem }, solvedRecords) => {
  file.add({ tier, problem, records: solvedRecords });
  if (++solved % 10 === 0) progress(`${solved} of ${tasks.length} problems, simulated`);
});
const wall = await runOnWall(models, { tiers, problems, checked, seed: SEED, only, branchMs, branchTokens }, (done, total) =>
  progress(`${done} of ${total} problems, on the wall's clock`),
);

const order = ROSTER.map(({ name }) => name);
const records = file.records(tiers, problems).sort((a, b) => a.tier - b.tier || order.indexOf(a.strategy) - order.indexOf(b.strategy) || a.problem - b.problem);
const report: StrategyReport = {
  benchmark: 'strategies',
  command: commandOf('eval:strategies'),
  machine: atEnd(machine),
  settings: { problems, tiers, seed: SEED, checked },
  branchMs,
  passTimes: file.head.times,
  rows: summariseStrategies(records),
  wall: compareWithWall(wall, records),
  headline: strategyHeadline(records, wall, HEADLINE),
};
for (const tier of tiers)
  console.log(`\nTier ${tier}, ${problems} problems, one branch takes ${branchMs[tier]!.toFixed(0)} ms\n\n${overviewTable(report, tier)}`);
console.log(`\n${wallTable(report)}\n\n${JSON.stringify(report.headline, null, 2)}`);
if (values.json) writeReport(values.json, report);
if (values.docs) {
  const measured = new Set(report.rows.map(({ strategy }) => strategy));
  for (const { name, page } of ROSTER.filter((entry) => measured.has(entry.name))) {
    replaceSection(`docs/strategies/${page}.md`, `eval:strategies ${name}`, strategyTable(report, name));
  }
}

/** How long passes take, and by that one branch. */
async function measure(): Promise<RecordHead> {
  const described = describeMachine(['onnxruntime-node']);
  const warning = loadWarning(described);
  if (warning) progress(warning);
  progress('measures passes');
  const times = await measurePassTimes(models, quick ? 8 : 20);
  const solver = await SimulatedSolver.open(models, times);
  const single = new SelfConsistency({ branches: 1 });
  const branches: Record<string, number> = {};
  const tokens: Record<string, number> = {};
  for (const tier of tiers) {
    const runs: RunOutcome[] = [];
    for (const [seed, problem] of generateProblems({ seed: SEED + 1, tier, count: CALIBRATION_PROBLEMS, split: 'calibration' }).entries()) {
      runs.push(await runStrategy(single, solver, problem, { seed, deadlineMs: Infinity }));
    }
    branches[tier] = median(runs.map(({ milliseconds }) => milliseconds));
    tokens[tier] = Math.round(median(runs.map((run) => run.tokens)));
    await solver.forget();
  }
  await solver.dispose();
  return { seed: SEED, only, machine: described, times, branchMs: branches, branchTokens: tokens };
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
