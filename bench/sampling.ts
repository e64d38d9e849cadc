/**
 * What choosing tokens costs, by sampling options, for eight branches and a vocabulary of 151,936: the nodes that are appended to a
 * model's graph, alone, and the JavaScript after them, as decoding calls both. With a real model at hand, also as a share of a step.
 *
 *   [LATENCY_TTS_REAL_MODELS=DIRECTORY] npm run bench:sampling [-- --json FILE]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { median } from 'simple-statistics';
import type { TokenModel, TopRequest, TopRow } from '../src/contracts/token-model.ts';
import { forwardChoices, type ChoiceRow } from '../src/engines/local/token-choice.ts';
import { randomSequence } from '../src/maths/random.ts';
import { resolveSampling, type Sampling } from '../src/maths/sampling.ts';
import { encodeOnnx, OnnxModelFile } from '../src/models/onnx-graph.ts';
import { addSamplingHead, headFeeds, topOf } from '../src/models/sampling-head.ts';
import { HOW_TO_GET_REAL_MODELS, realModelDirectory } from '../test/support/real-models.ts';
import { commandOf, countOf, printTable } from './support/command-line.ts';
import { atEnd, describeMachine } from './support/machine.ts';
import { provenanceOf, writeReport } from './support/report-files.ts';
import { unifiedGraph } from './support/runtime-alone.ts';
import { roundTo } from './support/statistics.ts';

const VOCABULARY = 151_936;
const MODEL = 'qwen2.5-coder-0.5b';
/** Tokens in a branch's context: what a repetition penalty looks at. */
const CONTEXT = 200;
const WARM_UP = 3;
const TEMPERATURES = [0, 0.7, 1] as const;
const TRUNCATIONS: readonly (readonly [string, Partial<Sampling>])[] = [
  ['none', {}],
  ['top-k 20', { topK: 20 }],
  ['top-p 0.8', { topP: 0.8 }],
  ['min-p 0.05', { minP: 0.05 }],
  ['top-k 20, top-p 0.8', { topK: 20, topP: 0.8 }],
  ['top-k 20, top-p 0.8, min-p 0.05', { topK: 20, topP: 0.8, minP: 0.05 }],
];
const PENALTIES = [1, 1.1] as const;

const { values: options } = parseArgs({
  options: { branches: { type: 'string', default: '8' }, repetitions: { type: 'string', default: '15' }, json: { type: 'string' } },
});
const branches = countOf('branches', options.branches);
const repetitions = countOf('repetitions', options.repetitions);
const machine = describeMachine(['onnxruntime-node']);

const logits = fallingLogits();
const session = await InferenceSession.create(headAlone(), { logSeverityLevel: 4 });
const model = {
  vocabularySize: VOCABULARY,
  forward: async () => logits.data as Float32Array,
  forwardTop: async (rows: readonly TopRow[], request: TopRequest) => {
    const outputs = await session.run({ given: logits, ...headFeeds({ rows, request }, branches, VOCABULARY) });
    return topOf(outputs, rows, request);
  },
} as unknown as TokenModel;
const times = [];
for (const temperature of TEMPERATURES) {
  for (const [truncation, limits] of temperature === 0 ? TRUNCATIONS.slice(0, 1) : TRUNCATIONS) {
    for (const repetitionPenalty of PENALTIES) {
      const sampling = resolveSampling({ temperature, repetitionPenalty, ...limits });
      times.push({ temperature, truncation, repetitionPenalty, milliseconds: await choosingMs(sampling) });
    }
  }
}
await session.release();
const stepMs = await stepsOfModel();
const worst = Math.max(...times.map(({ milliseconds }) => milliseconds));
const headline: Record<string, number> = { sampling_ms: roundTo(worst, 2) };
if (stepMs) headline['sampling_share'] = roundTo(worst / Math.min(...Object.values(stepMs)), 3);
printTable({
  head: ['temperature', 'truncation', 'repetition penalty', `ms for ${branches}`, ...Object.keys(stepMs ?? {}).map((format) => `share of a step, ${format}`)],
  rows: times.map(({ temperature, truncation, repetitionPenalty, milliseconds }) => [
    ...[temperature, truncation, repetitionPenalty].map(String),
    milliseconds.toFixed(2),
    ...Object.values(stepMs ?? {}).map((step) => (milliseconds / step).toFixed(3)),
  ]),
});
const report = { benchmark: 'sampling', command: commandOf('bench:sampling'), machine: atEnd(machine), headline, branches, stepMs, times };
console.log(provenanceOf(report));
console.log(headline);
if (options.json !== undefined) writeReport(options.json, report);

/** One pass's tokens chosen, as the decode loop does it: the median. */
async function choosingMs(sampling: Sampling): Promise<number> {
  const random = randomSequence(3);
  const measured: number[] = [];
  for (let repetition = -WARM_UP; repetition < repetitions; repetition++) {
    const rows = Array.from({ length: branches }, () => rowOf(sampling, random));
    const startedAt = performance.now();
    for (const choices of await forwardChoices(model, rows)) choices.choose(0);
    if (repetition >= 0) measured.push(performance.now() - startedAt);
  }
  return median(measured);
}

function rowOf(sampling: Sampling, random: () => number): ChoiceRow {
  const seen = sampling.repetitionPenalty === 1 ? [] : Array.from({ length: CONTEXT }, () => Math.floor(random() * VOCABULARY));
  const sequence = { length: CONTEXT, truncate: () => undefined } as unknown as ChoiceRow['sequence'];
  return { sequence, tokens: [1], logitCount: 1, sampling, seen, points: [random()], needsLogprobs: true, topLogprobs: 0, needsWholeRows: false };
}

/** The nodes that a model's graph gets at load time, after an input in place of the model. */
function headAlone(): Uint8Array {
  const shape = [1, 'wanted', VOCABULARY];
  const file = new OnnxModelFile(
    encodeOnnx({
      nodes: [{ operator: 'Identity', inputs: ['given'], outputs: ['logits'] }],
      inputs: [{ name: 'given', type: 'float32', shape }],
      outputs: [],
      constants: {},
    }),
  );
  addSamplingHead(file, { vocabularySize: VOCABULARY, type: 'float32' });
  return file.encode();
}

/** A few likely tokens, as language models have it, and noise. */
function fallingLogits(): Tensor {
  const random = randomSequence(7);
  const data = Float32Array.from({ length: branches * VOCABULARY }, () => random() * 4 - 8);
  for (let row = 0; row < branches; row++) {
    for (let rank = 0; rank < 200; rank++) data[row * VOCABULARY + Math.floor(random() * VOCABULARY)] = 16 - 3.5 * Math.log2(1 + rank);
  }
  return new Tensor('float32', data, [1, branches, VOCABULARY]);
}

/** Milliseconds of a pass of one token for each branch, the runtime alone. */
async function stepsOfModel(): Promise<Record<string, number> | undefined> {
  const directory = realModelDirectory(MODEL);
  if (directory === undefined) {
    console.error(`Shares of a step are left out: ${MODEL} is not there. ${HOW_TO_GET_REAL_MODELS}`);
    return undefined;
  }
  const steps: Record<string, number> = {};
  for (const [format, file] of [
    ['q4', 'model_q4.onnx'],
    ['q8', 'model_quantized.onnx'],
  ] as const) {
    const graph = await unifiedGraph(join(directory, 'onnx', file));
    steps[format] = await graph.passMs(branches, CONTEXT * 2, 8);
    await graph.release();
  }
  return steps;
}
