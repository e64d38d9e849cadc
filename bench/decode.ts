/**
 * Tokens per second at 1, 4, 8 and 16 branches, our engine against transformers.js, on the same weights, paired in one run.
 *
 *   npm run bench:decode [-- --quick] [--json FILE] [--markdown] [--docs]
 *   npm run bench:decode -- --from FILE --docs
 *
 * `bench/README.md` says what is measured and how.
 */
import { parseArgs } from 'node:util';
import { generateProblems } from '../src/problems/index.ts';
import type { Candidate, DecodeRequest, DecodeRun, Threads } from './support/candidate.ts';
import { commandOf, countOf, printTable, threadsOf } from './support/command-line.ts';
import {
  headlineOf,
  LIBRARY,
  markdownOf,
  overheadTable,
  PEER,
  speedTable,
  summarise,
  verdicts,
  type DecodeReport,
  type Sample,
} from './support/decode-report.ts';
import { interleave } from './support/interleave.ts';
import { LibraryCandidate } from './support/library-candidate.ts';
import { describeMachine, loadWarning } from './support/machine.ts';
import { readReport, replaceSection, writeReport } from './support/report-files.ts';
import { TransformersCandidate } from './support/transformers-candidate.ts';

const TIER = 4;
const MAX_TOKENS = 96;
const PROBLEM_SEED = 1;
const DOCS_PAGE = 'docs/benchmarks.md';

const { values: options } = parseArgs({
  options: {
    /** Fewer rounds, prompts and settings: for a look, not for the record. */
    quick: { type: 'boolean', default: false },
    /** Writes the results here. */
    json: { type: 'string' },
    /** Prints the section of the docs page. */
    markdown: { type: 'boolean', default: false },
    /** Writes the section into the docs page. */
    docs: { type: 'boolean', default: false },
    /** Takes the results of an earlier run from this file, measures nothing. */
    from: { type: 'string' },
    rounds: { type: 'string' },
    prompts: { type: 'string' },
    branches: { type: 'string', default: '1,4,8,16' },
    threads: { type: 'string' },
  },
});

const report = options.from === undefined ? await measure() : readReport<DecodeReport>(options.from, 'decode');
print(report);
if (options.json !== undefined) writeReport(options.json, report);
if (options.markdown) console.log(`\n${markdownOf(report)}`);
if (options.docs) replaceSection(DOCS_PAGE, 'bench:decode', markdownOf(report));

async function measure(): Promise<DecodeReport> {
  const rounds = countOf('rounds', options.rounds ?? (options.quick ? '3' : '7'));
  const promptCount = countOf('prompts', options.prompts ?? (options.quick ? '2' : '6'));
  const branchCounts = options.branches.split(',').map((text) => countOf('branches', text));
  const threadSettings = (options.threads ?? (options.quick ? 'default' : 'default,1,2')).split(',').map(threadsOf);
  const machine = describeMachine(['@huggingface/transformers', 'onnxruntime-node']);
  const warning = loadWarning(machine);
  if (warning) console.log(warning);
  const questions = generateProblems({ seed: PROBLEM_SEED, tier: TIER, count: promptCount, split: 'test' }).map(({ question }) => question);
  const samples: Sample[] = [];
  const greedyAgreement = { equal: 0, of: 0 };
  for (const threads of threadSettings) {
    const candidates = await loadCandidates(threads);
    const { equal, of } = await compareGreedyTexts(candidates, questions);
    greedyAgreement.equal += equal;
    greedyAgreement.of += of;
    samples.push(...(await sample({ candidates, threads, questions, branchCounts, rounds })));
    for (const candidate of candidates) await candidate.dispose();
  }
  const rows = summarise(samples);
  return {
    benchmark: 'decode',
    command: commandOf('bench:decode'),
    machine,
    settings: { tier: TIER, prompts: promptCount, rounds, maxTokens: MAX_TOKENS, temperature: 1 },
    greedyAgreement,
    headline: headlineOf(rows),
    rows,
  };
}

async function loadCandidates(threads: Threads): Promise<Candidate[]> {
  return [
    await LibraryCandidate.load('worker', threads),
    await LibraryCandidate.load('main', threads),
    await TransformersCandidate.load('built-in', threads),
    await TransformersCandidate.load('gumbel', threads),
  ];
}

interface SampleRequest {
  readonly candidates: readonly Candidate[];
  readonly threads: Threads;
  readonly questions: readonly string[];
  readonly branchCounts: readonly number[];
  readonly rounds: number;
}

async function sample({ candidates, threads, questions, branchCounts, rounds }: SampleRequest): Promise<Sample[]> {
  const request = { temperature: 1, maxTokens: MAX_TOKENS } as const;
  for (const branches of branchCounts) {
    for (const candidate of candidates) await candidate.run({ ...request, question: questions[0]!, branches, seed: 0 });
  }
  const runs = new Map<Candidate, Map<number, DecodeRun[][]>>(
    candidates.map((candidate) => [candidate, new Map(branchCounts.map((branches) => [branches, Array.from({ length: rounds }, () => [])]))]),
  );
  await interleave({
    candidates,
    cases: branchCounts.flatMap((branches) => questions.map((question) => ({ branches, question }))),
    rounds,
    measure: async (candidate, { branches, question }, round) => {
      // A seed for each round, so that the rounds differ in what is sampled as runs of a program do.
      const run = await candidate.run({ ...request, question, branches, seed: 1 + round });
      runs.get(candidate)!.get(branches)![round]!.push(run);
    },
    onRound: (round) => console.log(`threads ${threads}: round ${round + 1} of ${rounds}`),
  });
  return branchCounts.flatMap((branches) =>
    candidates.map((candidate) => ({ candidate: candidate.name, threads, branches, rounds: runs.get(candidate)!.get(branches)! })),
  );
}

/** Whether both engines run the same model: likeliest tokens only, so that chance plays no part. */
async function compareGreedyTexts(candidates: readonly Candidate[], questions: readonly string[]): Promise<{ equal: number; of: number }> {
  const ours = candidates.find(({ name }) => name === LIBRARY)!;
  const theirs = candidates.find(({ name }) => name === PEER)!;
  let equal = 0;
  for (const question of questions) {
    const request: DecodeRequest = { question, branches: 1, seed: 0, temperature: 0, maxTokens: MAX_TOKENS };
    const [left, right] = [await ours.run(request), await theirs.run(request)];
    if (left.texts[0] === right.texts[0]) equal++;
  }
  return { equal, of: questions.length };
}

function print(report: DecodeReport): void {
  for (const table of [speedTable(report), overheadTable(report)]) printTable(table);
  console.log(`Greedy texts agree on ${report.greedyAgreement.equal} of ${report.greedyAgreement.of} problems.`);
  for (const line of verdicts(report)) console.log(line);
  console.log(JSON.stringify({ headline: report.headline }, null, 2));
}
