/**
 * A TokenModel over Optimum-style exports: `input_ids`, `attention_mask`, mostly `position_ids`, and
 * `past_key_values.N.key/value` in, `logits` and whole concatenated `present.N.key/value` out.
 *
 * Columns that belong to nobody, after a rollback or beside a longer row, are holes in the mask. When they pile up, columns are
 * gathered anew.
 *
 * @module
 */
import type { Logits } from '../contracts/token-model.ts';
import { ascending, BlockTokenModel, type BlockRow, type BlockSequenceRow } from './block-token-model.ts';
import type { CacheBlock, CacheMemory } from './cache-memory.ts';
import type { DecoderGraph } from './decoder-graph.ts';
import { widthOf } from './forward-rows.ts';

/** Gather anew once more than this share of the columns, and a few, are holes. */
const HOLE_SHARE = 0.5;
const HOLE_SLACK = 32;

export class MaskedTokenModel extends BlockTokenModel {
  readonly #canHaveHoles: boolean;

  /**
   * @param graph - With caches `[batch, kvHeads, positions, headWidth]`, whose attention leaves out what the mask does; see `openTokenModel`.
   * @param options.canHaveHoles - Whether the graph takes positions from `position_ids` or the mask. One that counts columns
   *   gets its rows one by one, gathered anew after every rollback.
   */
  constructor(graph: DecoderGraph, memory: CacheMemory, { canHaveHoles }: { readonly canHaveHoles: boolean }) {
    super(graph, memory);
    this.#canHaveHoles = canHaveHoles;
  }

  protected forwardRows(rows: readonly BlockSequenceRow[]): Promise<Logits> {
    return this.forwardInPasses(rows, { isRowByRow: !this.#canHaveHoles, pass: (together) => this.passTogether(together) });
  }

  protected goesOn(block: CacheBlock, rows: readonly BlockRow[]): boolean {
    const longest = this.gatheredColumns(rows);
    return this.#canHaveHoles ? block.columns <= longest / (1 - HOLE_SHARE) + HOLE_SLACK : block.columns === longest;
  }

  protected gatheredColumns(rows: readonly BlockRow[]): number {
    return Math.max(...rows.map(({ sequence }) => sequence.length));
  }

  /** 1 where a row holds a token or gets one. */
  protected layOut(rows: readonly BlockRow[], columns: number): { mask: BigInt64Array; held: number[][] } {
    const total = columns + widthOf(rows);
    const mask = new BigInt64Array(rows.length * total);
    const held = rows.map(({ sequence, tokens }) => [...sequence.columns, ...ascending(tokens.length, columns)]);
    for (const [row, shown] of held.entries()) for (const column of shown) mask[row * total + column] = 1n;
    return { mask, held };
  }
}
