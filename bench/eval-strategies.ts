/**
 * What strategies win on held-out problems of the bundled family, without a deadline and at deadlines counted in the median
 * time of one branch. Every strategy does each problem in turn, so that a machine that slows down slows all of them.
 *
 *   npm run eval:strategies [-- --quick] [-- --problems 300] [-- --tiers 2,3,4,5,6] [-- --only beam] [-- --json FILE] [-- --docs]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { median } from 'simple-statistics';
import { bundledModels, Decoder, NoCandidateError, PrmScorer, SelfConsistency, type Engine, type Strategy } from 'latency-tts';
import { generateProblems, TIERS, type Problem, type Tier } from 'latency-tts/problems';
import { commandOf, countOf } from './support/command-line.ts';
import { describeMachine, loadWarning } from './support/machine.ts';
import { replaceSection, writeReport } from './support/report-files.ts';
import { strategyHeadline, overviewTable, strategyTable, summariseStrategies, type StrategyReport, type StrategyRunRecord } from './support/strategy-report.ts';
import { HEADLINE, strategyRoster, type RosterEntry } from './support/strategy-roster.ts';

const SEED = 91;
const FACTORS = [0.25, 0.5, 1, 2, 4, undefined] as const;
const CALIBRATION_PROBLEMS = 30;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    problems: { type: 'string' },
    tiers: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'string' },
    docs: { type: 'boolean', default: false },
  },
});
const problemCount = countOf('problems', values.problems ?? (values.quick ? '20' : '300'));
const tiers = (values.tiers ?? (values.quick ? '4' : TIERS.join(','))).split(',').map((tier) => countOf('tiers', tier) as Tier);

const { target, prm } = await bundledModels();
const engine = new Decoder({ model: target });
const scorer = new PrmScorer({ model: prm });
const roster = strategyRoster(scorer).filter(({ name }) => name.includes(values.only ?? ''));
const machine = describeMachine(['onnxruntime-node']);
const warning = loadWarning(machine);
if (warning) console.error(warning);

async function solve(
  strategy: Strategy,
  on: Engine,
  problem: Problem,
  seed: number,
  deadlineMs: number,
): Promise<Omit<StrategyRunRecord, 'strategy' | 'tier' | 'problem' | 'deadlineFactor'>> {
  const startedAt = performance.now();
  const result = await strategy.run({ engine: on, prompt: problem.question, seed, deadlineMs }).catch((error: unknown) => {
    // Too short a deadline for anything: an unanswered problem.
    if (error instanceof NoCandidateError) return undefined;
    throw error;
  });
  const milliseconds = performance.now() - startedAt;
  return {
    answer: result?.answer,
    isRight: result?.answer === problem.answer,
    milliseconds,
    overshootMs: Math.max(0, milliseconds - deadlineMs),
    tokens: result?.usage.completionTokens ?? 0,
  };
}

/** Median milliseconds of one branch without a deadline; also warms up. */
async function branchTime(tier: Tier): Promise<number> {
  const single = new SelfConsistency({ branches: 1 });
  const problems = generateProblems({ seed: SEED + 1, tier, count: CALIBRATION_PROBLEMS, split: 'calibration' });
  const times: number[] = [];
  for (const [index, problem] of problems.entries()) times.push((await solve(single, engine, problem, index, Infinity)).milliseconds);
  return median(times);
}

async function evaluate(tier: Tier, branchMs: number, records: StrategyRunRecord[]): Promise<void> {
  const problems = generateProblems({ seed: SEED, tier, count: problemCount, split: 'test' });
  for (const [index, problem] of problems.entries()) {
    for (let turn = 0; turn < roster.length; turn++) {
      const { name, make }: RosterEntry = roster[(index + turn) % roster.length]!;
      for (const deadlineFactor of FACTORS) {
        const outcome = await solve(make(), engine, problem, SEED + index, (deadlineFactor ?? Infinity) * branchMs);
        records.push({ strategy: name, tier, problem: index, deadlineFactor, ...outcome });
      }
    }
    if ((index + 1) % 10 === 0) process.stderr.write(`tier ${tier}: ${index + 1} of ${problemCount} problems\n`);
  }
}

const records: StrategyRunRecord[] = [];
const branchMs: Record<string, number> = {};
// Loads the reward model before anything is timed.
await scorer.score('1', [{ text: '#### 1', isFinished: true }]);
for (const tier of tiers) {
  branchMs[tier] = await branchTime(tier);
  await evaluate(tier, branchMs[tier], records);
}
await Promise.all([engine.dispose(), scorer.dispose()]);

// In the roster's order, whoever began.
records.sort((left, right) => left.tier - right.tier || orderOf(left) - orderOf(right) || left.problem - right.problem);
const report: StrategyReport = {
  benchmark: 'strategies',
  command: commandOf('eval:strategies'),
  machine,
  settings: { problems: problemCount, tiers, seed: SEED },
  branchMs,
  rows: summariseStrategies(records),
  headline: strategyHeadline(records, HEADLINE),
};
for (const tier of tiers) {
  console.log(`\nTier ${tier}, ${problemCount} problems, one branch takes ${branchMs[tier]!.toFixed(0)} ms\n\n${overviewTable(report, tier)}`);
}
console.log(`\n${JSON.stringify(report.headline, null, 2)}`);
if (values.json) writeReport(values.json, report);
if (values.docs) {
  for (const { name, page } of roster) {
    const path = `docs/strategies/${page}.md`;
    const section = `eval:strategies ${name}`;
    if (readFileSync(path, 'utf8').includes(`<!-- ${section} -->`)) replaceSection(path, section, strategyTable(report, name));
  }
}

function orderOf({ strategy }: StrategyRunRecord): number {
  return roster.findIndex(({ name }) => name === strategy);
}
