import type { SavedTokens } from '../contracts/token-model.ts';
import { CacheLock } from './cache-lock.ts';
import { CacheSequence } from './cache-sequence.ts';

/** Sizes of a cache whose parts are all alike. */
export interface CellShape {
  /** Keys and values of every layer. */
  readonly parts: number;
  /** Numbers of a cell in one part: heads × their width. */
  readonly width: number;
}

/** Attention is computed over every cell, free ones too, so a cache is not much larger than what it holds. */
const CELL_STEP = 64;
const GROWTH = 1.25;

/**
 * The keys and values of all sequences of a model, a cell for each token, `[parts][capacity, width]`.
 *
 * A sequence is a list of cells, and a cell may belong to many: a prompt is stored once for all of its branches, and forking or
 * forgetting tokens moves no data.
 */
export class CellCache {
  readonly lock = new CacheLock();
  readonly #shape: CellShape;
  readonly #data: Float32Array[];
  /** How many sequences hold each cell. */
  #holders = new Uint32Array(0);
  #capacity = 0;
  #live = 0;
  #version = 0;

  constructor(shape: CellShape) {
    this.#shape = shape;
    this.#data = Array.from({ length: shape.parts }, () => new Float32Array(0));
  }

  /** Cells there are, in use or not. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Changes whenever `part` gives other arrays. */
  get version(): number {
    return this.#version;
  }

  /** Keys or values of one layer, `[capacity, width]`. */
  part(index: number): Float32Array {
    return this.#data[index]!.subarray(0, this.#capacity * this.#shape.width);
  }

  hold(cells: readonly number[]): void {
    for (const cell of cells) this.#holders[cell]!++;
  }

  /** Gives cells back from `from` on. */
  release(cells: readonly number[], from = 0): void {
    this.lock.requireFree();
    for (let index = from; index < cells.length; index++) if (--this.#holders[cells[index]!]! === 0) this.#live--;
  }

  /** Makes room for this many more cells, and no more room than is needed. */
  reserve(count: number): void {
    const used = this.#holders.findLastIndex((holders) => holders > 0) + 1;
    const needed = this.#live + count;
    // Free cells at the end are given up where they are most of the cache: each of them costs every pass.
    if (needed > this.#capacity) this.#resize(Math.max(needed, Math.floor(GROWTH * this.#capacity)));
    else if (Math.max(used, needed) < this.#capacity / 2) this.#resize(Math.max(used, needed));
  }

  /**
   * Stores new tokens in the first free cells.
   *
   * @param fresh - `[parts, tokens, width]`.
   * @returns The cell of each token. Each has one holder: the caller.
   */
  store(fresh: Float32Array, tokens: number): number[] {
    const cells: number[] = [];
    for (let cell = 0; cells.length < tokens; cell++) if (this.#holders[cell] === 0) cells.push(cell);
    for (const cell of cells) this.#holders[cell] = 1;
    this.#live += tokens;
    this.#copyIn(fresh, cells);
    return cells;
  }

  /** Copies cells out: `[parts, cells, width]`, as `store` takes them. */
  copyOut(cells: readonly number[]): Float32Array {
    const { parts, width } = this.#shape;
    const copy = new Float32Array(parts * cells.length * width);
    const runs = runsOf(cells);
    for (let part = 0; part < parts; part++) {
      const [data, start] = [this.#data[part]!, part * cells.length];
      for (const [first, length] of runs) copyRun(data, cells[first]! * width, copy, (start + first) * width, length * width);
    }
    return copy;
  }

  #copyIn(fresh: Float32Array, cells: readonly number[]): void {
    const { parts, width } = this.#shape;
    const runs = runsOf(cells);
    for (let part = 0; part < parts; part++) {
      const [data, start] = [this.#data[part]!, part * cells.length];
      for (const [first, length] of runs) copyRun(fresh, (start + first) * width, data, cells[first]! * width, length * width);
    }
  }

  /** Changes how many cells there are; cells in use stay where they are. */
  #resize(wanted: number): void {
    const { width } = this.#shape;
    const capacity = CELL_STEP * Math.ceil(wanted / CELL_STEP);
    if (capacity === this.#capacity) return;
    const kept = Math.min(capacity, this.#capacity) * width;
    for (const [part, data] of this.#data.entries()) {
      // Memory once had is used again: fresh pages are slow.
      if (capacity * width <= data.length) continue;
      const roomy = new Float32Array(capacity * width);
      roomy.set(data.subarray(0, kept));
      this.#data[part] = roomy;
    }
    const holders = new Uint32Array(capacity);
    holders.set(this.#holders.subarray(0, capacity));
    this.#holders = holders;
    this.#capacity = capacity;
    this.#version++;
  }
}

/** Neighbouring cells as runs: `[index of the first, how many]`. */
function runsOf(cells: readonly number[]): [first: number, length: number][] {
  const runs: [number, number][] = [];
  for (const [index, cell] of cells.entries()) {
    const last = runs.at(-1);
    if (last && cell === cells[index - 1]! + 1) last[1]++;
    else runs.push([index, 1]);
  }
  return runs;
}

/** Short runs are copied one by one: a view of each, as `set` needs, would cost more than the copy. */
const SHORT_RUN = 192;

function copyRun(from: Float32Array, source: number, to: Float32Array, target: number, count: number): void {
  if (count > SHORT_RUN) return to.set(from.subarray(source, source + count), target);
  for (let index = 0; index < count; index++) to[target + index] = from[source + index]!;
}

class SavedCells implements SavedTokens {
  readonly data: Float32Array;
  readonly tokenCount: number;

  constructor(data: Float32Array, tokenCount: number) {
    this.data = data;
    this.tokenCount = tokenCount;
  }

  get byteLength(): number {
    return this.data.byteLength;
  }
}

/** A sequence of a model with one cache of cells. */
export class CellSequence extends CacheSequence<CellCache> {
  /** The cell of each token, in order. */
  readonly cells: number[];

  constructor(cache: CellCache, cells: number[] = []) {
    super(cache);
    this.cells = cells;
  }

  get length(): number {
    return this.cells.length;
  }

  save(start: number, end: number): SavedTokens {
    return new SavedCells(this.requireOpen().copyOut(this.cells.slice(start, end)), end - start);
  }

  restore(saved: readonly SavedTokens[]): void {
    const cache = this.requireOpen();
    cache.reserve(saved.reduce((sum, { tokenCount }) => sum + tokenCount, 0));
    for (const { data, tokenCount } of saved as readonly SavedCells[]) this.cells.push(...cache.store(data, tokenCount));
  }

  protected cut(length: number, cache: CellCache): void {
    cache.release(this.cells, length);
    this.cells.length = length;
  }

  protected copy(cache: CellCache): CellSequence {
    cache.hold(this.cells);
    return new CellSequence(cache, [...this.cells]);
  }

  protected free(cache: CellCache): void {
    cache.release(this.cells);
  }
}
