import { Tensor } from 'onnxruntime-common';
import { ModelError } from '../errors.ts';

/** Sizes of one native model's cache. */
export interface CacheShape {
  readonly layers: number;
  readonly headWidth: number;
}

/** Added to the score of a position that must not be seen. Finite, so that a row without any past gives no NaN. */
export const SHUT = -1e9;
/** Positions a cache grows by: fewer sizes mean fewer shapes for the runtime, more waste per row. */
const CAPACITY_STEP = 64;

/** Inputs of a forward over the first `rows` slots. */
export interface PastFeeds {
  /** `[rows, 1, capacity + 1]`: the bias of a forward with one new token a row, which sees itself. */
  readonly stepBias: Tensor;
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

/**
 * Key-value caches of all sequences of a native model, in slots of equal capacity.
 *
 * Per layer, keys lie transposed `[slot, headWidth, capacity]` and values `[slot, capacity, headWidth]`, so that the
 * first `rows` slots are one contiguous tensor and nothing is copied for a forward. A slot's bias `[capacity + 1]` is 0
 * where it holds a token and, always, at its end: rollback is a fill of the bias, raggedness is the bias.
 *
 * Invariant: slots `[0, used)` are taken, each by the owner recorded for it.
 */
export class NativeCache<Owner extends { slot: number }> {
  readonly #shape: CacheShape;
  readonly #owners: Owner[] = [];
  #slots = 0;
  #capacity = 0;
  #isLocked = false;
  #bias: Float32Array = new Float32Array(0);
  #keys: Float32Array[] = [];
  #values: Float32Array[] = [];
  /** Tensors over the first n slots; dropped whenever the buffers move. */
  readonly #feeds = new Map<number, PastFeeds>();

  constructor(shape: CacheShape) {
    this.#shape = shape;
  }

  /** Positions every slot has room for. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Bytes held, over all slots. */
  get byteLength(): number {
    const { layers, headWidth } = this.#shape;
    return this.#slots * (this.#capacity * 2 * layers * headWidth + this.#capacity + 1) * Float32Array.BYTES_PER_ELEMENT;
  }

  /** Refuses changes until `unlock`: the runtime is reading the buffers. */
  lock(): void {
    this.#requireUnlocked();
    this.#isLocked = true;
  }

  unlock(): void {
    this.#isLocked = false;
  }

