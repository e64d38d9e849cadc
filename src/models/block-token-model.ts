/**
 * What token models share whose passes give keys and values of all of their rows as one block.
 *
 * Nothing is ever cut out of such a block: a sequence is a list of columns of one row, so rolling back and forking only copy that
 * list. While the same rows go on together the block is fed back as it is; when rows change, columns are gathered anew.
 *
 * @module
 */
import { CacheBlock, Place, type CacheMemory } from './cache-memory.ts';
import type { DecoderGraph } from './decoder-graph.ts';
import { PlacedTokenModel, type PlacedPass, type PlacedRow, type SequenceRow } from './placed-token-model.ts';

export type BlockPass = PlacedPass<Place>;
export type BlockRow = PlacedRow<Place>;
export type BlockSequenceRow = SequenceRow<Place>;

export abstract class BlockTokenModel extends PlacedTokenModel<Place> {
  readonly #memory: CacheMemory;

  /** @param graph - With caches `[batch, kvHeads, positions, headWidth]`. */
  constructor(graph: DecoderGraph, memory: CacheMemory) {
    super(graph, new Place(memory.empty(), 0, []), memory);
    this.#memory = memory;
  }

  /** Whether the rows, which lie in this block in their order, can go on in it. */
  protected abstract goesOn(block: CacheBlock, rows: readonly BlockRow[]): boolean;

  /** Columns of the block that the rows are gathered into, where they cannot. */
  protected abstract gatheredColumns(rows: readonly BlockRow[]): number;

  /** What is seen of a block with this many columns: `[rows, total]`, and the columns that each row holds after the pass. */
  protected abstract layOut(rows: readonly BlockRow[], columns: number): { readonly mask: BigInt64Array; readonly held: readonly (readonly number[])[] };

  /** One pass over rows wherever they lie. Moves no sequence. */
  protected async passTogether(rows: readonly BlockRow[]): Promise<BlockPass> {
    const source = rows[0]!.sequence.block;
    const isAligned = source.rows === rows.length && rows.every(({ sequence: { block, row } }, index) => block === source && row === index);
    const isGoingOn = isAligned && this.goesOn(source, rows);
    const block = isGoingOn ? source.hold() : await this.#memory.gathered(placesOf(rows), this.gatheredColumns(rows));
    try {
      const placed = isGoingOn ? rows : rows.map((row, index) => ({ ...row, sequence: new Place(block, index, ascending(row.sequence.length)) }));
      return await this.#passIn(block, placed);
    } finally {
      block.release();
    }
  }

  async #passIn(block: CacheBlock, rows: readonly BlockRow[]): Promise<BlockPass> {
    const { mask, held } = this.layOut(rows, block.columns);
    this.#memory.requireRoom(rows.length, mask.length / rows.length);
    return this.pass(rows, { mask, caches: block.tensors }, (caches) => {
      const given = new CacheBlock(caches);
      return held.map((columns, row) => new Place(given, row, columns));
    });
  }
}

function placesOf(rows: readonly BlockRow[]): Place[] {
  return rows.map(({ sequence }) => sequence);
}

/** Whole numbers from `from` on. */
export function ascending(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}
