/**
 * What several passes of one forward give, in the order of the forward's rows.
 *
 * @module
 */
import type { ForwardRow, Logits, TopLogits } from '../contracts/token-model.ts';

type Values = Float32Array | Float64Array | Int32Array;

/** The rows that a pass has taken, in the order of the forward. */
interface Taken {
  readonly rows: readonly ForwardRow[];
}

/** Rows of logits, `[wanted positions, size]` of each pass. */
export function inRowOrder(rows: readonly ForwardRow[], passes: readonly Taken[], logits: readonly Logits[], size: number): Logits {
  return passes.length === 1 ? logits[0]! : placed(rows, passes, logits, size);
}

/** The likeliest tokens, of each pass. */
export function topInRowOrder(rows: readonly ForwardRow[], passes: readonly Taken[], tops: readonly TopLogits[]): TopLogits {
  const [first] = tops as [TopLogits];
  if (passes.length === 1) return first;
  const place = <T extends Values>(values: (top: TopLogits) => T, width = 1): T => placed(rows, passes, tops.map(values), width);
  return {
    count: first.count,
    tokens: place(({ tokens }) => tokens, first.count),
    logits: place(({ logits }) => logits, first.count),
    raw: place(({ raw }) => raw, first.count),
    ...(first.normalisers && { normalisers: place(({ normalisers }) => normalisers!) }),
    ...(first.scaledTotals && { scaledTotals: place(({ scaledTotals }) => scaledTotals!) }),
    ...(first.drawn && { drawn: { tokens: place(({ drawn }) => drawn!.tokens), raw: place(({ drawn }) => drawn!.raw) } }),
  };
}

function placed<T extends Values>(rows: readonly ForwardRow[], passes: readonly Taken[], parts: readonly T[], width: number): T {
  const starts = new Map<ForwardRow, number>();
  let wanted = 0;
  for (const row of rows) {
    starts.set(row, wanted * width);
    wanted += row.logitCount;
  }
  const whole = new (parts[0]!.constructor as new (length: number) => T)(wanted * width);
  for (const [index, { rows: taken }] of passes.entries()) {
    let next = 0;
    for (const row of taken) {
      const length = row.logitCount * width;
      whole.set(parts[index]!.subarray(next, next + length), starts.get(row));
      next += length;
    }
  }
  return whole;
}