  /** Gives the owner an empty slot. */
  take(owner: Owner): void {
    this.#requireUnlocked();
    if (this.#owners.length === this.#slots) this.#resize(Math.max(4, this.#slots * 2), Math.max(CAPACITY_STEP, this.#capacity));
    owner.slot = this.#owners.length;
    this.#owners.push(owner);
    this.biasOf(owner).fill(SHUT);
  }

  /** Takes the owner's slot back; the last slot moves into its place. */
  release(owner: Owner): void {
    this.#requireUnlocked();
    const last = this.#owners.pop()!;
    if (last === owner) return;
    this.#copySlot(last.slot, owner.slot);
    this.#owners[owner.slot] = last;
    last.slot = owner.slot;
  }

  /** Copies what one owner holds to another. */
  copy(from: Owner, to: Owner): void {
    this.#copySlot(from.slot, to.slot);
  }

  /** Forgets the positions `[from, to)` of the owner. */
  shut(owner: Owner, from: number, to: number): void {
    this.#requireUnlocked();
    this.biasOf(owner).fill(SHUT, from, to);
  }

  /** Makes room for `positions` in every slot. */
  reserve(positions: number): void {
    if (positions > this.#capacity) this.#resize(this.#slots, Math.ceil(positions / CAPACITY_STEP) * CAPACITY_STEP);
  }

  /** Moves the owners into the first slots, in any order, by swapping with those that are in the way. */
  gather(owners: readonly Owner[]): void {
    const wanted = new Set(owners);
    let free = 0;
    for (const owner of owners) {
      if (owner.slot < owners.length) continue;
      while (wanted.has(this.#owners[free]!)) free++;
      this.#swap(owner, this.#owners[free]!);
    }
  }

  /** The owner's bias, `[capacity]`: 0 where it holds a token. */
  biasOf(owner: Owner): Float32Array {
    const start = owner.slot * (this.#capacity + 1);
    return this.#bias.subarray(start, start + this.#capacity);
  }

  /** Inputs over the first `rows` slots, without copying. */
  feeds(rows: number): PastFeeds {
    let feeds = this.#feeds.get(rows);
    if (!feeds) {
      const { headWidth } = this.#shape;
      const capacity = this.#capacity;
      const size = rows * headWidth * capacity;
      feeds = {
        stepBias: new Tensor('float32', this.#bias.subarray(0, rows * (capacity + 1)), [rows, 1, capacity + 1]),
        keys: this.#keys.map((keys) => new Tensor('float32', keys.subarray(0, size), [rows, headWidth, capacity])),
        values: this.#values.map((values) => new Tensor('float32', values.subarray(0, size), [rows, capacity, headWidth])),
      };
      this.#feeds.set(rows, feeds);
    }
    return feeds;
  }

  /**
   * Stores the cache of new tokens and opens their positions.
   *
   * @param owner - Whose tokens.
   * @param position - Position of the first of them.
   * @param count - How many.
   * @param fresh - `[…, 2 × layers × headWidth]`, each token's keys of all layers, then its values.
   * @param start - Where the first token's entry begins.
   */
  store(owner: Owner, position: number, count: number, fresh: Float32Array, start: number): void {
    const { layers, headWidth } = this.#shape;
    const capacity = this.#capacity;
    const slotStart = owner.slot * headWidth * capacity;
    for (let layer = 0; layer < layers; layer++) {
      const keys = this.#keys[layer]!;
      const values = this.#values[layer]!;
      for (let token = 0; token < count; token++) {
        const entry = start + token * 2 * layers * headWidth;
        let source = entry + layer * headWidth;
        let target = slotStart + position + token;
        for (let unit = 0; unit < headWidth; unit++, target += capacity) keys[target] = fresh[source++]!;
        source = entry + (layers + layer) * headWidth;
        target = slotStart + (position + token) * headWidth;
        for (let unit = 0; unit < headWidth; unit++) values[target++] = fresh[source++]!;
      }
    }
    this.biasOf(owner).fill(0, position, position + count);
  }

  #requireUnlocked(): void {
    if (this.#isLocked) throw new ModelError('The caches were changed while a forward is under way. Await the forward first.');
  }

  #copySlot(from: number, to: number): void {
    const size = this.#shape.headWidth * this.#capacity;
    for (const buffer of [...this.#keys, ...this.#values]) buffer.copyWithin(to * size, from * size, (from + 1) * size);
    const stride = this.#capacity + 1;
    this.#bias.copyWithin(to * stride, from * stride, (from + 1) * stride);
  }

  #swap(left: Owner, right: Owner): void {
    // The slot behind the last one serves as the third hand.
    if (this.#owners.length === this.#slots) this.#resize(this.#slots + 1, this.#capacity);
    const spare = this.#owners.length;
    this.#copySlot(left.slot, spare);
    this.#copySlot(right.slot, left.slot);
    this.#copySlot(spare, right.slot);
    [left.slot, right.slot] = [right.slot, left.slot];
    this.#owners[left.slot] = left;
    this.#owners[right.slot] = right;
  }

  #resize(slots: number, capacity: number): void {
    const { layers, headWidth } = this.#shape;
    const used = this.#owners.length;
    const previous = { bias: this.#bias, keys: this.#keys, values: this.#values, capacity: this.#capacity };
    const size = slots * headWidth * capacity;
    this.#bias = restride(previous.bias, previous.capacity + 1, used, new Float32Array(slots * (capacity + 1)).fill(SHUT), capacity + 1);
    for (let slot = 0; slot < slots; slot++) {
      if (slot < used) this.#bias.fill(SHUT, slot * (capacity + 1) + previous.capacity, (slot + 1) * (capacity + 1));
      this.#bias[slot * (capacity + 1) + capacity] = 0;
    }
    this.#keys = Array.from({ length: layers }, (_, layer) =>
      restride(previous.keys[layer], previous.capacity, used * headWidth, new Float32Array(size), capacity),
    );
    this.#values = Array.from({ length: layers }, (_, layer) =>
      restride(previous.values[layer], previous.capacity * headWidth, used, new Float32Array(size), capacity * headWidth),
    );
    this.#slots = slots;
    this.#capacity = capacity;
    this.#feeds.clear();
  }
}

/** Copies `runs` runs of `fromStride` values each to the start of runs of `toStride`. */
function restride(from: Float32Array | undefined, fromStride: number, runs: number, to: Float32Array, toStride: number): Float32Array {
  if (from) for (let run = 0; run < runs; run++) to.set(from.subarray(run * fromStride, (run + 1) * fromStride), run * toStride);
  return to;
}
