/**
 * Milliseconds of one model step of the bundled target and draft, interleaved in one run: medians by rows, and their ratio.
 *
 *   npm run bench:steps
 */
import { availableParallelism, cpus } from 'node:os';
import { quantile } from 'simple-statistics';
import { bundledModels, type LocalModel, type TokenModel, type TokenSequence } from 'latency-tts';

const CONTEXT = 100;
const REPETITIONS = 300;
const ROWS = [1, 4, 8, 16];

interface Subject {
  readonly model: TokenModel;
  readonly sequences: readonly TokenSequence[];
  readonly times: number[];
}

async function prepare(source: LocalModel, rows: number): Promise<Subject> {
  const model = await source.load();
  const first = model.openSequence();
  await model.forward([{ sequence: first, tokens: new Array<number>(CONTEXT).fill(20), logitCount: 0 }]);
  return { model, sequences: [first, ...Array.from({ length: rows - 1 }, () => first.fork())], times: [] };
}

async function step({ model, sequences, times }: Subject): Promise<void> {
  const startedAt = performance.now();
  await model.forward(sequences.map((sequence) => ({ sequence, tokens: [20], logitCount: 1 })));
  times.push(performance.now() - startedAt);
  for (const sequence of sequences) sequence.truncate(CONTEXT);
}

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`,
);
console.log('| threads | rows | target ms (p25–p75) | draft ms (p25–p75) | target / draft |\n| ---: | ---: | ---: | ---: | ---: |');
for (const threads of [1, availableParallelism()]) {
  const { target, draft } = await bundledModels({ threads });
  for (const rows of ROWS) {
    const subjects = [await prepare(target, rows), await prepare(draft, rows)] as const;
    for (let repetition = 0; repetition < REPETITIONS; repetition++) for (const subject of subjects) await step(subject);
    const [slow, fast] = subjects.map(({ times }) => [0.25, 0.5, 0.75].map((share) => quantile(times.slice(20), share))) as [number[], number[]];
    const show = ([low, middle, high]: number[]): string => `${middle!.toFixed(3)} (${low!.toFixed(3)}–${high!.toFixed(3)})`;
    console.log(`| ${threads} | ${rows} | ${show(slow)} | ${show(fast)} | ${(slow[1]! / fast[1]!).toFixed(1)} |`);
    for (const { model } of subjects) await model.dispose();
  }
}
