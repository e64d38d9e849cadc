/**
 * Evaluation in doubles, with a running bound on the rounding error, for what has no exact normal form.
 *
 * Variables are real. Where neither side mentions `i`, whatever leaves the real line is undefined, so that `√x · √y` and
 * `√(xy)` are compared where both mean something.
 *
 * @module
 */
import * as complex from './complex.ts';
import type { Complex } from './complex.ts';
import type { Effort } from './effort.ts';
import type { Expression } from './expression.ts';
import { callNumeric } from './numeric-functions.ts';
import { toNumber } from './rational.ts';

/** A value with how far rounding may have moved it. Undefined values are not finite. */
export interface Approximation {
  readonly value: Complex;
  readonly noise: number;
}

export interface Evaluation {
  /** Values of the variables. */
  readonly point: ReadonlyMap<string, number>;
  /** Whether values may leave the real line. */
  readonly isComplex: boolean;
  readonly effort: Effort;
}

const CONSTANTS: Readonly<Record<string, Complex>> = {
  pi: complex.realNumber(Math.PI),
  e: complex.realNumber(Math.E),
  i: { real: 0, imaginary: 1 },
  infinity: complex.realNumber(Infinity),
};

const ROUNDING = Number.EPSILON;
const UNDEFINED: Approximation = { value: complex.realNumber(NaN), noise: 0 };

const rounded = (value: Complex, noise: number): Approximation => ({ value, noise: noise + ROUNDING * complex.magnitude(value) });

export function evaluate(expression: Expression, evaluation: Evaluation): Approximation {
  evaluation.effort.spend();
  switch (expression.kind) {
    case 'number':
      return rounded(complex.realNumber(toNumber(expression.value)), 0);
    case 'symbol': {
      const value = CONSTANTS[expression.name] ?? complex.realNumber(evaluation.point.get(expression.name) ?? NaN);
      return rounded(value, 0);
    }
    case 'sum':
      return expression.terms.map((term) => evaluate(term, evaluation)).reduce(sum);
    case 'product':
      return expression.factors.map((factor) => evaluate(factor, evaluation)).reduce(product);
    case 'power':
      return inDomain(powerOf(expression, evaluation), evaluation);
    case 'call': {
      const inputs = expression.inputs.map((input) => evaluate(input, evaluation));
      return inDomain(callWithNoise(expression.name, inputs), evaluation);
    }
    case 'sign':
      return UNDEFINED;
  }
}

function inDomain(result: Approximation, { isComplex }: Evaluation): Approximation {
  return isComplex || result.value.imaginary === 0 ? result : UNDEFINED;
}

function sum(left: Approximation, right: Approximation): Approximation {
  return rounded(complex.add(left.value, right.value), left.noise + right.noise);
}

function product(left: Approximation, right: Approximation): Approximation {
  const noise = complex.magnitude(left.value) * right.noise + complex.magnitude(right.value) * left.noise;
  return rounded(complex.multiply(left.value, right.value), noise);
}

function powerOf(expression: Expression & { readonly kind: 'power' }, evaluation: Evaluation): Approximation {
  const base = evaluate(expression.base, evaluation);
  const exponent = evaluate(expression.exponent, evaluation);
  const value = powerValue(base.value, exponent.value, oddDenominatorOf(expression.exponent));
  const size = complex.magnitude(base.value);
  const relativeNoise = (complex.magnitude(exponent.value) * base.noise) / size + Math.abs(Math.log(size)) * exponent.noise;
  return rounded(value, size === 0 ? 0 : complex.magnitude(value) * relativeNoise);
}

/** For a literal fraction with an odd denominator, whose powers of negative numbers are real: its numerator's parity. */
function oddDenominatorOf(exponent: Expression): 'even numerator' | 'odd numerator' | undefined {
  const factors = exponent.kind === 'product' ? exponent.factors : [exponent];
  let [numerator, denominator] = [1n, 1n];
  for (const factor of factors) {
    if (factor.kind === 'number') {
      numerator *= factor.value.numerator;
      denominator *= factor.value.denominator;
    } else if (factor.kind === 'power' && factor.base.kind === 'number' && factor.exponent.kind === 'number' && toNumber(factor.exponent.value) === -1) {
      numerator *= factor.base.value.denominator;
      denominator *= factor.base.value.numerator;
    } else return undefined;
  }
  if (denominator % 2n === 0n) return undefined;
  return numerator % 2n === 0n ? 'even numerator' : 'odd numerator';
}

function powerValue(base: Complex, exponent: Complex, oddDenominator: 'even numerator' | 'odd numerator' | undefined): Complex {
  if (base.imaginary === 0 && exponent.imaginary === 0) {
    if (base.real >= 0 || Number.isInteger(exponent.real)) return complex.realNumber(base.real ** exponent.real);
    if (oddDenominator) return complex.realNumber((oddDenominator === 'odd numerator' ? -1 : 1) * (-base.real) ** exponent.real);
  }
  if (base.real === 0 && base.imaginary === 0) return complex.realNumber(NaN);
  if (exponent.imaginary === 0 && Number.isInteger(exponent.real) && Math.abs(exponent.real) <= 64) return repeatedProduct(base, exponent.real);
  return complex.exponential(complex.multiply(exponent, complex.logarithm(base)));
}

function repeatedProduct(base: Complex, exponent: number): Complex {
  let result = complex.realNumber(1);
  for (let step = 0; step < Math.abs(exponent); step++) result = complex.multiply(result, base);
  return exponent < 0 ? complex.divide(complex.realNumber(1), result) : result;
}

/** How a function passes noise on is estimated from its slope along each input. */
function callWithNoise(name: string, inputs: readonly Approximation[]): Approximation {
  const values = inputs.map(({ value }) => value);
  const value = callNumeric(name, values);
  const noise = inputs.reduce((total, input, index) => {
    const nudge = 1e-6 * (1 + complex.magnitude(input.value));
    const nudged = callNumeric(name, values.with(index, complex.add(input.value, complex.realNumber(nudge))));
    const slope = complex.magnitude({ real: nudged.real - value.real, imaginary: nudged.imaginary - value.imaginary }) / nudge;
    return total + input.noise * (Number.isFinite(slope) ? slope : 1);
  }, 0);
  return rounded(value, noise);
}
