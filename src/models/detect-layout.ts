/**
 * Which TokenModel can drive a decoder graph. Names of inputs do not tell: graphs with `GroupQueryAttention` come with and
 * without `position_ids`, and an operator inside cannot be seen through a session. So a graph is asked, by two small
 * passes with a cache of made-up values and one hole in the mask: attention that goes by the mask gives different logits
 * for different holes, `GroupQueryAttention`, which only counts the mask's ones, gives the same. A third pass tells whether a hole
 * leaves the positions behind it alone; in old exports without `position_ids` it need not.
 *
 * @module
 */
import type { GraphSession, Tensor } from './graph-session.ts';
import type { TokenModel } from '../contracts/token-model.ts';
import { DeviceLostError, DeviceMemoryError, ModelError, ModelLoadError } from '../errors.ts';
import { randomSequence } from '../maths/random.ts';
import { BlockGqaTokenModel } from './block-gqa-token-model.ts';
import { HostMemory, type CacheMemory } from './cache-memory.ts';
import { allocateCache, DecoderGraph, isKeyOrValue, type CachePart, type GraphFacts, type GraphPass } from './decoder-graph.ts';
import { DeviceMemory } from './device-memory.ts';
import type { GraphDevice } from './graph-device.ts';
import { MaskedTokenModel } from './masked-token-model.ts';
import { isNativeGraph, NativeTokenModel } from './native-token-model.ts';
import { RowTokenModel } from './row-token-model.ts';
import { freeTensors } from './shared-tensors.ts';

/** Largest difference of two logits that count as equal; half precision is coarse. */
const SAME = 1e-2;
/** New tokens of a pass that every adapter gets right. */
const FEW = 24;
/** The token that graphs are asked with. */
const PROBE = 1;

/** What is known of a graph before it is looked at. */
export interface TokenModelFacts extends GraphFacts {
  /** Query heads per key-value head; the native layout needs it. */
  readonly queryHeadsPerGroup?: number | undefined;
}

/** Makes the model for a session, which may take a few small passes. @throws {ModelLoadError} when no layout fits; the session is released then. */
export async function openTokenModel(session: GraphSession, facts: TokenModelFacts): Promise<TokenModel> {
  if (!isNativeGraph(session)) return openHubModel(session, facts);
  return orRelease(session, () => openNative(session, facts));
}

/**
 * Makes the model for a session over a decoder graph as the hub has them, which may take a few small passes.
 *
 * @param device - Where all outputs of the session stay, and with them the caches.
 * @throws {ModelLoadError} when no layout fits; the session is released then.
 */
export async function openHubModel(session: GraphSession, facts: GraphFacts, device?: GraphDevice): Promise<TokenModel> {
  const graph = await orRelease(session, () => DecoderGraph.open(session, facts, device));
  return orRelease(graph, () => openDecoderGraph(graph, device));
}

/** What `open` makes of something, which is released when that fails. */
async function orRelease<Result>(owned: { release(): Promise<void> }, open: () => Promise<Result>): Promise<Result> {
  try {
    return await open();
  } catch (error) {
    await owned.release();
    throw error;
  }
}

async function openNative(session: GraphSession, facts: TokenModelFacts): Promise<TokenModel> {
  if (facts.queryHeadsPerGroup === undefined) {
    throw new ModelLoadError(facts.source, `The config.json of ${facts.source} lacks num_attention_heads, which a graph of the native layout needs.`);
  }
  return new NativeTokenModel(session, facts.queryHeadsPerGroup, facts);
}

async function openDecoderGraph(graph: DecoderGraph, device: GraphDevice | undefined): Promise<TokenModel> {
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
    const isByMask = !isSame(behind, hidden);
    const memory = device ? await DeviceMemory.open(graph, device) : new HostMemory(graph);
    if (isByMask) return new MaskedTokenModel(graph, memory, { canHaveHoles: isSame(hidden, alone) });
    return new BlockGqaTokenModel(graph, memory, { mostNew: await mostNewTokens(graph, memory) });
  } catch (error) {
    if (!(error instanceof ModelError) || error instanceof DeviceLostError || error instanceof DeviceMemoryError) throw error;
    return checkedRowModel(graph, `a pass behind a made-up cache failed (${error.message})`);
  }
}

/**
 * New tokens of a row that `GroupQueryAttention` gets right in one pass; `undefined` for any number. ONNX Runtime 1.30 has a way of
 * its own for 32 or more on WebGPU, whose logits are wrong on SwiftShader.
 */
async function mostNewTokens(graph: DecoderGraph, memory: CacheMemory): Promise<number | undefined> {
  const tokens = Array.from({ length: 2 * FEW }, (_, index) => index % graph.vocabularySize);
  if (tokens.length > graph.facts.contextTokens) return undefined;
  const lastLogits = async (mostNew: number): Promise<Float32Array> => {
    const model = new BlockGqaTokenModel(graph, memory, { mostNew });
    const sequence = model.openSequence();
    const logits = await model.forward([{ sequence, tokens, logitCount: 1 }]);
    sequence.dispose();
    return logits.slice();
  };
  return isSame(await lastLogits(2 * FEW), await lastLogits(FEW)) ? undefined : FEW;
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
  freeTensors(Object.values(outputs));
  return outputs['logits']!.dims[1] === 1;
}

/** Logits of one token behind a made-up cache of which the mask shows this much. */
async function probed(graph: DecoderGraph, past: readonly bigint[]): Promise<Float32Array> {
  const outputs = await graph.run(probe(graph, past, 1));
  const logits = await graph.wanted(outputs, [{ sequence: past, tokens: [PROBE], logitCount: 1 }]);
  freeTensors(graph.parts.map(({ output }) => outputs[output]!));
  return logits.slice();
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
    tokens: BigInt64Array.from({ length: width }, () => BigInt(PROBE)),
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
