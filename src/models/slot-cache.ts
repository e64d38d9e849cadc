import { CacheLock } from './cache-lock.ts';

/** One buffer of a slot cache: a slot is `unit × capacity + extra` numbers. */
export interface SlotBuffer {
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
  readonly #data: Float32Array[];
  /** A slot of each buffer, for exchanges. */
  readonly #scratch: Float32Array[];

  constructor(buffers: readonly SlotBuffer[]) {
    this.#buffers = buffers;
    this.#data = buffers.map(() => new Float32Array(0));
    this.#scratch = buffers.map(() => new Float32Array(0));
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
  view(buffer: number, first: number, count: number): Float32Array {
    const size = this.#slotSize(buffer);
    return this.#data[buffer]!.subarray(first * size, (first + count) * size);
  }

  /** All slots of one buffer. Another array once `take` or `reserve` has made more room. */
  data(buffer: number): Float32Array {
    return this.#data[buffer]!;
  }

  /** Called when slots have been laid out anew. */
  protected onLayOut?(slots: number, previousCapacity: number): void;

  #slotSize(buffer: number, capacity = this.#capacity): number {
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
    this.#eachBuffer(length, (data, stride, size) => data.copyWithin(to * stride, slot * stride, slot * stride + size));
  }

  #swapSlots(left: Owner, right: Owner): void {
    this.#eachBuffer(Math.max(left.length, right.length), (data, stride, size, buffer) => {
      if (this.#scratch[buffer]!.length < size) this.#scratch[buffer] = new Float32Array(stride);
      const held = this.#scratch[buffer]!.subarray(0, size);
      const [first, second] = [left.slot * stride, right.slot * stride];
      held.set(data.subarray(first, first + size));
      data.copyWithin(first, second, second + size);
      data.set(held, second);
    });
  }

  /** Calls with every buffer: the size of a slot, and how much of it `length` positions are. */
  #eachBuffer(length: number, visit: (data: Float32Array, stride: number, size: number, buffer: number) => void): void {
    for (const [buffer, data] of this.#data.entries()) {
      const { unit, isWhole = false } = this.#buffers[buffer]!;
      const stride = this.#slotSize(buffer);
      visit(data, stride, isWhole ? stride : length * unit, buffer);
    }
  }

  /** Makes this many slots of this capacity, in the buffers held where they are large enough: fresh memory is slow. */
  #layOut(slots: number, capacity: number): void {
    const previous = this.#capacity;
    const used = this.#owners.findLastIndex((owner) => owner !== undefined) + 1;
    for (const [buffer, held] of this.#data.entries()) {
      const [stride, newStride] = [this.#slotSize(buffer, previous), this.#slotSize(buffer, capacity)];
      const roomy = slots * newStride <= held.length ? held : new Float32Array(slots * newStride);
      moveSlots(held, stride, roomy, newStride, used);
      this.#data[buffer] = roomy;
    }
    this.#owners = Array.from({ length: slots }, (_, slot) => this.#owners[slot]);
    this.#capacity = capacity;
    this.onLayOut?.(slots, previous);
  }
}

/** Moves slots of `stride` numbers so that each has `newStride`. A slot never shrinks. */
function moveSlots(from: Float32Array, stride: number, to: Float32Array, newStride: number, slots: number): void {
  if (from === to && stride === newStride) return;
  // From the last to the first: within one buffer no slot is written over before it has moved.
  for (let slot = slots - 1; slot >= 0; slot--) {
    const start = slot * stride;
    if (from === to) to.copyWithin(slot * newStride, start, start + stride);
    else to.set(from.subarray(start, start + stride), slot * newStride);
  }
}
