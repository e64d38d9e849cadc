/**
 * What ONNX Runtime alone takes for a pass, called from Node in a loop: nothing is sampled, stored or moved. Both ways there are, and
 * the faster one counts.
 */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { headFeeds } from '../../src/models/sampling-head.ts';
import { UNIFIED, unifyGraph, type UnifiedShape } from '../../src/models/unified-graph.ts';
import { median } from 'simple-statistics';

const WARM_UP = 3;
const QUIET = 4;

export interface RuntimeAlone {
  /** Milliseconds of a pass of one new token for each of `branches`, after `cells` cached tokens. */
  passMs(branches: number, cells: number, repetitions: number): Promise<number>;
  release(): Promise<void>;
}

/** The graph as it is exported: a row of the batch for each branch, logits fetched. */
export async function exportedGraph(path: string): Promise<RuntimeAlone> {
  const { shape } = unifyGraph(readFileSync(path), { contextTokens: 1 })!;
  const session = await InferenceSession.create(path, { logSeverityLevel: QUIET });
  return {
    passMs: (branches, cells, repetitions) =>
      timed(repetitions, () => session.run({ ...tokens(branches, 1, cells + 1), ...caches(shape, branches, cells) }, ['logits'])),
    release: () => session.release(),
  };
}

/** The graph that one row of all branches goes through, whose cells all branches share. */
export async function unifiedGraph(path: string): Promise<RuntimeAlone> {
  const { shape, bytes } = unifyGraph(readFileSync(path), { contextTokens: 1 })!;
  const session = await InferenceSession.create(bytes, {
    logSeverityLevel: QUIET,
    extra: { session: { model_external_initializers_file_folder_path: dirname(path) } },
  });
  return {
    passMs: (branches, cells, repetitions) => {
      const feeds = {
        input_ids: tokens(1, branches, 0)['input_ids']!,
        ...Object.fromEntries(shape.cacheInputs.map((name) => [name, filled([cells, shape.kvHeads, shape.headWidth])])),
        ...headFeeds(undefined, branches, shape.vocabularySize),
        [UNIFIED.positions]: new Tensor('int64', new BigInt64Array(branches).fill(BigInt(cells)), [1, branches]),
        [UNIFIED.bias]: new Tensor('float32', new Float32Array(branches * (cells + branches)), [branches, cells + branches]),
        [UNIFIED.wanted]: new Tensor(
          'int64',
          BigInt64Array.from({ length: branches }, (_, place) => BigInt(place)),
          [branches],
        ),
      };
      return timed(repetitions, () => session.run(feeds, ['logits']));
    },
    release: () => session.release(),
  };
}

function tokens(rows: number, width: number, total: number): Record<string, Tensor> {
  return {
    input_ids: new Tensor('int64', new BigInt64Array(rows * width).fill(5n), [rows, width]),
    attention_mask: new Tensor('int64', new BigInt64Array(rows * total).fill(1n), [rows, total]),
  };
}

function caches({ cacheInputs, kvHeads, headWidth }: UnifiedShape, rows: number, cells: number): Record<string, Tensor> {
  return Object.fromEntries(cacheInputs.map((name) => [name, filled([rows, kvHeads, cells, headWidth])]));
}

function filled(dims: readonly number[]): Tensor {
  return new Tensor('float32', new Float32Array(dims.reduce((size, length) => size * length, 1)).fill(0.01), dims);
}

async function timed(repetitions: number, run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let repetition = -WARM_UP; repetition < repetitions; repetition++) {
    const startedAt = performance.now();
    await run();
    if (repetition >= 0) times.push(performance.now() - startedAt);
  }
  return median(times);
}
