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
  /**
   * `past_key.N`, `[rows, headWidth, capacity]`, and `past_value.N`, `[rows, capacity, headWidth]`, of every layer N. The
   * model sets its other inputs in the same record: copying so many names for every forward costs more than filling them.
   */
  readonly inputs: Record<string, Tensor>;
}

/**
 * Key-value caches of all sequences of a native model, in slots of equal capacity.
 *
 * Per layer, keys lie transposed `[slot, headWidth, capacity]` and values `[slot, capacity, headWidth]`, so that the
 * first `rows` slots are one contiguous tensor and nothing is copied for a forward. A slot's bias `[capacity + 1]` is 0
 * where it holds a token and, always, at its end: rollback is a fill of the bias, raggedness is the bias.
 *
 * Invariants: a slot is taken by the owner recorded for it, or free; every number held is finite, since a shut position
 * still enters the products, with weight 0, and what an earlier owner left there is not cleared.
 */
export class NativeCache<Owner extends { slot: number }> {
  readonly #shape: CacheShape;
  /** One entry for each slot. */
  #owners: (Owner | undefined)[] = [];
  #capacity = 0;
  #isLocked = false;
  #bias: Float32Array = new Float32Array(0);
  #keys: readonly Float32Array[];
  #values: readonly Float32Array[];
  /** By rows and capacity; dropped when the buffers are replaced. */
  readonly #feeds = new Map<string, PastFeeds>();

  constructor(shape: CacheShape) {
    this.#shape = shape;
    this.#keys = Array.from({ length: shape.layers }, () => new Float32Array(0));
    this.#values = Array.from({ length: shape.layers }, () => new Float32Array(0));
  }

