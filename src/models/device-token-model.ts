/**
 * A TokenModel over the native graph layout whose cache stays where the graph runs: on a GPU, nothing but the wanted logits
 * comes back, and nothing but tokens, indices and biases goes there.
 *
 * A sequence is a list of entries of one store; `cache-graph.ts` says how the store is kept and read.
 *
 * @module
 */
import { Tensor, type GraphSession, type Tensors } from './graph-session.ts';
import type { SamplingOptions } from '../contracts/engine.ts';
import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { DeviceMemoryError, DisposedError } from '../errors.ts';
import { CacheSequence } from './cache-sequence.ts';
import { asDeviceError, releaseFromDevice } from './device-errors.ts';
import { EntryPool } from './entry-pool.ts';
import { paddedTokens, requireForwardRow, widthOf } from './forward-rows.ts';
import { SHUT } from './native-cache.ts';
import { describeNativeGraph, type NativeTokenModelOptions } from './native-token-model.ts';

/** The two graphs of a model on a device. Their outputs stay there, but for the logits. */
export interface DeviceSessions {
  /** Of the native layout. */
  readonly model: GraphSession;
  /** Of `encodeCacheGraph`, for the model's layers and heads. */
  readonly cache: GraphSession;
}

export interface DeviceTokenModelOptions extends NativeTokenModelOptions {
  /** Bytes of the largest buffer the device gives. @default no limit */
  readonly maxBufferBytes?: number;
}

/** Positions a row's cache grows by: every new size costs the device a little, the first time. */
const CAPACITY_STEP = 64;

export class DeviceTokenModel implements TokenModel {
  readonly padsRows: boolean = true;
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling?: SamplingOptions;
  readonly #sessions: DeviceSessions;
  readonly #group: number;
  readonly #entryBytes: number;
  readonly #maxBufferBytes: number;
  readonly #pool = new EntryPool();
  /** `[entries, entry]`. */
  #store: Tensor;
  /** New keys and values of the last pass, which the next one writes into the store. */
  #fresh: Tensor;
  /** Entries of the next store that come out of `fresh`, with their place in it. */
  #pending: readonly (readonly [entry: number, place: number])[] = [];
  #isDisposed = false;

  /**
   * @param queryHeads - Query heads per key-value head.
   * @throws {ModelLoadError} when the model's inputs or outputs are not those of the native layout.
   */
  constructor(sessions: DeviceSessions, queryHeads: number, options: DeviceTokenModelOptions) {
    const { layers, headWidth, logitWidth } = describeNativeGraph(sessions.model);
    this.#sessions = sessions;
    this.#group = queryHeads;
    this.vocabularySize = logitWidth;
    this.contextTokens = options.contextTokens;
    this.endTokens = options.endTokens;
    if (options.sampling) this.sampling = options.sampling;
    this.#maxBufferBytes = options.maxBufferBytes ?? Infinity;
    const entry = 2 * layers * headWidth;
    this.#entryBytes = 4 * entry;
    // Entry 0 stays as it is: finite numbers for every position that holds no token.
    this.#store = new Tensor('float32', new Float32Array(entry), [1, entry]);
    this.#fresh = new Tensor('float32', new Float32Array(entry), [1, 1, entry]);
  }

  /** Bytes of the store. */
  get cacheBytes(): number {
    return this.#store.dims[0]! * this.#entryBytes;
  }

