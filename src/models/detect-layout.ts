/**
 * Which TokenModel can drive a decoder graph. Names of inputs do not tell: graphs with `GroupQueryAttention` come with and
 * without `position_ids`, and an operator inside cannot be seen through a session. So a graph is asked, by two small
 * passes with a cache of made-up values and one hole in the mask: attention that goes by the mask gives different logits
 * for different holes, `GroupQueryAttention`, which only counts the mask's ones, gives the same. A third pass tells whether a hole
 * leaves the positions behind it alone; in old exports without `position_ids` it need not.
 *
 * @module
 */
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import type { TokenModel } from '../contracts/token-model.ts';
import { ModelError, ModelLoadError } from '../errors.ts';
import { randomSequence } from '../maths/random.ts';
import { allocateCache, DecoderGraph, isKeyOrValue, type CachePart, type GraphFacts, type GraphPass } from './decoder-graph.ts';
import { GqaTokenModel } from './gqa-token-model.ts';
import { MaskedTokenModel } from './masked-token-model.ts';
import { isNativeGraph, NativeTokenModel } from './native-token-model.ts';
import { RowTokenModel } from './row-token-model.ts';

/** Largest difference of two logits that count as equal; half precision is coarse. */
const SAME = 1e-2;

/** What is known of a graph before it is looked at. */
export interface TokenModelFacts extends GraphFacts {
  /** Query heads per key-value head; the native layout needs it. */
  readonly queryHeadsPerGroup?: number | undefined;
}

/** Makes the model for a session, which may take a few small passes. @throws {ModelLoadError} when no layout fits. */
export function openTokenModel(session: InferenceSession, facts: TokenModelFacts): Promise<TokenModel> {
  return isNativeGraph(session) ? openNative(session, facts) : openDecoderGraph(new DecoderGraph(session, facts));
}

async function openNative(session: InferenceSession, facts: TokenModelFacts): Promise<TokenModel> {
  if (facts.queryHeadsPerGroup === undefined) {
    throw new ModelLoadError(facts.source, `The configuration of ${facts.source} lacks num_attention_heads, which a graph of the native layout needs.`);
  }
  return new NativeTokenModel(session, facts.queryHeadsPerGroup, facts);
}

async function openDecoderGraph(graph: DecoderGraph): Promise<TokenModel> {
  const odd = graph.parts.find(
    ({ input, shape }) => !isKeyOrValue(input) || shape.length !== 4 || typeof shape[1] !== 'number' || typeof shape[3] !== 'number',
  );
  if (odd) {
    const reason = odd.input.startsWith('past_key_values')
      ? `its cache ${odd.input} has an unusual shape`
      : `it carries the state ${odd.input}, which cannot be rolled back`;
    return checkedRowModel(graph, reason);
  }
  if (new Set(graph.parts.map(({ shape }) => shape[2])).size > 1) return checkedRowModel(graph, 'its layers keep caches of different lengths');
  try {
    if (await givesLastLogitsOnly(graph)) return await checkedRowModel(graph, 'its head gives the logits of the last token only');
    const [behind, hidden, alone] = [await probed(graph, [0n, 1n]), await probed(graph, [1n, 0n]), await probed(graph, [1n])];
    if (isSame(behind, hidden)) return new GqaTokenModel(graph);
    return new MaskedTokenModel(graph, { canHaveHoles: isSame(hidden, alone) });
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return checkedRowModel(graph, `a pass behind a made-up cache failed (${error.message})`);
  }
}

/** The fallback, after one token has gone through it. */
async function checkedRowModel(graph: DecoderGraph, cannotVerify: string): Promise<RowTokenModel> {
  const model = new RowTokenModel(graph, cannotVerify);
  const sequence = model.openSequence();
  try {
    await model.forward([{ sequence, tokens: [0], logitCount: 1 }]);
    await model.forward([{ sequence, tokens: [0], logitCount: 1 }]);
  } catch (error) {
    const { source } = graph.facts;
    throw new ModelLoadError(
      source,
      `The graph of ${source} is of no layout this library can drive: ${cannotVerify}, and token by token it fails too (${String(error)}).`,
      {
        cause: error,
      },
    );
  }
  sequence.dispose();
  return model;
}

async function givesLastLogitsOnly(graph: DecoderGraph): Promise<boolean> {
  const outputs = await graph.run(probe(graph, [], 2));
  return outputs['logits']!.dims[1] === 1;
}

/** Logits of one token behind a made-up cache of which the mask shows this much. */
async function probed(graph: DecoderGraph, past: readonly bigint[]): Promise<Float32Array> {
  return DecoderGraph.values((await graph.run(probe(graph, past, 1)))['logits']!).slice();
}

function isSame(left: Float32Array, right: Float32Array): boolean {
  return left.every((value, index) => Math.abs(value - right[index]!) <= SAME);
}

/** A pass of one row: `width` tokens behind a cache of pseudo-random values, of which `past` tells what the mask shows. */
function probe(graph: DecoderGraph, past: readonly bigint[], width: number): GraphPass {
  const seen = past.filter((shown) => shown === 1n).length;
  return {
    rows: 1,
    width,
    tokens: BigInt64Array.from({ length: width }, () => 1n),
    positions: BigInt64Array.from({ length: width }, (_, index) => BigInt(seen + index)),
    mask: BigInt64Array.from([...past, ...Array.from({ length: width }, () => 1n)]),
    keep: 0,
    caches: Object.fromEntries(graph.parts.map((part, index) => [part.input, madeUpCache(graph, part, past.length, index)])),
  };
}

/** Pseudo-random values; a column's are the same however many follow it. */
function madeUpCache(graph: DecoderGraph, { type, shape }: CachePart, columns: number, seed: number): Tensor {
  const [heads, width] = [shape[1] as number, shape[3] as number];
  const values = allocateCache(type, heads * columns * width);
  const random = randomSequence(seed);
  for (let column = 0; column < columns; column++) {
    for (let head = 0; head < heads; head++) {
      const start = (head * columns + column) * width;
      // As words, 0x3c00 and what follows are half-precision numbers from 1 to 2.
      for (let unit = 0; unit < width; unit++) values[start + unit] = type === 'float16' ? 0x3c00 + Math.floor(1023 * random()) : 4 * random() - 2;
    }
  }
  return graph.cacheTensor(values, [1, heads, columns, width]);
}
