/**
 * Whether plans keep what they promise, on the bundled models: fitted on calibration problems, tried on held-out ones.
 *
 *   npm run bench:optimizer [-- --quick] [-- --json FILE] [-- --docs] [-- --from FILE] [-- --times-for FILE]
 *
 * `--from` writes an earlier report out again. `--times-for` measures time to accuracy alone, for the rest of an earlier report.
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { mean, median } from 'simple-statistics';
import type { Plan } from 'latency-tts';
import {
  bundledModels,
  countVotes,
  equivalent,
  LatencyOptimizer,
  PrmScorer,
  profileEngine,
  recordTraces,
  SpeculativeDecoder,
  type PlanSpec,
  type ProblemTrace,
  type SamplingOptions,
} from 'latency-tts';
import { aimVerdicts } from './support/aims.ts';
import { commandOf, countOf } from './support/command-line.ts';
import { startCpuLoad } from './support/cpu-load.ts';
import { atEnd, describeMachine, loadWarning } from './support/machine.ts';
import { mixedProblems, type BenchProblem } from './support/optimizer-problems.ts';
import {
  AIMS,
  OUR_PLAN,
  optimizerHeadline,
  optimizerMarkdown,
  rowsOf,
  timesHeadline,
  type OptimizerReport,
  type TimeToAccuracy,
} from './support/optimizer-report.ts';
import { accuracyOf, tryPlans, type PlanTrials, type Runner } from './support/optimizer-trials.ts';
import { MOST_TOKENS, peerTimes, VOTERS } from './support/peer-loops.ts';
import { readReport, replaceSection, writeReport } from './support/report-files.ts';

const DEADLINE_FACTORS = [0.7, 1, 1.5, 2.2, 3.5];
const GRID_FACTORS = [1, 2.2];
const GRID_BRANCHES: readonly number[] = [1, 4, 8, 16];
const GRID_PROBLEMS = 80;
const LOADED_PROBLEMS = 60;
const RULES = ['joint', 'branches', 'drafts', 'compute-optimal'] as const;
/** How branches are recorded, for plans to choose among: as the model samples by itself, less hot, and its likeliest text. */
const SAMPLINGS: readonly (SamplingOptions | undefined)[] = [undefined, { temperature: 0.7 }, { temperature: 0 }];
/** From one accuracy that plans are asked for to the next. */
const STEP = 0.01;
/** By so much less a plan is still as accurate. */
const MARGIN = 0.01;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    calibration: { type: 'string' },
    problems: { type: 'string' },
    json: { type: 'string' },
    docs: { type: 'boolean', default: false },
    from: { type: 'string' },
    'times-for': { type: 'string' },
  },
});

