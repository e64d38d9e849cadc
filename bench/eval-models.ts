/**
 * What the bundled models can do, by tier, on held-out problems.
 *
 *   npm run eval:models [-- --quick] [-- --problems 300] [-- --json FILE] [-- --markdown FILE]
 *
 * Samples are drawn with the model's own sampling defaults. Accuracies carry 95 % Wilson intervals in the JSON. Draft
 * acceptance is exact, a mean over the positions of sampled solutions: under rejection the sum over tokens of
 * min(target, draft), under coupling the probability that one uniform number picks the same token of both.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { mean, quantile } from 'simple-statistics';
import {
  aggregateSteps,
  bundledModels,
  countVotes,
  Decoder,
  extractAnswer,
  PrmScorer,
  type Engine,
  type ForwardRow,
  type SamplingOptions,
  type TokenModel,
} from 'latency-tts';
import { generateProblems, TIERS, type Problem, type Tier } from 'latency-tts/problems';
import { shareInterval } from '../src/maths/share-interval.ts';
import { percent } from './support/proportions.ts';

const BRANCHES = 16;
const SEED = 77;
const ACCEPTANCE_PROBLEMS = 40;

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, problems: { type: 'string' }, json: { type: 'string' }, markdown: { type: 'string' } },
});
const problemCount = Number(values.problems ?? (values.quick ? 40 : 300));

interface Sample {
  readonly text: string;
  readonly answer: string | undefined;
  readonly tokenCount: number;
  readonly isFinished: boolean;
}

interface TierFigures {
  readonly tier: Tier;
  readonly problems: number;
  readonly greedy: number;
  readonly sampled: number;
  readonly majority16: number;
  readonly prmBestOf16: number;
  readonly pass16: number;
  readonly meanTokens: number;
  readonly p95Tokens: number;
  readonly rejectionAcceptance: number;
  readonly couplingAcceptance: number;
}

async function sample(engine: Engine, problem: Problem, count: number, sampling: SamplingOptions, seed: number): Promise<Sample[]> {
  const session = await engine.open(problem.question, { seed, sampling });
  const branches = session.branch(count);
  const ends = await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 160 } })));
  const samples = branches.map((branch, index) => {
    const isFinished = ends[index]!.finish === 'end';
    return { text: branch.text, answer: isFinished ? extractAnswer(branch.text) : undefined, tokenCount: branch.tokenCount, isFinished };
  });
  await session.dispose();
  return samples;
}

function softmaxRow(logits: Float32Array, row: number, size: number): Float64Array {
  const values = Float64Array.from(logits.subarray(row * size, (row + 1) * size), (logit) => logit / temperature);
  const largest = values.reduce((left, right) => Math.max(left, right));
  const weights = values.map((value) => Math.exp(value - largest));
  const total = weights.reduce((left, right) => left + right);
  return weights.map((weight) => weight / total);
}

interface Acceptance {
  readonly rejection: number;
  readonly coupling: number;
}

/** Acceptance probability at each position of one text, under both rules. */
async function acceptance(models: readonly [TokenModel, TokenModel], prompt: readonly number[], tokens: readonly number[]): Promise<Acceptance[]> {
  const size = models[0].vocabularySize;
  const all = [...prompt, ...tokens];
  const logits: Float32Array[] = [];
  for (const model of models) {
    const sequence = model.openSequence();
    const row: ForwardRow = { sequence, tokens: all.slice(0, -1), logitCount: tokens.length };
    logits.push((await model.forward([row])).slice());
    sequence.dispose();
  }
  return tokens.map((_, position) => overlap(softmaxRow(logits[0]!, position, size), softmaxRow(logits[1]!, position, size)));
}

function overlap(wanted: Float64Array, drafted: Float64Array): Acceptance {
  let [rejection, coupling, wantedBelow, draftedBelow] = [0, 0, 0, 0];
  for (const [token, probability] of wanted.entries()) {
    const draftProbability = drafted[token]!;
    rejection += Math.min(probability, draftProbability);
    // Both tokens are drawn where one number falls in their cumulative distributions.
    const shared = Math.min(wantedBelow + probability, draftedBelow + draftProbability) - Math.max(wantedBelow, draftedBelow);
    coupling += Math.max(0, shared);
    wantedBelow += probability;
    draftedBelow += draftProbability;
  }
  return { rejection, coupling };
}

