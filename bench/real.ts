/**
 * Tokens per second on real models, with the models' own kind of sampling: our engine with and without drafts, ONNX Runtime alone
 * at the same shapes, transformers.js and node-llama-cpp.
 *
 *   npm run bench:real -- --problems FILE [--quick] [--all] [--only TEXT,…] [--json FILE [--resume]] [--docs]
 *
 * In every round everyone answers the same problems with the same seed, in an order of its own. Results are written after every
 * round; `--resume` goes on where they end. `bench/README.md` says what is measured and how.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { randomSequence } from '../src/maths/random.ts';
import { HOW_TO_GET_REAL_MODELS, realModelDirectory, type RealModelName } from '../test/support/real-models.ts';
import { commandOf, countOf } from './support/command-line.ts';
import { missingPeer } from './support/load-gguf.ts';
import { atEnd, describeMachine, loadWarning } from './support/machine.ts';
import { nodeLlamaCpp, ourContestants, runtimeAlone, transformersJs, type Closers, type Format, type RealContestant } from './support/real-contestants.ts';
import { adaptiveRatios, collect, markdownOf, ratiosOf, type RealCase, type RealReport } from './support/real-report.ts';
import { readReport, replaceSection, writeReport } from './support/report-files.ts';
import { formatRatio, roundTo } from './support/statistics.ts';

const SAMPLING = { temperature: 0.7, topK: 20, topP: 0.8 };
const INSTRUCTION = 'Please reason step by step, and put your final answer within \\boxed{}.';
const WARM_UP_TOKENS = 12;
/** Measured with `--all` or by name only: the headline does not need them. */
const EXTRA = ['ours, sibling alone', 'ours, lookup alone', 'ours, history alone'];

const { values: options } = parseArgs({
  options: {
    /** JSON lines with `prompt`. Every round takes one for each number of branches and temperature, after `--skip` lines. */
    problems: { type: 'string' },
    skip: { type: 'string', default: '1' },
    /** Fewer rounds and tokens: for a look, not for the record. */
    quick: { type: 'boolean', default: false },
    /** All contestants at 1, 4, 8 and 16 branches; otherwise what the headline needs, at 1 and 8. */
    all: { type: 'boolean', default: false },
    /** Contestants whose names have one of these texts in them. */
    only: { type: 'string' },
    model: { type: 'string', default: 'qwen2.5-coder-0.5b' },
    /** Name of a model to draft with. */
    draft: { type: 'string' },
    /** Greedy as well. */
    greedy: { type: 'boolean', default: false },
    json: { type: 'string' },
    /** Goes on with the rounds that the JSON file lacks. */
    resume: { type: 'boolean', default: false },
    /** Result files of bench:memory, bench:llama-cpp, bench:sampling, or of this benchmark on another model. */
    collect: { type: 'string', multiple: true, default: [] },
    /** Writes the section into the docs page. */
    docs: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    tokens: { type: 'string' },
    branches: { type: 'string' },
    formats: { type: 'string', default: 'q4,q8' },
  },
});

const directory = directoryOf(options.model);
const draft = options.draft === undefined ? undefined : directoryOf(options.draft);
if (options.problems === undefined) throw new Error('Name a file of problems with --problems: JSON lines with `prompt`, such as GSM8K.');
const rounds = countOf('rounds', options.rounds ?? (options.quick ? '2' : '5'));
const tokens = countOf('tokens', options.tokens ?? (options.quick ? '48' : '128'));
const branchCounts = (options.branches ?? (options.all ? '1,4,8,16' : '1,8')).split(',').map((text) => countOf('branches', text));
const formats = options.formats.split(',') as Format[];
const temperatures = [SAMPLING.temperature, ...(options.greedy ? [0] : [])];
const problems = linesOf(options.problems).slice(countOf('skip', options.skip));
const neededProblems = rounds * branchCounts.length * temperatures.length + 1;
if (problems.length < neededProblems)
  throw new Error(`${options.problems} has ${problems.length} problems after the skipped ones; ${rounds} rounds need ${neededProblems}.`);

const machine = describeMachine(['onnxruntime-node', '@huggingface/transformers'], missingPeer('node-llama-cpp') ? [] : ['node-llama-cpp']);
const warning = loadWarning(machine);
if (warning) console.error(warning);
const earlier = options.resume && options.json !== undefined && existsSync(options.json) ? readReport<RealReport>(options.json, 'real') : undefined;
if (earlier && (earlier.tokens !== tokens || earlier.model !== options.model)) throw new Error(`${options.json} is of other settings.`);

