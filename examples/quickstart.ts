/**
 * The first minute with latency-tts: one problem under a deadline, then accuracy against wall time for 1, 4 and 16 branches.
 *
 *   npm run quickstart [-- PROBLEMS]
 */
import { bundledModels, Decoder, SelfConsistency } from 'latency-tts';
import { generateProblems } from 'latency-tts/problems';
import Table from 'cli-table3';
import { quantile } from 'simple-statistics';

const PROBLEM = 'Mia has 34 apples. She buys 7 boxes with 12 apples in each. She gives 28 apples to Ben. How many apples does Mia have now?';
const BRANCH_COUNTS = [1, 4, 16];
const problemCount = Number(process.argv[2] ?? 50);

const { target } = await bundledModels();
const engine = new Decoder({ model: target });
await engine.ready();

console.log(PROBLEM);
const result = await new SelfConsistency({ branches: 8 }).run({ engine, prompt: PROBLEM, deadlineMs: 2_000 });
console.log(`\n${result.text}\n`);
console.log(
  `answer ${result.answer}, ${(100 * result.confidence).toFixed(0)} % of the votes, ${result.timing.totalMs.toFixed(0)} ms, stopped by ${result.stopReason}\n`,
);

const problems = generateProblems({ seed: 1, tier: 4, count: problemCount, split: 'test' });
const table = new Table({ head: ['branches', 'solved', 'median ms', 'p95 ms', 'tokens/s'], style: { head: [], border: [] } });
for (const branches of BRANCH_COUNTS) {
  const strategy = new SelfConsistency({ branches });
  const times: number[] = [];
  let solved = 0;
  let tokens = 0;
  for (const { question, answer } of problems) {
    const { answer: given, timing, usage } = await strategy.run({ engine, prompt: question, deadlineMs: 2_000 });
    if (given === answer) solved++;
    times.push(timing.totalMs);
    tokens += usage.completionTokens;
  }
  const seconds = times.reduce((sum, time) => sum + time, 0) / 1000;
  table.push([branches, `${solved} of ${problems.length}`, quantile(times, 0.5).toFixed(0), quantile(times, 0.95).toFixed(0), (tokens / seconds).toFixed(0)]);
}
console.log(`${problems.length} problems of four steps, deadline 2 s each:`);
console.log(table.toString());
await engine.dispose();
