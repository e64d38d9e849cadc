import { CacheLock } from './cache-lock.ts';
import { allocateCache, type CacheData, type CacheType } from './decoder-graph.ts';

/** One buffer of a slot cache: a slot is `runs` runs of `unit × capacity + extra` values. */
export interface SlotBuffer {
  readonly type: CacheType;
  readonly runs: number;
  readonly unit: number;
  /** @default 0 */
  readonly extra?: number;
  /** Whether what lies behind an owner's last position matters, too. @default false */
  readonly isWhole?: boolean;
}

/** A slot, and how many of its positions are in use. */
export interface SlotOwner {
  slot: number;
  readonly length: number;
}

/** Positions a cache grows by: fewer sizes mean fewer moves and fewer shapes for the runtime, more waste for each pass. */
const CAPACITY_STEP = 32;

/**
 * Buffers divided into slots of equal capacity, each taken by an owner or free. The first n slots are contiguous, so that
 * a pass over the owners gathered there copies nothing.
 *
 * Invariant: a slot is taken by the owner recorded for it, or free.
 */
export class SlotCache<Owner extends SlotOwner> {
  readonly lock = new CacheLock();
  readonly #buffers: readonly SlotBuffer[];
  #owners: (Owner | undefined)[] = [];
  #capacity = 0;
  readonly #data: CacheData[];
  /** A run of each buffer, for exchanges. */
  readonly #scratch: CacheData[];

  constructor(buffers: readonly SlotBuffer[]) {
    this.#buffers = buffers;
    this.#data = buffers.map(({ type }) => allocateCache(type, 0));
    this.#scratch = buffers.map(({ type }) => allocateCache(type, 0));
  }

  /** Positions every slot has room for. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Bytes of memory held, in use or not. */
  get byteLength(): number {
    return this.#data.reduce((sum, data) => sum + data.byteLength, 0);
  }

  /** Gives the owner a slot. What an earlier owner left in it is not cleared. */
  take(owner: Owner): void {
    this.lock.requireFree();
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
    this.lock.requireFree();
    this.#owners[owner.slot] = undefined;
  }

  /** Forgets the positions `[from, to)` of the owner, where that takes more than a shorter length. */
  shut?(owner: Owner, from: number, to: number): void;

  /** Copies what one owner holds to another. */
  copy(from: Owner, to: Owner): void {
    this.#copySlot(from, to.slot);
    // Either slot will do for either owner now. With the copy in front, a prompt stays behind its branches, and their
    // first forward finds them in the first slots.
    if (from.slot < to.slot) this.#exchange(from, to.slot);
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
      const other = this.#owners[place];
      if (other) this.#swapSlots(owner, other);
      else this.#copySlot(owner, place);
      this.#exchange(owner, place);
    }
  }

  /** Values of slots `[first, first + count)` in one buffer, without copying. */
  view(buffer: number, first: number, count: number): CacheData {
    const size = this.#slotSize(buffer);
    return this.#data[buffer]!.subarray(first * size, (first + count) * size);
  }

  /** All slots of one buffer. Another array once `take` or `reserve` has made more room. */
  data(buffer: number): CacheData {
    return this.#data[buffer]!;
  }

  /** Called when slots have been laid out anew. */
  protected onLayOut?(slots: number, previousCapacity: number): void;

  #slotSize(buffer: number): number {
    return this.#buffers[buffer]!.runs * this.#runLength(buffer, this.#capacity);
  }

  #runLength(buffer: number, capacity: number): number {
    const { unit, extra = 0 } = this.#buffers[buffer]!;
    return unit * capacity + extra;
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

  #copySlot({ slot, length }: Owner, to: number): void {
    this.#eachRun(length, (data, run, size) => data.copyWithin(run(to), run(slot), run(slot) + size));
  }

  #swapSlots(left: Owner, right: Owner): void {
    this.#eachRun(Math.max(left.length, right.length), (data, run, size, buffer) => {
      if (this.#scratch[buffer]!.length < size) this.#scratch[buffer] = allocateCache(this.#buffers[buffer]!.type, this.#runLength(buffer, this.#capacity));
      const held = this.#scratch[buffer]!.subarray(0, size);
      held.set(data.subarray(run(left.slot), run(left.slot) + size));
      data.copyWithin(run(left.slot), run(right.slot), run(right.slot) + size);
      data.set(held, run(right.slot));
    });
  }

  /** Calls with every run of a slot: where the slot has it, and how much of it `length` positions are. */
  #eachRun(length: number, visit: (data: CacheData, start: (slot: number) => number, size: number, buffer: number) => void): void {
    for (const [buffer, data] of this.#data.entries()) {
      const { runs, unit, isWhole = false } = this.#buffers[buffer]!;
      const stride = this.#runLength(buffer, this.#capacity);
      for (let run = 0; run < runs; run++) visit(data, (slot) => (slot * runs + run) * stride, isWhole ? stride : length * unit, buffer);
    }
  }

  /** Makes this many slots of this capacity, in the buffers held where they are large enough: fresh memory is slow. */
  #layOut(slots: number, capacity: number): void {
    const previous = this.#capacity;
    const used = this.#owners.findLastIndex((owner) => owner !== undefined) + 1;
    for (const [buffer, { type, runs }] of this.#buffers.entries()) {
      const [stride, newStride] = [this.#runLength(buffer, previous), this.#runLength(buffer, capacity)];
      const held = this.#data[buffer]!;
      const roomy = slots * runs * newStride <= held.length ? held : allocateCache(type, slots * runs * newStride);
      moveRuns(held, stride, roomy, newStride, used * runs);
      this.#data[buffer] = roomy;
    }
    this.#owners = Array.from({ length: slots }, (_, slot) => this.#owners[slot]);
    this.#capacity = capacity;
    this.onLayOut?.(slots, previous);
  }
}

/** Moves runs of `stride` values so that each begins a run of `newStride`. A run never shrinks. */
function moveRuns(from: CacheData, stride: number, to: CacheData, newStride: number, runs: number): void {
  if (from === to && stride === newStride) return;
  // From the last to the first: within one buffer no run is written over before it has moved.
  for (let run = runs - 1; run >= 0; run--) {
    const start = run * stride;
    if (from === to) to.copyWithin(run * newStride, start, start + stride);
    else to.set(from.subarray(start, start + stride), run * newStride);
  }
}
