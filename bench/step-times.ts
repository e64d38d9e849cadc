/**
 * Milliseconds of one model step, interleaved in one run: medians with quartiles.
 *
 * The first table has the bundled target and draft as speculation uses them: a few steps of the draft, then one of the
 * target. The second has the target in its three graph layouts, one and five new tokens a row.
 *
 *   npm run bench:steps
 */
import { availableParallelism, cpus } from 'node:os';
import { quantile } from 'simple-statistics';
import { bundledModels, loadModel, type LocalModel, type TokenModel, type TokenSequence } from 'latency-tts';

const CONTEXT = 100;
const REPETITIONS = 200;
const WARM_UP = 20;
const ROWS = [1, 4, 8, 16];
const DRAFT_STEPS = 4;
const WIDTHS = [1, 5];
const LAYOUTS = ['native', 'masked', 'gqa'] as const;

interface Subject {
  readonly model: TokenModel;
  readonly sequences: readonly TokenSequence[];
  /** Of one step each. */
  readonly times: number[];
}

async function prepare(source: LocalModel, rows: number): Promise<Subject> {
  const model = await source.load();
  const first = model.openSequence();
  await model.forward([{ sequence: first, tokens: new Array<number>(CONTEXT).fill(20), logitCount: 0 }]);
  return { model, sequences: [first, ...Array.from({ length: rows - 1 }, () => first.fork())], times: [] };
}

async function measure({ model, sequences, times }: Subject, width: number, steps: number): Promise<void> {
  const tokens = new Array<number>(width).fill(20);
  const startedAt = performance.now();
  for (let step = 0; step < steps; step++) await model.forward(sequences.map((sequence) => ({ sequence, tokens, logitCount: width })));
  times.push((performance.now() - startedAt) / steps);
  for (const sequence of sequences) sequence.truncate(CONTEXT);
}

const median = ({ times }: Subject): number => quantile(times.slice(WARM_UP), 0.5);

function show({ times }: Subject): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(times.slice(WARM_UP), share).toFixed(3));
  return `${middle} (${low}–${high})`;
}

async function compareDraft(threads: number): Promise<void> {
  const { target, draft } = await bundledModels({ threads });
  for (const rows of ROWS) {
    const [slow, fast] = [await prepare(target, rows), await prepare(draft, rows)];
    for (let repetition = 0; repetition < REPETITIONS; repetition++) {
      await measure(fast, 1, DRAFT_STEPS);
      await measure(slow, 1, 1);
    }
    console.log(`| ${threads} | ${rows} | ${show(slow)} | ${show(fast)} | ${(median(slow) / median(fast)).toFixed(1)} |`);
    for (const { model } of [slow, fast]) await model.dispose();
  }
}

async function compareLayouts(): Promise<void> {
  for (const rows of ROWS) {
    for (const width of WIDTHS) {
      const subjects: Subject[] = [];
      for (const layout of LAYOUTS) {
        const path = layout === 'native' ? 'models/target' : `models/layouts/${layout}/target`;
        subjects.push(await prepare(await loadModel(path, { tokenizerPath: 'models/tokenizer', threads: 1 }), rows));
      }
      for (let repetition = 0; repetition < REPETITIONS; repetition++) for (const subject of subjects) await measure(subject, width, 1);
      console.log(`| ${rows} | ${width} | ${subjects.map(show).join(' | ')} |`);
      for (const { model } of subjects) await model.dispose();
    }
  }
}

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}\n`,
);
console.log(`| threads | rows | target ms (p25–p75) | draft ms, ${DRAFT_STEPS} in a row | target / draft |\n| ---: | ---: | ---: | ---: | ---: |`);
for (const threads of [1, availableParallelism()]) await compareDraft(threads);
console.log(`\n| rows | new tokens a row | ${LAYOUTS.join(' | ')} |\n| ---: | ---: | ${LAYOUTS.map(() => '---:').join(' | ')} |`);
await compareLayouts();