  /** Positions every slot has room for. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Bytes of memory held, in use or not. */
  get byteLength(): number {
    return [this.#bias, ...this.#keys, ...this.#values].reduce((sum, buffer) => sum + buffer.byteLength, 0);
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
    // Attention costs what the capacity is, so one long sequence must not slow down all that come after it.
    if (this.#owners.every((other) => other === undefined)) this.#layOut(this.#owners.length, CAPACITY_STEP);
    let slot = this.#owners.indexOf(undefined);
    if (slot < 0) {
      slot = this.#owners.length;
      this.#layOut(Math.max(4, 2 * slot), this.#capacity);
    }
    this.#place(owner, slot);
    this.biasOf(owner).fill(SHUT);
  }

  /** Takes the owner's slot back. */
  release(owner: Owner): void {
    this.#requireUnlocked();
    this.#owners[owner.slot] = undefined;
  }

  /** Copies what one owner holds to another. */
  copy(from: Owner, to: Owner): void {
    this.#copySlot(from.slot, to.slot);
    // Either slot will do for either owner now. With the copy in front, a prompt stays behind its branches, and their
    // first forward finds them in the first slots.
    if (from.slot < to.slot) this.#exchange(from, to.slot);
  }

  /** Forgets the positions `[from, to)` of the owner. */
  shut(owner: Owner, from: number, to: number): void {
    this.#requireUnlocked();
    this.biasOf(owner).fill(SHUT, from, to);
  }

  /** Makes room for `positions` in every slot. */
  reserve(positions: number): void {
    if (positions > this.#capacity) this.#layOut(this.#owners.length, Math.ceil(positions / CAPACITY_STEP) * CAPACITY_STEP);
  }

  /** Moves the owners into the first slots, in any order. Those that are in the way go where they came from. */
  gather(owners: readonly Owner[]): void {
    if (owners.every(({ slot }) => slot < owners.length)) return;
    const wanted = new Set<Owner | undefined>(owners);
    let place = 0;
    for (const owner of owners) {
      if (owner.slot < owners.length) continue;
      while (wanted.has(this.#owners[place])) place++;
      if (this.#owners[place]) this.#swapSlots(owner.slot, place);
      else this.#copySlot(owner.slot, place);
      this.#exchange(owner, place);
    }
  }

  /** The owner's bias, `[capacity]`: 0 where it holds a token. */
  biasOf(owner: Owner): Float32Array {
    const start = owner.slot * (this.#capacity + 1);
    return this.#bias.subarray(start, start + this.#capacity);
  }

  /** Inputs over the first `rows` slots, without copying. */
  feeds(rows: number): PastFeeds {
    const capacity = this.#capacity;
    const key = `${rows}x${capacity}`;
    let feeds = this.#feeds.get(key);
    if (!feeds) {
      const { headWidth } = this.#shape;
      const size = rows * headWidth * capacity;
      const stepBias = new Tensor('float32', this.#bias.subarray(0, rows * (capacity + 1)), [rows, 1, capacity + 1]);
      const inputs: Record<string, Tensor> = {};
      for (const [layer, keys] of this.#keys.entries()) {
        inputs[`past_key.${layer}`] = new Tensor('float32', keys.subarray(0, size), [rows, headWidth, capacity]);
        inputs[`past_value.${layer}`] = new Tensor('float32', this.#values[layer]!.subarray(0, size), [rows, capacity, headWidth]);
      }
      feeds = { stepBias, inputs };
      this.#feeds.set(key, feeds);
    }
    return feeds;
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
    const biasStart = owner.slot * (capacity + 1) + position;
    this.#bias.fill(0, biasStart, biasStart + count);
  }

  #requireUnlocked(): void {
    if (this.#isLocked) throw new ModelError('The caches were changed while a forward is under way. Await the forward first.');
  }

  #place(owner: Owner, slot: number): void {
    this.#owners[slot] = owner;
    owner.slot = slot;
  }

  /** Records the owner in the slot, and who was there, if anyone, in the owner's. */
  #exchange(owner: Owner, slot: number): void {
    const other = this.#owners[slot];
    this.#owners[owner.slot] = undefined;
    if (other) this.#place(other, owner.slot);
    this.#place(owner, slot);
  }

  #copySlot(from: number, to: number): void {
    this.#eachBuffer((buffer, size) => buffer.copyWithin(to * size, from * size, (from + 1) * size));
  }

  #swapSlots(left: number, right: number): void {
    this.#eachBuffer((buffer, size) => {
      const held = buffer.slice(left * size, (left + 1) * size);
      buffer.copyWithin(left * size, right * size, (right + 1) * size);
      buffer.set(held, right * size);
    });
  }

  /** Calls with every buffer and the size of a slot in it. */
  #eachBuffer(visit: (buffer: Float32Array, size: number) => void): void {
    const size = this.#shape.headWidth * this.#capacity;
    for (const keys of this.#keys) visit(keys, size);
    for (const values of this.#values) visit(values, size);
    visit(this.#bias, this.#capacity + 1);
  }

  /** Makes this many slots of this capacity, in the buffers held where they are large enough: fresh memory is slow. */
  #layOut(slots: number, capacity: number): void {
    const { headWidth } = this.#shape;
    const previous = this.#capacity;
    const used = this.#owners.findLastIndex((owner) => owner !== undefined) + 1;
    const buffers = [this.#bias, this.#keys[0]];
    this.#keys = this.#keys.map((keys) => restride(keys, used * headWidth, previous, slots * headWidth, capacity));
    this.#values = this.#values.map((values) => restride(values, used, previous * headWidth, slots, capacity * headWidth));
    this.#bias = restride(this.#bias, used, previous + 1, slots, capacity + 1);
    for (let slot = 0; slot < slots; slot++) {
      const start = slot * (capacity + 1);
      // A free slot is shut as a whole when it is taken.
      this.#bias.fill(SHUT, start + previous, start + capacity);
      this.#bias[start + capacity] = 0;
    }
    this.#owners = Array.from({ length: slots }, (_, slot) => this.#owners[slot]);
    this.#capacity = capacity;
    if (this.#bias !== buffers[0] || this.#keys[0] !== buffers[1]) this.#feeds.clear();
  }
}

/** Moves `used` runs of `stride` values so that each begins a run of `newStride`, with room for `runs` of those. A run never shrinks. */
function restride(from: Float32Array, used: number, stride: number, runs: number, newStride: number): Float32Array {
  const hasRoom = runs * newStride <= from.length;
  if (hasRoom && stride === newStride) return from;
  const to = hasRoom ? from : new Float32Array(runs * newStride);
  // From the last to the first: within one buffer no run is written over before it has moved.
  for (let run = used - 1; run >= 0; run--) {
    const start = run * stride;
    if (hasRoom) to.copyWithin(run * newStride, start, start + stride);
    else to.set(from.subarray(start, start + stride), run * newStride);
  }
  return to;
}