const { target, draft, prm } = await bundledModels();
const engine = new Decoder({ model: target, thread: 'main' });
const scorer = new PrmScorer({ model: prm });
const [targetModel, draftModel, tokenizer] = await Promise.all([target.load(), draft.load(), target.loadTokenizer()]);
const temperature = targetModel.sampling?.temperature ?? 1;

async function evaluate(tier: Tier): Promise<TierFigures> {
  const problems = generateProblems({ seed: SEED, tier, count: problemCount, split: 'test' });
  const hits = { greedy: 0, sampled: 0, majority16: 0, prmBestOf16: 0, pass16: 0 };
  const lengths: number[] = [];
  const accepted: Acceptance[] = [];
  for (const [index, problem] of problems.entries()) {
    const [greedy] = await sample(engine, problem, 1, { temperature: 0 }, SEED);
    const samples = await sample(engine, problem, BRANCHES, {}, SEED + index);
    const isRight = samples.map(({ answer }) => answer === problem.answer);
    const [winner] = countVotes(new Map(samples.map(({ answer }, branch) => [branch, answer])));
    const scores = (await scorer.score(problem.question, samples)).map((steps) => aggregateSteps(steps ?? [], 'last'));
    const best = scores.indexOf(Math.max(...scores));
    hits.greedy += Number(greedy!.answer === problem.answer);
    hits.sampled += isRight.filter(Boolean).length / BRANCHES;
    hits.majority16 += Number(winner?.answer === problem.answer);
    hits.prmBestOf16 += Number(isRight[best]);
    hits.pass16 += Number(isRight.includes(true));
    lengths.push(...samples.map(({ tokenCount }) => tokenCount));
    if (index < ACCEPTANCE_PROBLEMS) {
      const prompt = tokenizer.encodePrompt(problem.question);
      accepted.push(...(await acceptance([targetModel, draftModel], prompt, tokenizer.encode(samples[0]!.text))));
    }
  }
  const share = (hit: number): number => hit / problems.length;
  return {
    tier,
    problems: problems.length,
    greedy: share(hits.greedy),
    sampled: share(hits.sampled),
    majority16: share(hits.majority16),
    prmBestOf16: share(hits.prmBestOf16),
    pass16: share(hits.pass16),
    meanTokens: mean(lengths),
    p95Tokens: quantile(lengths, 0.95),
    rejectionAcceptance: mean(accepted.map(({ rejection }) => rejection)),
    couplingAcceptance: mean(accepted.map(({ coupling }) => coupling)),
  };
}

const figures: TierFigures[] = [];
for (const tier of TIERS) {
  process.stderr.write(`tier ${tier} …\n`);
  figures.push(await evaluate(tier));
}
await Promise.all([engine.dispose(), scorer.dispose(), targetModel.dispose(), draftModel.dispose()]);

const heading = [
  'tier',
  'problems',
  'greedy',
  'sampled',
  'majority@16',
  'PRM best of 16',
  'pass@16',
  'mean tokens',
  'p95 tokens',
  'acceptance, rejection',
  'acceptance, coupling',
];
const lines = figures.map((row) => [
  String(row.tier),
  String(row.problems),
  ...[row.greedy, row.sampled, row.majority16, row.prmBestOf16, row.pass16].map(percent),
  row.meanTokens.toFixed(1),
  row.p95Tokens.toFixed(0),
  percent(row.rejectionAcceptance),
  percent(row.couplingAcceptance),
]);
const date = new Date().toISOString().slice(0, 10);
const report = [
  `\`npm run eval:models\`, ${date}: percent; ${BRANCHES} samples at temperature ${temperature}, seed ${SEED}.`,
  '',
  ...[heading, heading.map(() => '---:'), ...lines].map((cells) => `| ${cells.join(' | ')} |`),
].join('\n');
console.log(report);
if (values.markdown)
  writeFileSync(values.markdown, readFileSync(values.markdown, 'utf8').replace(/(<!-- eval:start -->\n)[^]*?(<!-- eval:end -->)/, `$1${report}\n$2`));
if (values.json) {
  const intervals = figures.map((row) => ({
    ...row,
    intervals: Object.fromEntries(
      (['greedy', 'majority16', 'prmBestOf16', 'pass16'] as const).map((name) => [name, shareInterval(row[name], 0, row.problems)]),
    ),
  }));
  writeFileSync(values.json, `${JSON.stringify({ date, branches: BRANCHES, seed: SEED, tiers: intervals }, null, 2)}\n`);
}
