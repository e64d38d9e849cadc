/** Factors of integers, by trial division up to a bound. */
import { GivenUp, type Effort } from './effort.ts';

/** Cofactors below its square are prime once no smaller factor is left. */
const LARGEST_TRIAL = 10_000n;
const MOST_FACTORIAL = 450n;

export interface Factor {
  readonly base: bigint;
  readonly exponent: bigint;
}

/**
 * Factors of a positive integer, ascending. A last factor may be composite where every prime in it exceeds the bound;
 * perfect squares are taken apart even then.
 */
export function factorise(integer: bigint, effort: Effort): Factor[] {
  const factors: Factor[] = [];
  let rest = integer;
  for (let trial = 2n; trial * trial <= rest && trial <= LARGEST_TRIAL; trial += trial === 2n ? 1n : 2n) {
    if ((trial & 15n) === 1n) effort.spend();
    let exponent = 0n;
    for (; rest % trial === 0n; rest /= trial) exponent++;
    if (exponent > 0n) factors.push({ base: trial, exponent });
  }
  if (rest === 1n) return factors;
  const root = squareRoot(rest);
  factors.push(root * root === rest ? { base: root, exponent: 2n } : { base: rest, exponent: 1n });
  return factors;
}

/** The largest integer whose square is at most `integer` (Newton's method). */
export function squareRoot(integer: bigint): bigint {
  if (integer < 2n) return integer;
  let root = 1n << BigInt((integer.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + integer / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** @param step - 2 for the double factorial. @throws {GivenUp} for negative and for large arguments. */
export function factorial(integer: bigint, step = 1n): bigint {
  if (integer < 0n || integer > MOST_FACTORIAL) throw new GivenUp('A factorial is too long.');
  let product = 1n;
  for (let factor = integer; factor > 1n; factor -= step) product *= factor;
  return product;
}

/** @throws {GivenUp} for large arguments. */
export function binomial(total: bigint, chosen: bigint): bigint {
  if (chosen < 0n || total < 0n || chosen > total) return 0n;
  const steps = chosen * 2n > total ? total - chosen : chosen;
  if (steps > MOST_FACTORIAL || total > 1_000_000n) throw new GivenUp('A binomial coefficient is too long.');
  let product = 1n;
  for (let step = 1n; step <= steps; step++) product = (product * (total - steps + step)) / step;
  return product;
}
