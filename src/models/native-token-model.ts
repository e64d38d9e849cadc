/**
 * A TokenModel over the native graph layout: the caller owns the caches, the graph returns new keys and values only.
 * `docs/models.md` describes the graph's inputs and outputs.
 *
 * @module
 */
import { Tensor, type GraphSession, type Tensors } from './graph-session.ts';
import type { SamplingOptions } from '../contracts/engine.ts';
import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { DisposedError, ModelError, ModelLoadError } from '../errors.ts';
import { requireForwardRow } from './forward-rows.ts';
import { NativeCache, SHUT } from './native-cache.ts';
import { SlotSequence } from './slot-sequence.ts';

export interface NativeTokenModelOptions {
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  /** Sampling that suits the model. */
  readonly sampling?: SamplingOptions;
}

/** Reused inputs of one batch shape. */
interface ShapeFeeds {
  readonly tokens: Tensor;
  readonly positions: Tensor;
  /** 32-bit views of the int64 buffers: every value fits the low word and the high word stays 0. */
  readonly tokenWords: Int32Array;
  readonly positionWords: Int32Array;
}

/** Shapes kept before the oldest is dropped; a batch that thins out visits one per row count. */
const KEPT_SHAPES = 64;

export class NativeTokenModel implements TokenModel {
  readonly padsRows: boolean = true;
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling?: SamplingOptions;
  readonly #session: GraphSession;
  readonly #layers: number;
  readonly #headWidth: number;
  readonly #group: number;
  readonly #cache: NativeCache<SlotSequence>;
  readonly #shapes = new Map<string, ShapeFeeds>();
  readonly #wanted = new Map<number, { tensor: Tensor; words: Int32Array }>();
  #biasScratch: Float32Array = new Float32Array(0);
  #isDisposed = false;

  /**
   * @param session - A session over a graph of the native layout.
   * @param queryHeads - Query heads per key-value head.
   * @throws {ModelLoadError} when the graph's inputs or outputs are not those of the native layout.
   */
  constructor(session: GraphSession, queryHeads: number, options: NativeTokenModelOptions) {
    const { layers, headWidth, logitWidth } = describeNativeGraph(session);
    this.#session = session;
    this.#layers = layers;
    this.#headWidth = headWidth;
    this.#group = queryHeads;
    this.vocabularySize = logitWidth;
    this.contextTokens = options.contextTokens;
    this.endTokens = options.endTokens;
    if (options.sampling) this.sampling = options.sampling;
    this.#cache = new NativeCache({ layers, headWidth });
  }

  /** Bytes of all caches. */
  get cacheBytes(): number {
    return this.#cache.byteLength;
  }

