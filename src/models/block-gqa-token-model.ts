/**
 * A TokenModel over graphs whose attention is ONNX Runtime's `GroupQueryAttention`, with caches that stay where the graph runs.
 *
 * Rows have room for some tokens more than they hold, so that many passes see caches of one size; the operator writes new keys and
 * values behind each row's own. A rollback is a shorter mask. Of the mask only each row's sum counts.
 *
 * The operator refuses several rows that each bring several tokens behind a past. Such a pass is done row by row, or token by
 * token over all rows, whichever takes fewer passes.
 *
 * @module
 */
import type { Logits } from '../contracts/token-model.ts';
import { ascending, BlockTokenModel, type BlockPass, type BlockRow, type BlockSequenceRow } from './block-token-model.ts';
import type { CacheBlock, CacheMemory, Place } from './cache-memory.ts';
import type { DecoderGraph } from './decoder-graph.ts';
import { countingMask, joined, longestAfter, widthOf } from './forward-rows.ts';

/** Positions a row's room grows by: every new size costs the device a little, the first time. */
const CAPACITY_STEP = 64;

export class BlockGqaTokenModel extends BlockTokenModel {
  readonly #mostNew: number;

  /**
   * @param graph - With caches `[batch, kvHeads, positions, headWidth]`; see `openTokenModel`.
   * @param options.mostNew - New tokens of a row that the operator gets right in one pass. @default any number
   */
  constructor(graph: DecoderGraph, memory: CacheMemory, { mostNew = Infinity }: { readonly mostNew?: number | undefined } = {}) {
    super(graph, memory);
    this.#mostNew = mostNew;
  }

  protected forwardRows(rows: readonly BlockSequenceRow[]): Promise<Logits> {
    const width = widthOf(rows);
    const isByToken = width === 1 || width < rows.length;
    return this.forwardInPasses(rows, { isRowByRow: !isByToken, pass: (together) => this.#inPieces(together, isByToken ? 1 : this.#mostNew) });
  }

  protected goesOn(block: CacheBlock, rows: readonly BlockRow[]): boolean {
    return block.columns >= longestAfter(rows);
  }

  protected gatheredColumns(rows: readonly BlockRow[]): number {
    return CAPACITY_STEP * Math.ceil(longestAfter(rows) / CAPACITY_STEP);
  }

  /** As many ones as a row has tokens after the pass. */
  protected layOut(rows: readonly BlockRow[]): { mask: BigInt64Array; held: number[][] } {
    return { mask: countingMask(rows), held: rows.map(({ sequence, tokens }) => ascending(sequence.length + tokens.length)) };
  }

  /** The rows by passes of so many tokens each. */
  async #inPieces(rows: readonly BlockRow[], size: number): Promise<BlockPass> {
    const width = widthOf(rows);
    if (width <= size) return this.passTogether(rows);
    const wanted: Logits[][] = rows.map(() => []);
    let last: BlockPass | undefined;
    try {
      for (let start = 0; start < width; start += size) {
        const pieces = rows.map((row, index) => pieceOf(row, start, size, last?.places[index] ?? row.sequence));
        const pass = await this.passTogether(pieces);
        last?.block.release();
        last = pass;
        let next = 0;
        for (const [row, { logitCount }] of pieces.entries()) wanted[row]!.push(pass.logits.slice(next, (next += logitCount * this.vocabularySize)));
      }
    } catch (error) {
      last?.block.release();
      throw error;
    }
    return { ...last!, logits: joined(wanted.flat()) };
  }
}

/** Tokens of a row behind a place. A row that has no more gets its last one again, which leaves everything as it is. */
function pieceOf({ tokens, logitCount }: BlockRow, start: number, size: number, place: Place): BlockRow {
  if (start >= tokens.length) return { sequence: place.upTo(place.length - 1), tokens: tokens.slice(-1), logitCount: 0 };
  const end = Math.min(start + size, tokens.length);
  return { sequence: place, tokens: tokens.slice(start, end), logitCount: Math.max(0, end - Math.max(start, tokens.length - logitCount)) };
}
