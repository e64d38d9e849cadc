/**
 * Bounds on time and size. Reading and comparing answers spends effort in steps of roughly equal cost; whoever runs out
 * gives up, and the caller falls back to comparing text.
 *
 * @module
 */

/** Digits of an integer are at most a third of this. */
const MOST_BITS = 4_096;

/** Thrown where a text is no mathematics this folder reads, or costs too much. Never leaves `answers`. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
}

export class Effort {
  readonly limit: number;
  #left: number;

  constructor(limit: number) {
    this.limit = limit;
    this.#left = limit;
  }

  get spent(): number {
    return this.limit - this.#left;
  }

  /** @throws {GivenUp} when more than the limit has been spent. */
  spend(steps = 1): void {
    this.#left -= steps;
    if (this.#left < 0) throw new GivenUp('The limit of steps is reached.');
  }
}

/** What is tried, or `undefined` where it is given up. */
export function attempt<Result>(run: () => Result): Result | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof GivenUp) return undefined;
    throw error;
  }
}

/** @throws {GivenUp} for an integer of more than 4,096 bits. */
export function requireModestSize(integer: bigint): bigint {
  if (BigInt.asIntN(MOST_BITS, integer) !== integer) throw new GivenUp('An integer is too long.');
  return integer;
}

/** Whether `base ** exponent` stays within the bits allowed, for |base| > 1. */
export function isModestPower(base: bigint, exponent: bigint): boolean {
  const magnitude = base < 0n ? -base : base;
  return magnitude <= 1n || exponent * BigInt(magnitude.toString(2).length) <= BigInt(MOST_BITS);
}
