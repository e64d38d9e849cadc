/**
 * Accuracy of a vote by the number of branches: what the demo page's chart has as its height.
 *
 *   npm run eval:branches [-- PROBLEMS]
 *
 * Sixteen branches are sampled for every problem. A branch's text depends on its seed and number only, so the first N of
 * them are what a run with N branches writes, and accuracy does not depend on the machine.
 */
import { writeFileSync } from 'node:fs';
import { bundledModels, countVotes, Decoder, extractAnswer, type Engine } from 'latency-tts';
import { generateProblems, TIERS, type Problem, type Tier } from 'latency-tts/problems';
import { shareInterval } from '../src/maths/share-interval.ts';

const BRANCH_COUNTS = [1, 2, 4, 8, 16];
const SEED = 77;
const FILE = new URL('../examples/browser/src/data/accuracy.json', import.meta.url);
const problemCount = Number(process.argv[2] ?? 300);

const { target } = await bundledModels();
const engine = new Decoder({ model: target, thread: 'main' });

/** Answers of the branches, in their order; `undefined` where a branch found none. */
async function answersOf(engine: Engine, { question }: Problem, seed: number): Promise<(string | undefined)[]> {
  const session = await engine.open(question, { seed });
  const branches = session.branch(Math.max(...BRANCH_COUNTS));
  const ends = await Promise.all(branches.map((branch) => branch.advance()));
  const answers = branches.map(({ text }, index) => (ends[index]!.finish === 'end' ? extractAnswer(text) : undefined));
  await session.dispose();
  return answers;
}

async function measure(tier: Tier): Promise<object[]> {
  const hits = BRANCH_COUNTS.map(() => 0);
  for (const [index, problem] of generateProblems({ seed: SEED, tier, count: problemCount, split: 'test' }).entries()) {
    const answers = await answersOf(engine, problem, SEED + index);
    for (const [place, branches] of BRANCH_COUNTS.entries()) {
      const [winner] = countVotes(new Map(answers.slice(0, branches).map((answer, branch) => [branch, answer])));
      if (winner?.answer === problem.answer) hits[place]!++;
    }
  }
  return BRANCH_COUNTS.map((branches, place) => {
    const [low, high] = shareInterval(hits[place]! / problemCount, 0, problemCount);
    return { tier, branches, accuracy: round(hits[place]! / problemCount), low: round(low), high: round(high) };
  });
}

const round = (share: number): number => Number(share.toFixed(4));

const points: object[] = [];
for (const tier of TIERS) {
  points.push(...(await measure(tier)));
  console.log(`tier ${tier}`);
}
await engine.dispose();
writeFileSync(FILE, `${JSON.stringify({ command: 'npm run eval:branches', problems: problemCount, seed: SEED, points }, null, 2)}\n`);