  openSequence(): TokenSequence {
    if (this.#isDisposed) throw new DisposedError('model');
    return new SlotSequence(this.#cache, 0);
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    if (this.#isDisposed) throw new DisposedError('model');
    for (const row of rows) requireForwardRow(row, this.#cache, this.contextTokens);
    this.#cache.lock.hold();
    try {
      return await this.#forwardLocked(rows as readonly NativeRow[]);
    } finally {
      this.#cache.lock.release();
    }
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#shapes.clear();
    await this.#session.release();
  }

  /** The slots must stand still from the gathering to the storing. */
  async #forwardLocked(batch: readonly NativeRow[]): Promise<Logits> {
    const width = Math.max(...batch.map((row) => row.tokens.length));
    const wantedCount = batch.reduce((sum, row) => sum + row.logitCount, 0);
    this.#cache.reserve(Math.max(...batch.map((row) => row.sequence.length + row.tokens.length)));
    this.#cache.gather(batch.map((row) => row.sequence));
    const outputs = await this.#run(batch, width, wantedCount);
    const fresh = outputs['new_cache']!.data as Float32Array;
    const entry = 2 * this.#layers * this.#headWidth;
    // Before any is stored: a row that fails must leave the others as they were.
    for (const { sequence, tokens } of batch) requireFinite(fresh, sequence.slot * width * entry, tokens.length * entry);
    for (const { sequence, tokens } of batch) {
      this.#cache.store(sequence, sequence.length, tokens.length, fresh, sequence.slot * width * entry);
      sequence.length += tokens.length;
    }
    return (outputs['logits']!.data as Float32Array).subarray(0, wantedCount * this.vocabularySize);
  }

  async #run(batch: readonly NativeRow[], width: number, wantedCount: number): Promise<Tensors> {
    const rows = batch.length;
    const shape = this.#shapeFeeds(rows, width);
    const { past, stepBias, inputs } = this.#cache.feeds(rows, Math.max(...batch.map(({ sequence }) => sequence.length)));
    // The head always gets one position at least; an unwanted row of logits is simply not read.
    const wanted = this.#wantedFeed(Math.max(1, wantedCount));
    if (wantedCount === 0) wanted.words[0] = 0;
    let next = 0;
    for (const { sequence, tokens, logitCount } of batch) {
      const start = sequence.slot * width;
      for (let index = 0; index < width; index++) {
        shape.tokenWords[2 * (start + index)] = tokens[index] ?? 0;
        shape.positionWords[2 * (start + index)] = Math.min(sequence.length + index, this.contextTokens - 1);
      }
      for (let index = tokens.length - logitCount; index < tokens.length; index++) wanted.words[2 * next++] = start + index;
    }
    inputs['tokens'] = shape.tokens;
    inputs['positions'] = shape.positions;
    inputs['bias'] = width === 1 ? stepBias : this.#blockBias(batch, width, past);
    inputs['wanted'] = wanted.tensor;
    try {
      return await this.#session.run(inputs);
    } catch (error) {
      throw new ModelError(`The model failed on ${rows} rows of ${width} tokens: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }

  /** `[rows, width × group, past + width]`: every new token sees its row's past and the new tokens up to itself. */
  #blockBias(batch: readonly { readonly sequence: SlotSequence }[], width: number, past: number): Tensor {
    const stride = past + width;
    const queries = width * this.#group;
    const size = batch.length * queries * stride;
    if (this.#biasScratch.length < size) this.#biasScratch = new Float32Array(size);
    const bias = this.#biasScratch.subarray(0, size);
    for (const { sequence } of batch) {
      const shown = this.#cache.biasOf(sequence).subarray(0, past);
      for (let query = 0; query < queries; query++) {
        const start = (sequence.slot * queries + query) * stride;
        const firstUnseen = start + past + Math.floor(query / this.#group) + 1;
        bias.set(shown, start);
        bias.fill(0, start + past, firstUnseen);
        bias.fill(SHUT, firstUnseen, start + stride);
      }
    }
    return new Tensor('float32', bias, [batch.length, queries, stride]);
  }

  #shapeFeeds(rows: number, width: number): ShapeFeeds {
    const key = `${rows}x${width}`;
    const known = this.#shapes.get(key);
    if (known) return known;
    if (this.#shapes.size >= KEPT_SHAPES) this.#shapes.delete(this.#shapes.keys().next().value!);
    const tokens = int64Tensor([rows, width]);
    const positions = int64Tensor([rows, width]);
    const created = {
      tokens: tokens.tensor,
      positions: positions.tensor,
      tokenWords: tokens.words,
      positionWords: positions.words,
    };
    this.#shapes.set(key, created);
    return created;
  }

  #wantedFeed(count: number): { tensor: Tensor; words: Int32Array } {
    let feed = this.#wanted.get(count);
    if (!feed) this.#wanted.set(count, (feed = int64Tensor([count])));
    return feed;
  }
}

type NativeRow = ForwardRow & { readonly sequence: SlotSequence };

/** @throws {ModelError} when a key or value of a new token is not a finite number. */
function requireFinite(values: Float32Array, start: number, count: number): void {
  const end = start + count;
  // One test for all: finite numbers of single precision cannot make a sum of double precision overflow. Four sums, since
  // each addition to one of them has to wait for the one before. Not taken out of a list together: V8 would then keep them as
  // objects on the heap, a new one for every addition.
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let index = start;
  for (; index + 3 < end; index += 4) {
    first += values[index]!;
    second += values[index + 1]!;
    third += values[index + 2]!;
    fourth += values[index + 3]!;
  }
  for (; index < end; index++) first += values[index]!;
  if (!Number.isFinite(first + second + third + fourth)) throw new ModelError('The model gave keys or values that are not finite numbers.');
}

function int64Tensor(dims: readonly number[]): { tensor: Tensor; words: Int32Array } {
  const data = new BigInt64Array(dims.reduce((product, size) => product * size, 1));
  return { tensor: new Tensor('int64', data, dims), words: new Int32Array(data.buffer) };
}

/** Whether a graph takes its caches the native way. */
export function isNativeGraph(session: GraphSession): boolean {
  return session.inputNames.includes('tokens') && session.inputNames.includes('bias');
}

/** Sizes of a native graph. @throws {ModelLoadError} */
export function describeNativeGraph(session: GraphSession): { layers: number; headWidth: number; logitWidth: number } {
  const inputs = new Map(session.inputMetadata.map((input) => [input.name, input]));
  const firstKey = inputs.get('past_key.0');
  const logits = session.outputMetadata.find((output) => output.name === 'logits');
  const missing = ['tokens', 'positions', 'bias', 'wanted', 'past_key.0'].filter((name) => !inputs.has(name));
  const headWidth = firstKey?.isTensor ? firstKey.shape[2] : undefined;
  const logitWidth = logits?.isTensor ? logits.shape[1] : undefined;
  if (missing.length > 0 || typeof headWidth !== 'number' || typeof logitWidth !== 'number') {
    throw new ModelLoadError('graph', `The graph is not of the native layout: it lacks ${missing.join(', ') || 'fixed head or logit widths'}.`);
  }
  const layers = [...inputs.keys()].filter((name) => name.startsWith('past_key.')).length;
  return { layers, headWidth, logitWidth };
}
