/**
 * Where the caches of a decoder graph lie, and what is done with them there.
 *
 * @module
 */
import type { Tensor } from './graph-session.ts';
import { allocateCache, cacheData, headsOf, type CacheData, type DecoderGraph } from './decoder-graph.ts';
import type { CachePlace } from './placed-sequence.ts';
import { SharedTensors } from './shared-tensors.ts';

/** Key and value tensors of every layer, `[rows, kvHeads, columns, headWidth]`, by input name. */
export class CacheBlock extends SharedTensors {
  readonly rows: number;
  readonly columns: number;

  constructor(tensors: Readonly<Record<string, Tensor>>) {
    super(tensors);
    const [rows = 0, , columns = 0] = Object.values(tensors)[0]!.dims;
    this.rows = rows;
    this.columns = columns;
  }
}

/** Where the cache of a text lies: these columns of a row of a block, in the order of its tokens. */
export class Place implements CachePlace<Place> {
  readonly block: CacheBlock;
  readonly row: number;
  readonly columns: readonly number[];

  constructor(block: CacheBlock, row: number, columns: readonly number[]) {
    this.block = block;
    this.row = row;
    this.columns = columns;
  }

  get length(): number {
    return this.columns.length;
  }

  upTo(length: number): Place {
    return new Place(this.block, this.row, this.columns.slice(0, length));
  }
}

export interface CacheMemory {
  /** A block of one row without columns. */
  empty(): CacheBlock;
  /** A block whose rows hold what the places do, from the first column on. */
  gathered(places: readonly Place[], columns: number): Promise<CacheBlock>;
  /** @throws {DeviceMemoryError} where caches of this size are known not to fit. */
  requireRoom(rows: number, columns: number): void;
  release(): Promise<void>;
}

/** Caches in this thread's memory, where every runtime but a GPU's brings them. */
export class HostMemory implements CacheMemory {
  readonly #graph: DecoderGraph;

  constructor(graph: DecoderGraph) {
    this.#graph = graph;
  }

  empty(): CacheBlock {
    return zeros(this.#graph, 1, 0);
  }

  async gathered(places: readonly Place[], columns: number): Promise<CacheBlock> {
    const tensors = this.#graph.parts.map((part) => {
      const [kvHeads, width] = headsOf(part);
      const gathered = allocateCache(part.type, places.length * kvHeads * columns * width);
      for (const [row, place] of places.entries()) {
        if (place.length === 0) continue;
        const source = cacheData(place.block.tensors[part.input]!);
        for (let head = 0; head < kvHeads; head++) {
          const from = (place.row * kvHeads + head) * place.block.columns * width;
          copyColumns(source, from, gathered, (row * kvHeads + head) * columns * width, place.columns, width);
        }
      }
      return [part.input, this.#graph.cacheTensor(gathered, [places.length, kvHeads, columns, width])] as const;
    });
    return new CacheBlock(Object.fromEntries(tensors));
  }

  requireRoom(): void {
    // This thread's memory has no limit that could be known before.
  }

  async release(): Promise<void> {
    // Nothing is held but by its readers.
  }
}

/** A block of zeros, in this thread's memory. */
export function zeros(graph: DecoderGraph, rows: number, columns: number): CacheBlock {
  const tensors = graph.parts.map((part) => {
    const [kvHeads, width] = headsOf(part);
    return [part.input, graph.cacheTensor(allocateCache(part.type, rows * kvHeads * columns * width), [rows, kvHeads, columns, width])] as const;
  });
  return new CacheBlock(Object.fromEntries(tensors));
}

/** Copies columns of `width` values side by side; runs of neighbours go in one piece. */
function copyColumns(source: CacheData, from: number, target: CacheData, to: number, columns: readonly number[], width: number): void {
  for (let start = 0; start < columns.length;) {
    let end = start + 1;
    while (end < columns.length && columns[end] === columns[end - 1]! + 1) end++;
    target.set(source.subarray(from + columns[start]! * width, from + (columns[start]! + end - start) * width), to + start * width);
    start = end;
  }
}
