import { CacheSequence } from './cache-sequence.ts';
import type { SlotCache } from './slot-cache.ts';

/** A sequence of a model that writes into caches of its own: a slot of them and a length. */
export class SlotSequence extends CacheSequence<SlotCache<SlotSequence>> {
  slot = -1;
  length: number;

  constructor(cache: SlotCache<SlotSequence>, length: number) {
    super(cache);
    this.length = length;
    cache.take(this);
  }

  protected cut(length: number, cache: SlotCache<SlotSequence>): void {
    cache.shut?.(this, length, this.length);
    this.length = length;
  }

  protected copy(cache: SlotCache<SlotSequence>): SlotSequence {
    const copy = new SlotSequence(cache, this.length);
    cache.copy(this, copy);
    return copy;
  }

  protected free(cache: SlotCache<SlotSequence>): void {
    cache.release(this);
  }
}
