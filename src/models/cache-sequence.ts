import type { TokenSequence } from '../contracts/token-model.ts';
import { DisposedError, InvalidOptionError } from '../errors.ts';
import type { CacheLock } from './cache-lock.ts';

/** What keeps the caches of all sequences of one model. */
export interface SequenceCache {
  readonly lock: CacheLock;
}

/** What sequences share however their caches are kept: an open one changes while no forward is under way, a disposed one not at all. */
export abstract class CacheSequence<Cache extends SequenceCache> implements TokenSequence {
  /** Forgotten once disposed, so that a sequence somebody still knows keeps no model's caches in memory. */
  #cache: Cache | undefined;

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  abstract get length(): number;

  isOpenIn(cache: SequenceCache): boolean {
    return this.#cache === cache;
  }

  truncate(length: number): void {
    const cache = this.requireOpen();
    if (!Number.isInteger(length) || length < 0 || length > this.length) throw new InvalidOptionError('length', `from 0 to ${this.length}`, length);
    this.cut(length, cache);
  }

  fork(): TokenSequence {
    return this.copy(this.requireOpen());
  }

  dispose(): void {
    const cache = this.#cache;
    if (!cache) return;
    cache.lock.requireFree();
    this.#cache = undefined;
    this.free(cache);
  }

  /** Forgets the tokens from `length` on. */
  protected abstract cut(length: number, cache: Cache): void;

  /** Another sequence of the same tokens. */
  protected abstract copy(cache: Cache): TokenSequence;

  /** Gives back what the sequence holds. */
  protected abstract free(cache: Cache): void;

  /** @throws {DisposedError | ModelError} while a forward is under way. */
  protected requireOpen(): Cache {
    if (!this.#cache) throw new DisposedError('sequence');
    this.#cache.lock.requireFree();
    return this.#cache;
  }
}
