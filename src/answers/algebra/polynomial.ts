/**
 * Sums of rational multiples of products of powers of atoms.
 *
 * An atom is a symbol (`x`, `pi`), the imaginary unit `i`, the root of a prime (`#2`), or the printed form of something
 * that is not taken apart (`sin(x)`, `(x+1)`). Exponents are rational; those of primes stay in [0, 1) and `i` has 1 at
 * most, so that equal sums of radicals have equal terms: roots of distinct square-free products are independent over the
 * rationals (Besicovitch 1940).
 *
 * @module
 */
import { type Effort, GivenUp } from './effort.ts';
import * as rationals from './rational.ts';
import type { Rational } from './rational.ts';

export interface Power {
  readonly atom: string;
  /** Not 0. */
  readonly exponent: Rational;
}

export interface Term {
  /** Not 0. */
  readonly coefficient: Rational;
  /** Sorted by atom. */
  readonly powers: readonly Power[];
}

/** Terms by what their powers print as. */
export type Polynomial = ReadonlyMap<string, Term>;

export const IMAGINARY_UNIT = 'i';
export const primeAtom = (prime: bigint): string => `#${prime}`;
const isPrimeAtom = (atom: string): boolean => atom.startsWith('#');

export function constant(value: Rational): Polynomial {
  return collect([{ coefficient: value, powers: [] }]);
}

/** `atom ** exponent`. */
export function powerOf(atom: string, exponent: Rational = rationals.ONE): Polynomial {
  return collect([termOf(rationals.ONE, [{ atom, exponent }])]);
}

/** A term from powers in any order, with primes and `i` reduced. The atoms must be distinct. */
export function termOf(coefficient: Rational, powers: readonly Power[]): Term {
  let factor = coefficient;
  const kept: Power[] = [];
  for (const { atom, exponent } of powers) {
    const reduced = reduce(atom, exponent);
    factor = rationals.multiply(factor, reduced.factor);
    if (reduced.exponent.numerator !== 0n) kept.push({ atom, exponent: reduced.exponent });
  }
  return { coefficient: factor, powers: kept.sort((left, right) => (left.atom < right.atom ? -1 : 1)) };
}

/** Takes out what is rational: `2^(3/2) = 2 · 2^(1/2)`, `i^3 = −i`. */
function reduce(atom: string, exponent: Rational): { readonly factor: Rational; readonly exponent: Rational } {
  if (isPrimeAtom(atom)) {
    const whole = rationals.floor(exponent);
    return {
      factor: rationals.power(rationals.rational(BigInt(atom.slice(1))), whole),
      exponent: rationals.add(exponent, rationals.rational(-whole)),
    };
  }
  if (atom !== IMAGINARY_UNIT) return { factor: rationals.ONE, exponent };
  if (!rationals.isInteger(exponent)) throw new GivenUp('Roots of the imaginary unit are not reduced.');
  const turns = ((exponent.numerator % 4n) + 4n) % 4n;
  return { factor: turns >= 2n ? rationals.MINUS_ONE : rationals.ONE, exponent: turns % 2n === 1n ? rationals.ONE : rationals.ZERO };
}

/** A polynomial from terms in any order. */
export function collect(terms: Iterable<Term>): Polynomial {
  const collected = new Map<string, Term>();
  for (const term of terms) {
    const key = keyOf(term.powers);
    const present = collected.get(key);
    const coefficient = present ? rationals.add(present.coefficient, term.coefficient) : term.coefficient;
    if (coefficient.numerator === 0n) collected.delete(key);
    else collected.set(key, { coefficient, powers: term.powers });
  }
  return collected;
}

const keyOf = (powers: readonly Power[]): string => powers.map(({ atom, exponent }) => `${atom}^${rationals.print(exponent)}`).join('*');

export function add(left: Polynomial, right: Polynomial, effort: Effort): Polynomial {
  effort.spend(left.size + right.size);
  return collect([...left.values(), ...right.values()]);
}