const closers: Closers = [];
const contestants = await openAll();
const cases: RealCase[] = [...(earlier?.cases ?? [])];
const entries = contestants.flatMap((contestant) =>
  contestant.branches.flatMap((branches) => temperatures.map((temperature) => ({ contestant, each: caseOf(contestant, branches, temperature) }))),
);
const done = Math.min(...entries.map(({ each }) => each.rates.length));
// Graphs, threads and the processor's caches are warm for everyone.
for (const { contestant, each } of entries) await rateOn(contestant, each, problems.length - 1, rounds, WARM_UP_TOKENS);
for (let round = done; round < rounds; round++) {
  for (const { contestant, each } of shuffled(entries, round)) {
    if (each.rates.length <= round) each.rates.push(roundTo(await rateOf(contestant, each, round), 2));
  }
  console.log(`round ${round + 1} of ${rounds}`);
  finish();
}
for (const close of closers) await close();
const report = finish();
if (options.docs) replaceSection('docs/benchmarks.md', 'bench:real', markdownOf(report));
for (const { who, format, branches, temperature, rates } of cases)
  console.log(`${who}, ${format}, ${branches}, temperature ${temperature}: ${rates.join(' ')}`);
for (const { name, best, ratio } of adaptiveRatios(cases)) console.log(`${name}: ${formatRatio(ratio)} of ${best}`);
for (const [name, value] of Object.entries(report.headline)) console.log(`${name} ${report.ratios[name] ? formatRatio(report.ratios[name]) : value}`);

/** A round of every number of branches and temperature has a problem of its own: drafts from earlier requests would know the text. */
function problemOf({ branches, temperature }: RealCase, round: number): number {
  const place = branchCounts.indexOf(branches) * temperatures.length + temperatures.indexOf(temperature);
  return round * branchCounts.length * temperatures.length + place;
}

async function rateOf(contestant: RealContestant, each: RealCase, round: number): Promise<number> {
  return rateOn(contestant, each, problemOf(each, round), round, tokens);
}

function rateOn(contestant: RealContestant, { branches, temperature }: RealCase, problem: number, seed: number, most: number): Promise<number> {
  const prompt = `${problems[problem]!.prompt}\n${INSTRUCTION}`;
  return contestant.rate({ prompt, branches, seed, tokens: most, sampling: { ...SAMPLING, temperature } });
}

/** What was measured so far, written to the JSON file. */
function finish(): RealReport {
  const ratios = ratiosOf(cases);
  const others = collect(options.collect);
  const report: RealReport = {
    benchmark: 'real',
    // Where problems lie is the machine's own business.
    command: commandOf('bench:real').replace(/ \/\S*\//g, ' '),
    model: options.model,
    ...(options.draft !== undefined && { draft: options.draft }),
    problems: options.problems!.split('/').at(-1)!,
    machine: atEnd(earlier?.machine ?? machine),
    tokens,
    rounds: Math.min(...cases.map(({ rates }) => rates.length)),
    headline: { ...Object.fromEntries(Object.entries(ratios).map(([name, { ratio }]) => [name, roundTo(ratio, 3)])), ...others.headline },
    ratios,
    collected: others.from,
    cases,
  };
  if (options.json !== undefined) writeReport(options.json, report);
  return report;
}

function caseOf({ who, format }: RealContestant, branches: number, temperature: number): RealCase {
  const found = cases.find((each) => each.who === who && each.format === format && each.branches === branches && each.temperature === temperature);
  const each = found ?? { who, format, branches, temperature, rates: [] };
  if (!found) cases.push(each);
  return each;
}

async function openAll(): Promise<RealContestant[]> {
  const names = options.only?.split(',');
  const isWanted = (who: string): boolean => (names ? names.some((name) => who.includes(name)) : options.all || !EXTRA.includes(who));
  const all: RealContestant[] = [];
  for (const format of formats) {
    if (isWanted('runtime alone')) all.push(await runtimeAlone(directory, format, branchCounts, closers));
    all.push(...(await ourContestants({ directory, format, branches: branchCounts, draft }, closers)));
  }
  const upTo8 = branchCounts.filter((count) => count <= 8);
  if (isWanted('transformers.js')) all.push(await transformersJs(directory, upTo8, closers));
  const missing = missingPeer('node-llama-cpp');
  if (missing !== undefined) console.error(missing);
  else if (isWanted('node-llama-cpp')) all.push(await nodeLlamaCpp(directory, upTo8, closers));
  return all.filter(({ who }) => isWanted(who));
}

/** Fisher and Yates' order of a round. */
function shuffled<Item>(items: readonly Item[], round: number): Item[] {
  const random = randomSequence(round);
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

function directoryOf(name: string): string {
  const found = realModelDirectory(name as RealModelName);
  if (found !== undefined) return found;
  console.error(`There is no model ${name}. ${HOW_TO_GET_REAL_MODELS}`);
  process.exit(2);
}

function linesOf(file: string): { readonly prompt: string }[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as { readonly prompt: string });
}
