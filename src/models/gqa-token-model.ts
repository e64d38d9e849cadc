/**
 * A TokenModel over graphs whose attention is ONNX Runtime's `GroupQueryAttention`.
 *
 * The operator takes a cache of fixed capacity and, when an output is the very buffer of its input, writes new keys and
 * values into it in place. So the caches are ours, a rollback is a shorter mask, and rows are padded on the right: of the
 * mask only each row's sum counts.
 *
 * The operator refuses several rows that each bring several tokens behind a past. Such a pass is done row by row, or
 * token by token over all rows, whichever takes fewer passes.
 *
 * @module
 */
import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { DisposedError } from '../errors.ts';
import type { Sampling } from '../maths/sampling.ts';
import { type DecoderGraph } from './decoder-graph.ts';
import { countingMask, longestAfter, requireForwardRow, widthOf } from './forward-rows.ts';
import { SlotCache } from './slot-cache.ts';
import { SlotSequence } from './slot-sequence.ts';

type GqaRow = ForwardRow & { readonly sequence: SlotSequence };

export class GqaTokenModel implements TokenModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling: Sampling;
  readonly #graph: DecoderGraph;
  /** `[kvHeads, headWidth]` of each part of the cache. */
  readonly #heads: readonly (readonly [number, number])[];
  readonly #cache: SlotCache<SlotSequence>;
  #isDisposed = false;

  /** @param graph - With caches `[batch, kvHeads, positions, headWidth]`; see `detectLayout`. */
  constructor(graph: DecoderGraph) {
    this.#graph = graph;
    this.vocabularySize = graph.vocabularySize;
    this.contextTokens = graph.facts.contextTokens;
    this.endTokens = graph.facts.endTokens;
    this.sampling = graph.facts.sampling;
    this.#heads = graph.parts.map(({ shape }) => [shape[1] as number, shape[3] as number]);
    this.#cache = new SlotCache(graph.parts.map(({ type }, part) => ({ type, runs: this.#heads[part]![0], unit: this.#heads[part]![1] })));
  }

  openSequence(): TokenSequence {
    if (this.#isDisposed) throw new DisposedError('model');
    return new SlotSequence(this.#cache, 0);
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    if (this.#isDisposed) throw new DisposedError('model');
    for (const row of rows) requireForwardRow(row, this.#cache, this.contextTokens);
    const batch = rows as readonly GqaRow[];
    this.#cache.lock.hold();
    const lengths = batch.map(({ sequence }) => sequence.length);
    try {
      this.#cache.reserve(longestAfter(batch));
      this.#cache.gather(batch.map(({ sequence }) => sequence));
      return await this.#forwardGathered(batch);
    } catch (error) {
      // What earlier passes appended is forgotten with the length.
      for (const [row, { sequence }] of batch.entries()) sequence.length = lengths[row]!;
      throw error;
    } finally {
      this.#cache.lock.release();
    }
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#graph.release();
  }

  async #forwardGathered(batch: readonly GqaRow[]): Promise<Logits> {
    const width = widthOf(batch);
    const isInOrder = batch.every(({ sequence }, row) => sequence.slot === row);
    if (isInOrder && (width === 1 || batch.length === 1)) return this.#pass(batch, 0);
    const wanted = new Float32Array(batch.reduce((sum, { logitCount }) => sum + logitCount, 0) * this.vocabularySize);
    // By slot: the slots of a pass are one stretch, whatever the order of the rows.
    const starts = batch.map(() => 0);
    const bySlot = batch.map(() => batch[0]!);
    let start = 0;
    for (const row of batch) {
      starts[row.sequence.slot] = start;
      bySlot[row.sequence.slot] = row;
      start += row.logitCount;
    }
    const isByToken = width === 1 || (width < batch.length && batch.every(({ tokens }) => tokens.length === width));
    const passes = isByToken ? tokenPasses(bySlot, width) : bySlot.map((row, slot) => ({ rows: [row], first: slot, offset: 0 }));
    for (const { rows, first, offset } of passes) {
      const logits = await this.#pass(rows, first);
      let next = 0;
      for (const [index, { logitCount }] of rows.entries()) {
        const size = logitCount * this.vocabularySize;
        const row = bySlot[first + index]!;
        const target = starts[first + index]! + (isByToken ? offset - (row.tokens.length - row.logitCount) : 0);
        wanted.set(logits.subarray(next, next + size), target * this.vocabularySize);
        next += size;
      }
    }
    return wanted;
  }

  /** One pass over rows in the slots from `first` on. */
  async #pass(rows: readonly GqaRow[], first: number): Promise<Logits> {
    const caches = this.#graph.parts.map((_, part) => {
      const [kvHeads, headWidth] = this.#heads[part]!;
      return this.#graph.cacheTensor(this.#cache.view(part, first, rows.length), [rows.length, kvHeads, this.#cache.capacity, headWidth]);
    });
    const outputs = await this.#graph.forward(rows, {
      mask: countingMask(rows),
      caches: Object.fromEntries(this.#graph.parts.map(({ input }, part) => [input, caches[part]!])),
      fetches: { logits: null, ...Object.fromEntries(this.#graph.parts.map(({ output }, part) => [output, caches[part]!])) },
    });
    for (const { sequence, tokens } of rows) sequence.length += tokens.length;
    return this.#graph.wanted(outputs, rows);
  }
}

interface Pass {
  readonly rows: readonly GqaRow[];
  /** Slot of the first row. */
  readonly first: number;
  /** Which token of each row. */
  readonly offset: number;
}

/** The batch token by token. */
function tokenPasses(batch: readonly GqaRow[], width: number): Pass[] {
  return Array.from({ length: width }, (_, offset) => ({
    rows: batch.map(({ sequence, tokens, logitCount }) => ({
      sequence,
      tokens: [tokens[offset]!],
      logitCount: offset >= tokens.length - logitCount ? 1 : 0,
    })),
    first: 0,
    offset,
  }));
}
