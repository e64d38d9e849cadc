import { ModelError } from '../errors.ts';

/** Held while a forward reads the caches of a model: whoever would change them must find it free. */
export class CacheLock {
  #isHeld = false;

  /** @throws {ModelError} when it is held already. */
  hold(): void {
    this.requireFree();
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
  }

  /** @throws {ModelError} while it is held. */
  requireFree(): void {
    if (this.#isHeld) throw new ModelError('The caches were changed while a forward is under way. Await the forward first.');
  }
}
