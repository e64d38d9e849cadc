import { CacheLock } from './cache-lock.ts';

/** Entries the pool starts with; it doubles from there, so that a device sees few sizes. */
const FIRST_SIZE = 256;

/**
 * Who holds which entry of a cache, where an entry is the keys and values of one token. Sequences that share a prompt share its
 * entries; one is free once nobody holds it. Entry 0 is never given away.
 */
export class EntryPool {
  /** For sequences: held while a device reads their entries. */
  readonly lock = new CacheLock();
  #holders = new Uint32Array(FIRST_SIZE);
  #free: number[] = [];

  constructor() {
    this.#add(1, FIRST_SIZE);
  }

  /** Entries there are, free or not. */
  get size(): number {
    return this.#holders.length;
  }

  /** A free entry, held once from now on. */
  take(): number {
    if (this.#free.length === 0) {
      const grown = new Uint32Array(2 * this.size);
      grown.set(this.#holders);
      this.#holders = grown;
      this.#add(grown.length / 2, grown.length);
    }
    const entry = this.#free.pop()!;
    this.#holders[entry] = 1;
    return entry;
  }

  /** Counts one more holder of each entry. */
  hold(entries: readonly number[]): void {
    for (const entry of entries) this.#holders[entry]!++;
  }

  /** Counts one holder less. */
  release(entries: readonly number[]): void {
    for (const entry of entries) if (--this.#holders[entry]! === 0) this.#free.push(entry);
  }

  /** Low entries are taken first. */
  #add(from: number, to: number): void {
    for (let entry = to - 1; entry >= from; entry--) this.#free.push(entry);
  }
}
