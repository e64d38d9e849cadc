/**
 * Milliseconds of one model step, interleaved in one run: medians with quartiles.
 *
 * The first table has steps of the bundled target and draft in the engine's worker, with all that belongs to one: the pass, and
 * the drawing of a token for each row. The second has passes of the target in its three graph layouts, one and five new tokens a
 * row.
 *
 *   npm run bench:steps
 */
import { availableParallelism, cpus } from 'node:os';
import { quantile } from 'simple-statistics';
import { bundledModels, loadModel, SpeculativeDecoder, type LocalModel, type TokenModel, type TokenSequence } from 'latency-tts';

const CONTEXT = 100;
const REPETITIONS = 200;
const WARM_UP = 20;
const ROWS = [1, 4, 8, 16];
/** Steps of one model between those of the other. */
const TURN = 20;
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

async function measure({ model, sequences, times }: Subject, width: number): Promise<void> {
  const tokens = new Array<number>(width).fill(20);
  const startedAt = performance.now();
  await model.forward(sequences.map((sequence) => ({ sequence, tokens, logitCount: width })));
  times.push(performance.now() - startedAt);
  for (const sequence of sequences) sequence.truncate(CONTEXT);
}

function show(times: readonly number[]): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile([...times], share).toFixed(3));
  return `${middle} (${low}–${high})`;
}

async function compareDraft(threads: number): Promise<void> {
  const engine = new SpeculativeDecoder(await bundledModels({ threads }));
  await engine.ready();
  for (const rows of ROWS) {
    const shape = { rows, newTokens: 1, contextTokens: CONTEXT };
    const times: Record<'target' | 'draft', number[]> = { target: [], draft: [] };
    for (let measured = 0; measured < REPETITIONS; measured += TURN) {
      for (const part of ['target', 'draft'] as const) {
        const [turn] = await engine.passes.measure(part, [shape], { repetitions: TURN, warmUp: 2 });
        times[part].push(...turn!);
      }
    }
    const ratio = quantile(times.target, 0.5) / quantile(times.draft, 0.5);
    console.log(`| ${threads} | ${rows} | ${show(times.target)} | ${show(times.draft)} | ${ratio.toFixed(1)} |`);
  }
  await engine.dispose();
}

async function compareLayouts(): Promise<void> {
  for (const rows of ROWS) {
    for (const width of WIDTHS) {
      const subjects: Subject[] = [];
      for (const layout of LAYOUTS) {
        const path = layout === 'native' ? 'models/target' : `models/layouts/${layout}/target`;
        subjects.push(await prepare(await loadModel(path, { tokenizerPath: 'models/tokenizer', threads: 1 }), rows));
      }
      for (let repetition = 0; repetition < REPETITIONS; repetition++) for (const subject of subjects) await measure(subject, width);
      console.log(`| ${rows} | ${width} | ${subjects.map(({ times }) => show(times.slice(WARM_UP))).join(' | ')} |`);
      for (const { model } of subjects) await model.dispose();
    }
  }
}

console.log(
  `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}\n`,
);
console.log(`| threads | rows | target ms (p25–p75) | draft ms | target / draft |\n| ---: | ---: | ---: | ---: | ---: |`);
for (const threads of [1, availableParallelism()]) await compareDraft(threads);
console.log(`\n| rows | new tokens a row | ${LAYOUTS.join(' | ')} |\n| ---: | ---: | ${LAYOUTS.map(() => '---:').join(' | ')} |`);
await compareLayouts();