  openSequence(): TokenSequence {
    this.#requireOpen();
    return new DeviceSequence(this.#pool, []);
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    this.#requireOpen();
    for (const row of rows) requireForwardRow(row, this.#pool, this.contextTokens);
    this.#pool.lock.hold();
    try {
      return await this.#pass(rows as readonly DeviceRow[]);
    } catch (error) {
      throw asDeviceError(error, `The model failed on ${rows.length} rows of ${widthOf(rows)} tokens`);
    } finally {
      this.#pool.lock.release();
    }
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const tensor of [this.#store, this.#fresh]) tensor.dispose();
    await releaseFromDevice(this.#sessions.model, this.#sessions.cache);
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw new DisposedError('model');
    this.#pool.lock.requireFree();
  }

  async #pass(rows: readonly DeviceRow[]): Promise<Logits> {
    const width = widthOf(rows);
    const longest = Math.max(...rows.map(({ sequence }) => sequence.length));
    // One position at least: runtimes differ in what they make of empty tensors.
    const capacity = CAPACITY_STEP * Math.max(1, Math.ceil(longest / CAPACITY_STEP));
    const past = await this.#layOut(rows, capacity);
    let outputs: Tensors;
    try {
      outputs = await this.#sessions.model.run({ ...past, ...this.#feeds(rows, width, capacity) });
    } finally {
      for (const tensor of Object.values(past)) tensor.dispose();
    }
    this.#append(rows, width, outputs['new_cache']!);
    const wantedCount = rows.reduce((sum, { logitCount }) => sum + logitCount, 0);
    return (outputs['logits']!.data as Float32Array).subarray(0, wantedCount * this.vocabularySize);
  }

  /** Writes the last pass into the store, and gives past keys and values of the rows. */
  async #layOut(rows: readonly DeviceRow[], capacity: number): Promise<Record<string, Tensor>> {
    const { size } = this.#pool;
    this.#requireRoom(Math.max(size, rows.length * capacity), rows.length);
    const stored = this.#store.dims[0]!;
    const keep = new Int32Array(size);
    for (let entry = 0; entry < stored; entry++) keep[entry] = entry;
    for (const [entry, place] of this.#pending) keep[entry] = stored + place;
    const past = new Int32Array(rows.length * capacity);
    for (const [row, { sequence }] of rows.entries()) past.set(sequence.entries, row * capacity);
    const { next_store: store, ...laidOut } = await this.#sessions.cache.run({
      store: this.#store,
      fresh: this.#fresh,
      keep: new Tensor('int32', keep, [size]),
      past: new Tensor('int32', past, [rows.length, capacity]),
    });
    this.#store.dispose();
    this.#store = store!;
    // Still an input of the next pass, should this one fail; nothing is taken from it then.
    this.#pending = [];
    return laidOut;
  }

  /** @throws {DeviceMemoryError} before the device is asked for a buffer that it cannot give. */
  #requireRoom(entries: number, rows: number): void {
    const bytes = entries * this.#entryBytes;
    if (bytes > this.#maxBufferBytes) {
      throw new DeviceMemoryError(`Caches of ${rows} rows need a buffer of ${bytes} bytes, and the device gives ${this.#maxBufferBytes} at most`);
    }
  }

  #feeds(rows: readonly DeviceRow[], width: number, capacity: number): Record<string, Tensor> {
    const { tokens, positions } = paddedTokens(rows, width, this.contextTokens);
    const wanted = rows.flatMap(({ tokens: { length }, logitCount }, row) =>
      Array.from({ length: logitCount }, (_, index) => BigInt(row * width + length - logitCount + index)),
    );
    // The head always gets one position at least; an unwanted row of logits is simply not read.
    if (wanted.length === 0) wanted.push(0n);
    return {
      tokens: new Tensor('int64', tokens, [rows.length, width]),
      positions: new Tensor('int64', positions, [rows.length, width]),
      bias: this.#bias(rows, width, capacity),
      wanted: new Tensor('int64', BigInt64Array.from(wanted), [wanted.length]),
    };
  }

  /** `[rows, 1 or width × group, capacity + width]`: every new token sees its row's past and the new tokens up to itself. */
  #bias(rows: readonly DeviceRow[], width: number, capacity: number): Tensor {
    const queries = width === 1 ? 1 : width * this.#group;
    const stride = capacity + width;
    const bias = new Float32Array(rows.length * queries * stride).fill(SHUT);
    for (const [row, { sequence }] of rows.entries()) {
      for (let query = 0; query < queries; query++) {
        const start = (row * queries + query) * stride;
        const seen = width === 1 ? 1 : Math.floor(query / this.#group) + 1;
        bias.fill(0, start, start + sequence.length);
        bias.fill(0, start + capacity, start + capacity + seen);
      }
    }
    return new Tensor('float32', bias, [rows.length, queries, stride]);
  }

  /** Gives every new token an entry, to be written by the next pass. */
  #append(rows: readonly DeviceRow[], width: number, fresh: Tensor): void {
    this.#fresh.dispose();
    this.#fresh = fresh;
    const pending: [number, number][] = [];
    for (const [row, { sequence, tokens }] of rows.entries()) {
      for (let index = 0; index < tokens.length; index++) {
        const entry = this.#pool.take();
        sequence.entries.push(entry);
        pending.push([entry, row * width + index]);
      }
    }
    this.#pending = pending;
  }
}

type DeviceRow = ForwardRow & { readonly sequence: DeviceSequence };

/** A sequence of a model on a device: the entries of its tokens, in order. */
class DeviceSequence extends CacheSequence<EntryPool> {
  readonly entries: number[];

  /** @param entries - Held for this sequence already. */
  constructor(pool: EntryPool, entries: number[]) {
    super(pool);
    this.entries = entries;
  }

  get length(): number {
    return this.entries.length;
  }

  protected cut(length: number, pool: EntryPool): void {
    pool.release(this.entries.splice(length));
  }

  protected copy(pool: EntryPool): DeviceSequence {
    pool.hold(this.entries);
    return new DeviceSequence(pool, [...this.entries]);
  }

  protected free(pool: EntryPool): void {
    pool.release(this.entries.splice(0));
  }
}
