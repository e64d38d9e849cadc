/** Sizes of a cache whose parts are all alike. */
export interface CellShape {
  /** Keys and values of every layer. */
  readonly parts: number;
  /** Numbers of a cell in one part: heads × their width. */
  readonly width: number;
}

/** Attention is computed over every cell, free ones too, so an arena is not much larger than what it holds. */
const CELL_STEP = 64;
const GROWTH = 1.25;

/**
 * Keys and values of tokens, a cell for each, `[parts][capacity, width]`. A pass reads one arena.
 *
 * A cell may belong to many sequences: a prompt is stored once for all of its branches, and forking or forgetting tokens moves no data.
 */
export class CellArena {
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

  /** Cells in use. */
  get live(): number {
    return this.#live;
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
    for (let index = from; index < cells.length; index++) if (--this.#holders[cells[index]!]! === 0) this.#live--;
  }

  /** Makes room for this many more cells, and no more room than is needed. */
  reserve(count: number): void {
    const used = this.#holders.findLastIndex((holders) => holders > 0) + 1;
    const needed = this.#live + count;
    // Free cells at the end are given up where they are most of the arena: each of them costs every pass.
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
    const cells = this.#claim(tokens);
    const { width } = this.#shape;
    const runs = runsOf(cells);
    for (const [part, data] of this.#data.entries()) {
      const start = part * tokens;
      for (const [first, length] of runs) copyRun(fresh, (start + first) * width, data, cells[first]! * width, length * width);
    }
    return cells;
  }

  /**
   * Stores cells of another arena, for which there is room.
   *
   * @returns Where each of them is now. Each has one holder: the caller.
   */
  storeFrom(source: CellArena, cells: readonly number[]): number[] {
    const placed = this.#claim(cells.length);
    const { width } = this.#shape;
    const [from, to] = [runsOf(cells), runsOf(placed)];
    const scratch = new Float32Array(cells.length * width);
    for (const [part, data] of this.#data.entries()) {
      const read = source.#data[part]!;
      for (const [first, length] of from) copyRun(read, cells[first]! * width, scratch, first * width, length * width);
      for (const [first, length] of to) copyRun(scratch, first * width, data, placed[first]! * width, length * width);
    }
    return placed;
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

  /** The first free cells, held by the caller. */
  #claim(count: number): number[] {
    const cells: number[] = [];
    for (let cell = 0; cells.length < count; cell++) if (this.#holders[cell] === 0) cells.push(cell);
    for (const cell of cells) this.#holders[cell] = 1;
    this.#live += count;
    return cells;
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
