import { ModelError } from '../errors.ts';
import { allocateCache, type CacheData, type CacheType } from './decoder-graph.ts';

/** One buffer of a slot cache: a slot is `runs` runs of `unit × capacity` values. */
export interface SlotBuffer {
  readonly type: CacheType;
  readonly runs: number;
  readonly unit: number;
}

/** Positions a cache grows by: fewer sizes mean fewer shapes for the runtime, more waste for each pass. */
const CAPACITY_STEP = 64;

/**
 * Buffers divided into slots of equal capacity, each taken by an owner or free. The first n slots are contiguous, so that
 * a pass over the owners gathered there copies nothing.
 */
export class SlotCache<Owner extends { slot: number }> {
  readonly #buffers: readonly SlotBuffer[];
  #owners: (Owner | undefined)[] = [];
  #capacity = 0;
  #isLocked = false;
  #data: readonly CacheData[];

  constructor(buffers: readonly SlotBuffer[]) {
    this.#buffers = buffers;
    this.#data = buffers.map(({ type }) => allocateCache(type, 0));
  }

  /** Positions every slot has room for. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Refuses changes until `unlock`: the runtime is using the buffers. */
  lock(): void {
    this.requireUnlocked();
    this.#isLocked = true;
  }

  unlock(): void {
    this.#isLocked = false;
  }

  requireUnlocked(): void {
    if (this.#isLocked) throw new ModelError('The caches were changed while a forward is under way. Await the forward first.');
  }

  /** Gives the owner a slot. */
  take(owner: Owner): void {
    this.requireUnlocked();
    // A pass costs what the capacity is, so one long sequence must not slow down all that come after it.
    if (this.#owners.every((other) => other === undefined)) this.#layOut(this.#owners.length, CAPACITY_STEP);
    let slot = this.#owners.indexOf(undefined);
    if (slot < 0) {
      slot = this.#owners.length;
      this.#layOut(Math.max(4, 2 * slot), this.#capacity);
    }
    this.#place(owner, slot);
  }

  /** Takes the owner's slot back. */
  release(owner: Owner): void {
    this.requireUnlocked();
    this.#owners[owner.slot] = undefined;
  }

  /** Copies what one owner holds to another. */
  copy(from: Owner, to: Owner): void {
    this.#eachBuffer((data, size) => data.copyWithin(to.slot * size, from.slot * size, (from.slot + 1) * size));
  }

  /** Makes room for `positions` in every slot. */
  reserve(positions: number): void {
    if (positions > this.#capacity) this.#layOut(this.#owners.length, Math.ceil(positions / CAPACITY_STEP) * CAPACITY_STEP);
  }

  /** Puts the owners into the first slots, in their order; who was there goes where they came from. */
  gather(owners: readonly Owner[]): void {
    for (const [slot, owner] of owners.entries()) {
      if (owner.slot === slot) continue;
      const other = this.#owners[slot];
      const from = owner.slot;
      if (other) this.#swapSlots(from, slot);
      else this.#eachBuffer((data, size) => data.copyWithin(slot * size, from * size, (from + 1) * size));
      this.#owners[from] = undefined;
      if (other) this.#place(other, from);
      this.#place(owner, slot);
    }
  }

  /** Values of slots `[first, first + count)` in one buffer. */
  view(buffer: number, first: number, count: number): CacheData {
    const size = this.#slotSize(buffer);
    return this.#data[buffer]!.subarray(first * size, (first + count) * size);
  }

  #slotSize(buffer: number): number {
    const { runs, unit } = this.#buffers[buffer]!;
    return runs * unit * this.#capacity;
  }

  #place(owner: Owner, slot: number): void {
    this.#owners[slot] = owner;
    owner.slot = slot;
  }

  #swapSlots(left: number, right: number): void {
    this.#eachBuffer((data, size) => {
      const held = data.slice(left * size, (left + 1) * size);
      data.copyWithin(left * size, right * size, (right + 1) * size);
      data.set(held, right * size);
    });
  }

  /** Calls with every buffer and the size of a slot in it. */
  #eachBuffer(visit: (data: CacheData, size: number) => void): void {
    for (const [buffer, data] of this.#data.entries()) visit(data, this.#slotSize(buffer));
  }

  /** Makes this many slots of this capacity, in the buffers held where they are large enough: fresh memory is slow. */
  #layOut(slots: number, capacity: number): void {
    const used = this.#owners.findLastIndex((owner) => owner !== undefined) + 1;
    this.#data = this.#buffers.map(({ type, runs, unit }, buffer) => {
      const held = this.#data[buffer]!;
      const needed = slots * runs * unit * capacity;
      const roomy = needed <= held.length ? held : allocateCache(type, needed);
      moveRuns(held, unit * this.#capacity, roomy, unit * capacity, used * runs);
      return roomy;
    });
    this.#owners = Array.from({ length: slots }, (_, slot) => this.#owners[slot]);
    this.#capacity = capacity;
  }
}

/** Moves runs of `stride` values so that each begins a run of `newStride`; from the last to the first, so that none is written over within one buffer. */
function moveRuns(from: CacheData, stride: number, to: CacheData, newStride: number, runs: number): void {
  for (let run = runs - 1; run >= 0; run--) to.set(from.subarray(run * stride, (run + 1) * stride), run * newStride);
}