export function multiply(left: Polynomial, right: Polynomial, effort: Effort): Polynomial {
  effort.spend(left.size * right.size);
  const products: Term[] = [];
  for (const one of left.values()) for (const other of right.values()) products.push(multiplyTerms(one, other));
  return collect(products);
}

function multiplyTerms(left: Term, right: Term): Term {
  const coefficient = rationals.multiply(left.coefficient, right.coefficient);
  if (left.powers.length === 0) return { coefficient, powers: right.powers };
  if (right.powers.length === 0) return { coefficient, powers: left.powers };
  const exponents = new Map(left.powers.map(({ atom, exponent }) => [atom, exponent]));
  for (const { atom, exponent } of right.powers) {
    const present = exponents.get(atom);
    exponents.set(atom, present ? rationals.add(present, exponent) : exponent);
  }
  const powers = [...exponents].map(([atom, exponent]) => ({ atom, exponent })).filter(({ exponent }) => exponent.numerator !== 0n);
  return termOf(coefficient, powers);
}

export function scale(polynomial: Polynomial, factor: Rational): Polynomial {
  return collect([...polynomial.values()].map(({ coefficient, powers }) => ({ coefficient: rationals.multiply(coefficient, factor), powers })));
}

export function isEqual(left: Polynomial, right: Polynomial): boolean {
  if (left.size !== right.size) return false;
  return [...left].every(([key, { coefficient }]) => {
    const other = right.get(key);
    return other !== undefined && rationals.isEqual(coefficient, other.coefficient);
  });
}

/** The value of a polynomial without atoms, else `undefined`. */
export function rationalValue(polynomial: Polynomial): Rational | undefined {
  if (polynomial.size === 0) return rationals.ZERO;
  const term = onlyTerm(polynomial);
  return term?.powers.length === 0 ? term.coefficient : undefined;
}

/** The term of a polynomial of one term, else `undefined`. */
export function onlyTerm(polynomial: Polynomial): Term | undefined {
  return polynomial.size === 1 ? [...polynomial.values()][0] : undefined;
}

/** Largest degree first, then by name: `x^2+x*y-1`. */
export function sortedTerms(polynomial: Polynomial): Term[] {
  return [...polynomial]
    .map(([key, term]) => ({ key, term, degree: degreeOf(term) }))
    .sort((left, right) => right.degree - left.degree || (left.key < right.key ? -1 : 1))
    .map(({ term }) => term);
}

function degreeOf({ powers }: Term): number {
  return powers.reduce((sum, { atom, exponent }) => (isPrimeAtom(atom) ? sum : sum + rationals.toNumber(exponent)), 0);
}

/** Text that reads as the same polynomial. */
export function print(polynomial: Polynomial): string {
  const terms = sortedTerms(polynomial).map(printTerm);
  return terms.length === 0 ? '0' : terms.map((term, index) => (index > 0 && !term.startsWith('-') ? `+${term}` : term)).join('');
}

function printTerm({ coefficient, powers }: Term): string {
  const factors = printPowers(powers);
  if (factors === '') return rationals.print(coefficient);
  if (rationals.isEqual(coefficient, rationals.ONE)) return factors;
  return rationals.isEqual(coefficient, rationals.MINUS_ONE) ? `-${factors}` : `${rationals.print(coefficient)}*${factors}`;
}

function printPowers(powers: readonly Power[]): string {
  const radicands = powers.filter(({ atom, exponent }) => isPrimeAtom(atom) && rationals.isEqual(exponent, rationals.HALF));
  const root = radicands.reduce((product, { atom }) => product * BigInt(atom.slice(1)), 1n);
  const others = powers.filter((power) => !radicands.includes(power)).map(printPower);
  return [...(root > 1n ? [`sqrt(${root})`] : []), ...others].join('*');
}

function printPower({ atom, exponent }: Power): string {
  const base = isPrimeAtom(atom) ? atom.slice(1) : atom;
  if (rationals.isEqual(exponent, rationals.ONE)) return base;
  return `${base}^${rationals.isInteger(exponent) ? rationals.print(exponent) : `(${rationals.print(exponent)})`}`;
}
