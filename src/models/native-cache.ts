import { Tensor } from './graph-session.ts';
import { SlotCache, type SlotOwner } from './slot-cache.ts';

/** Sizes of one native model's cache. */
export interface CacheShape {
  readonly layers: number;
  readonly headWidth: number;
}

/** Added to the score of a position that must not be seen. Finite, so that a row without any past gives no NaN. */
export const SHUT = -1e9;

/** A single row is shown its past rounded up to this many positions: fewer sizes mean fewer shapes for the runtime. */
const SHOWN_STEP = 32;

/** Inputs of a forward over the first `rows` slots. */
export interface PastFeeds {
  /** Positions of the cache that the forward is shown: at least those in use. */
  readonly past: number;
  /** `[rows, 1, past + 1]`: the bias of a forward with one new token a row, which sees itself. */
  readonly stepBias: Tensor;
  /**
   * `past_key.N` and `past_value.N`, `[rows, past, headWidth]`, of every layer N. The model sets its other inputs in
   * the same record: copying so many names for every forward costs more than filling them.
   */
  readonly inputs: Record<string, Tensor>;
}

/**
 * Key-value caches of all sequences of a native model, in slots of equal capacity.
 *
 * Per layer, keys and values lie as `[slot, capacity, headWidth]`, so that the first `rows` slots are one contiguous
 * tensor, nothing is copied for a forward, and a new token is one run of numbers. A slot's bias `[capacity + 1]` is 0
 * where it holds a token and, always, at its end: rollback is a fill of the bias, raggedness is the bias.
 *
 * Invariant: every number held is finite, since a shut position still enters the products, with weight 0, and what an
 * earlier owner left there is not cleared.
 */
export class NativeCache<Owner extends SlotOwner> extends SlotCache<Owner> {
  readonly #shape: CacheShape;
  /** By rows and positions; dropped when the buffers are replaced. */
  readonly #feeds = new Map<string, PastFeeds>();
  #feedsBuffer: Float32Array | undefined;

  constructor(shape: CacheShape) {
    const { layers, headWidth } = shape;
    // Keys and values of each layer in turn, then the bias.
    super([...Array.from({ length: 2 * layers }, () => ({ unit: headWidth })), { unit: 1, extra: 1, isWhole: true }]);
    this.#shape = shape;
  }

  /** Gives the owner an empty slot. */
  override take(owner: Owner): void {
    super.take(owner);
    this.biasOf(owner).fill(SHUT);
  }

  override shut(owner: Owner, from: number, to: number): void {
    this.lock.requireFree();
    this.biasOf(owner).fill(SHUT, from, to);
  }

  /** The owner's bias, `[capacity]`: 0 where it holds a token. */
  biasOf(owner: Owner): Float32Array {
    const start = owner.slot * (this.capacity + 1);
    return this.#bias.subarray(start, start + this.capacity);
  }

  /**
   * Inputs over the first `rows` slots, without copying keys and values.
   *
   * @param longest - Most positions in use in any of them. What a forward costs grows with what it is shown. Several slots
   *   can only be shown whole, but of a single one any part from the start is a tensor.
   */
  feeds(rows: number, longest: number): PastFeeds {
    const past = rows === 1 ? Math.max(1, Math.ceil(longest / SHOWN_STEP)) * SHOWN_STEP : this.capacity;
    const key = `${rows}x${past}`;
    let feeds = this.#feeds.get(key);
    if (!feeds) this.#feeds.set(key, (feeds = this.#makeFeeds(rows, past)));
    // A slot's bias has its own end behind its last position, so a part of it lacks one.
    if (rows === 1) (feeds.stepBias.data as Float32Array).set(this.#bias.subarray(0, past));
    return feeds;
  }

  #makeFeeds(rows: number, past: number): PastFeeds {
    const { layers, headWidth } = this.#shape;
    const inputs: Record<string, Tensor> = {};
    const size = rows * past * headWidth;
    for (let layer = 0; layer < layers; layer++) {
      inputs[`past_key.${layer}`] = new Tensor('float32', this.data(2 * layer).subarray(0, size), [rows, past, headWidth]);
      inputs[`past_value.${layer}`] = new Tensor('float32', this.data(2 * layer + 1).subarray(0, size), [rows, past, headWidth]);
    }
    const bias = rows === 1 ? new Float32Array(past + 1) : this.#bias.subarray(0, rows * (past + 1));
    return { past, stepBias: new Tensor('float32', bias, [rows, 1, past + 1]), inputs };
  }

  /**
   * Stores the cache of new tokens and opens their positions.
   *
   * @param owner - Whose tokens.
   * @param position - Position of the first of them.
   * @param count - How many.
   * @param fresh - `[…, 2 × layers × headWidth]`, each token's keys of all layers, then its values. Finite numbers.
   * @param start - Where the first token's entry begins.
   */
  store(owner: Owner, position: number, count: number, fresh: Float32Array, start: number): void {
    const { layers, headWidth } = this.#shape;
    const { capacity } = this;
    const first = (owner.slot * capacity + position) * headWidth;
    for (let part = 0; part < 2 * layers; part++) {
      // Parts of an entry are all keys, then all values; buffers are keys and values of each layer in turn.
      const held = this.data(part < layers ? 2 * part : 2 * (part - layers) + 1);
      for (let token = 0; token < count; token++) {
        copyRun(fresh, start + (token * 2 * layers + part) * headWidth, held, first + token * headWidth, headWidth);
      }
    }
    const biasStart = owner.slot * (capacity + 1) + position;
    this.data(2 * layers).fill(0, biasStart, biasStart + count);
  }

  protected override onLayOut(slots: number, previousCapacity: number): void {
    const { capacity } = this;
    const bias = this.#bias;
    for (let slot = 0; slot < slots; slot++) {
      const start = slot * (capacity + 1);
      // A free slot is shut as a whole when it is taken.
      bias.fill(SHUT, start + previousCapacity, start + capacity);
      bias[start + capacity] = 0;
    }
    // All buffers grow with the slots and the capacity alike, but the bias by one more a slot: it is replaced whenever one of them is.
    if (bias !== this.#feedsBuffer) this.#feeds.clear();
    this.#feedsBuffer = bias;
  }

  get #bias(): Float32Array {
    return this.data(2 * this.#shape.layers);
  }
}

/** For runs so short that a view of each, as `set` needs one, would cost as much as the copy and leave garbage; four at a time take half the time of single ones. */
function copyRun(from: Float32Array, source: number, to: Float32Array, target: number, count: number): void {
  const end = target + count;
  for (; target + 3 < end; target += 4, source += 4) {
    to[target] = from[source]!;
    to[target + 1] = from[source + 1]!;
    to[target + 2] = from[source + 2]!;
    to[target + 3] = from[source + 3]!;
  }
  while (target < end) to[target++] = from[source++]!;
}