function say(text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`);
}

/** The spec of another rule at the deadline of a plan; `undefined` where it has none. */
function specOf(rule: (typeof RULES)[number], plan: Plan): PlanSpec | undefined {
  const { branchesOnly, draftsOnly, computeOptimal, spec } = plan.explain();
  const choices = { joint: spec, branches: branchesOnly?.spec, drafts: draftsOnly?.spec, 'compute-optimal': computeOptimal.spec };
  return choices[rule];
}

async function tryAll(
  runner: Runner,
  plans: readonly { readonly rule: string; readonly plan: Plan }[],
  problems: readonly BenchProblem[],
  pauseMs?: number,
): Promise<PlanTrials[]> {
  const trials = await tryPlans(
    runner,
    plans.map(({ plan }) => plan),
    problems,
    pauseMs,
  );
  return plans.map(({ rule, plan }, at) => ({
    rule,
    plan: String(plan),
    deadlineMs: plan.deadlineMs,
    predicted: plan.predicted.latencyMs.p50 === Infinity ? undefined : plan.predicted,
    trials: trials[at]!,
  }));
}

/** What our times are made with. */
interface Ours {
  readonly runner: Runner;
  readonly optimizer: LatencyOptimizer;
  /** The accuracy that plans are asked for first: that of a plain vote on recorded problems. */
  readonly promised: number;
}

/** Share of recorded problems that a plain vote of `VOTERS` solves: what a plan has to promise to be as accurate. */
function votedAccuracy(traces: readonly ProblemTrace[]): number {
  const votes = traces.flatMap(({ branches, reference }) =>
    Array.from({ length: Math.floor(branches.length / VOTERS) }, (_, group) => {
      const voters = branches.slice(group * VOTERS, (group + 1) * VOTERS);
      const [winner] = countVotes(new Map(voters.map(({ answer }, voter) => [voter, answer])));
      return Number(winner !== undefined && equivalent(winner.answer, reference!));
    }),
  );
  return mean(votes);
}

/** Plans for accuracies that rise in small steps, each the one that takes least on average, up to the first that comes to the wanted one. */
async function ourTimes({ runner, optimizer, promised }: Ours, problems: readonly BenchProblem[], wanted: number): Promise<TimeToAccuracy[]> {
  const times: TimeToAccuracy[] = [];
  const most = optimizer.solve({ deadlineMs: Infinity }).predicted.accuracy;
  let last = '';
  for (let minAccuracy = Math.min(promised, most); minAccuracy <= most; minAccuracy += STEP) {
    const plan = optimizer.solve({ minAccuracy, fastestBy: 'mean' });
    const name = `${String(plan)} by ${plan.deadlineMs.toFixed(0)} ms`;
    if (name === last) continue;
    last = name;
    // In a loop, as the peers.
    const [tried] = await tryAll(runner, [{ rule: 'ours', plan }], problems, 0);
    const accuracy = accuracyOf(tried!.trials);
    say(`${name}: ${(100 * accuracy).toFixed(1)} % (wanted ${(100 * wanted).toFixed(1)} %)`);
    const milliseconds = mean(tried!.trials.map((trial) => trial.milliseconds));
    if (accuracy >= wanted - MARGIN) return [...times, { who: OUR_PLAN, milliseconds, accuracy }];
    times.push({ who: `${OUR_PLAN} for ${(100 * minAccuracy).toFixed(1)} %`, milliseconds, accuracy });
  }
  return times;
}

/** Their times, the accuracy of a plain vote, and ours. */
async function timesToAccuracy(ours: Ours, problems: readonly BenchProblem[]): Promise<{ readonly times: readonly TimeToAccuracy[]; readonly wanted: number }> {
  say('time to accuracy');
  const { votes, greedy } = await peerTimes(problems, say);
  // A vote of 8 is the same everywhere up to chance: all of them together tell its accuracy best.
  const wanted = mean(votes.map(({ accuracy }) => accuracy));
  return { times: [...(await ourTimes(ours, problems, wanted)), ...votes, ...greedy], wanted };
}

async function measure(): Promise<OptimizerReport> {
  const machine = describeMachine(['onnxruntime-node', '@huggingface/transformers']);
  const warning = loadWarning(machine);
  if (warning) say(warning);
  const calibration = mixedProblems('calibration', countOf('calibration', values.calibration ?? (values.quick ? '40' : '240')), 17);
  const problems = mixedProblems('test', countOf('problems', values.problems ?? (values.quick ? '20' : '250')), 23);
  const { target, draft, prm } = await bundledModels();
  const runner = { engine: new SpeculativeDecoder({ target, draft }), scorer: new PrmScorer({ model: prm }) };
  await runner.engine.ready();
  say('profile');
  const startedAt = performance.now();
  const profile = await profileEngine(runner.engine, { scorer: runner.scorer, contextTokens: 240, budgetMs: values.quick ? 8_000 : 25_000 });
  const profiledAt = performance.now();
  say('traces');
  const traces: ProblemTrace[] = [];
  for (const sampling of SAMPLINGS) {
    const recording = { ...runner, problems: calibration, branches: 24, maxTokens: MOST_TOKENS, ...(sampling && { sampling }) };
    for await (const trace of recordTraces(recording)) traces.push(trace);
  }
  const tracedAt = performance.now();
  say('fit');
  const optimizer = await LatencyOptimizer.fit({ traces, profile, branches: values.quick ? [1, 4, 8, 16] : [1, 2, 3, 4, 6, 8, 12, 16], replicas: 1 });
  const fittedAt = performance.now();
  const solveTimes = Array.from({ length: 200 }, (_, index) => {
    const before = performance.now();
    optimizer.solve({ deadlineMs: optimizer.fitted.branchMs * (1 + index / 50) });
    return performance.now() - before;
  });
  say(`fitted in ${((fittedAt - tracedAt) / 1000).toFixed(1)} s; a branch takes ${optimizer.fitted.branchMs.toFixed(1)} ms`);
  const ours = { runner, optimizer, promised: votedAccuracy(traces.filter(({ sampling }) => sampling === undefined)) };
  if (values['times-for']) {
    const { times, wanted } = await timesToAccuracy(ours, problems);
    await Promise.all([runner.engine.dispose(), runner.scorer.dispose()]);
    const known = readReport<OptimizerReport>(values['times-for'], 'optimizer');
    const timesBy = { command: commandOf('bench:optimizer'), problems: problems.length };
    return { ...known, times, wantedAccuracy: wanted, timesBy, headline: { ...known.headline, ...timesHeadline(times) } };
  }
  const plansAt = (factors: readonly number[], rules: readonly (typeof RULES)[number][]): { rule: string; plan: Plan }[] =>
    factors.flatMap((factor) => {
      const plan = optimizer.solve({ deadlineMs: factor * optimizer.fitted.branchMs });
      return rules.flatMap((rule) => {
        const spec = specOf(rule, plan);
        return spec ? [{ rule, plan: optimizer.planOf(spec, { deadlineMs: plan.deadlineMs }) }] : [];
      });
    });
  const idle = await tryAll(runner, plansAt(DEADLINE_FACTORS, RULES), problems);
  say('with another process on one core');
  const load = startCpuLoad();
  const loaded = await tryAll(runner, plansAt(DEADLINE_FACTORS, ['joint']), problems.slice(0, LOADED_PROBLEMS));
  await load.stop();
  say('grid');
  const gridSpecs = optimizer.fitted.candidates
    .map(({ spec }) => spec)
    .filter(({ branches, answerTokens }) => GRID_BRANCHES.includes(branches) && answerTokens === undefined);
  const gridPlans = GRID_FACTORS.flatMap((factor) =>
    gridSpecs.map((spec) => ({ rule: 'grid', plan: optimizer.planOf(spec, { deadlineMs: factor * optimizer.fitted.branchMs }) })),
  );
  const grid = await tryAll(runner, gridPlans, problems.slice(0, GRID_PROBLEMS));
  const reportOf = (times: readonly TimeToAccuracy[], wantedAccuracy?: number): OptimizerReport => {
    const findings = {
      fitSeconds: (fittedAt - tracedAt) / 1000,
      profileSeconds: (profiledAt - startedAt) / 1000,
      traceSeconds: (tracedAt - profiledAt) / 1000,
      solveMs: median(solveTimes),
      idle,
      loaded,
      grid,
      times,
    };
    return {
      benchmark: 'optimizer',
      command: commandOf('bench:optimizer'),
      machine: atEnd(machine),
      headline: optimizerHeadline(findings),
      problems: { calibration: calibration.length, test: problems.length, loaded: loaded[0]!.trials.length, grid: grid[0]!.trials.length },
      rows: rowsOf(findings),
      times,
      ...(wantedAccuracy !== undefined && { wantedAccuracy }),
    };
  };
  // What is known by now must not hang on the peers.
  if (values.json) writeReport(values.json, reportOf([]));
  const { times, wanted } = await timesToAccuracy(ours, problems);
  await Promise.all([runner.engine.dispose(), runner.scorer.dispose()]);
  return reportOf(times, wanted);
}

const report = values.from ? readReport<OptimizerReport>(values.from, 'optimizer') : await measure();
console.log(optimizerMarkdown(report));
for (const verdict of aimVerdicts(AIMS, report.headline)) console.log(verdict);
if (values.json) writeReport(values.json, report);
if (values.docs) replaceSection('docs/optimizer.md', 'bench:optimizer', optimizerMarkdown(report));
console.log(JSON.stringify({ headline: report.headline }, null, 2));
