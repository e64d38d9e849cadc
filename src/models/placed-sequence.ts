import { CacheLock } from './cache-lock.ts';
import { CacheSequence } from './cache-sequence.ts';
import type { SharedTensors } from './shared-tensors.ts';

/** Where the cache of a text lies, in tensors that other places may share. */
export interface CachePlace<Place> {
  readonly block: SharedTensors;
  /** Tokens of the text. */
  readonly length: number;
  /** The place of the first `length` tokens. @throws {ModelError} where it cannot be told apart. */
  upTo(length: number): Place;
}

/** The open sequences of one model: only they hold its caches. */
export class PlacedSequences<Place extends CachePlace<Place>> {
  readonly lock = new CacheLock();
  readonly open = new Set<PlacedSequence<Place>>();
}

/** A sequence of a model whose passes give new tensors: it holds the block that its cache lies in. */
export class PlacedSequence<Place extends CachePlace<Place>> extends CacheSequence<PlacedSequences<Place>> {
  #place: Place;

  /** @param sequences - The model's open ones, which this one joins. */
  constructor(sequences: PlacedSequences<Place>, place: Place) {
    super(sequences);
    place.block.hold();
    this.#place = place;
    sequences.open.add(this);
  }

  get place(): Place {
    return this.#place;
  }

  get length(): number {
    return this.#place.length;
  }

  /** Goes on from another place. The block of before is freed with its last holder. */
  move(place: Place): void {
    place.block.hold();
    this.#place.block.release();
    this.#place = place;
  }

  protected cut(length: number): void {
    this.move(this.#place.upTo(length));
  }

  protected copy(sequences: PlacedSequences<Place>): PlacedSequence<Place> {
    return new PlacedSequence(sequences, this.#place);
  }

  protected free({ open }: PlacedSequences<Place>): void {
    open.delete(this);
    this.#place.block.release();
  }
}
