/** Functions on doubles. What is outside a domain is NaN. */
import * as complex from './complex.ts';
import type { Complex } from './complex.ts';

type RealFunction = (...values: readonly number[]) => number;

const FLOOR_SLACK = 1e-9;
const DEGREE = Math.PI / 180;

/** By name, of real arguments. */
const REAL: Readonly<Record<string, RealFunction>> = {
  degrees: (angle) => angle! * DEGREE,
  sin: (angle) => Math.sin(angle!),
  cos: (angle) => Math.cos(angle!),
  tan: (angle) => Math.tan(angle!),
  cot: (angle) => 1 / Math.tan(angle!),
  sec: (angle) => 1 / Math.cos(angle!),
  csc: (angle) => 1 / Math.sin(angle!),
  arcsin: (value) => Math.asin(value!),
  arccos: (value) => Math.acos(value!),
  arctan: (value) => Math.atan(value!),
  arccot: (value) => Math.PI / 2 - Math.atan(value!),
  arcsec: (value) => Math.acos(1 / value!),
  arccsc: (value) => Math.asin(1 / value!),
  sinh: (value) => Math.sinh(value!),
  cosh: (value) => Math.cosh(value!),
  tanh: (value) => Math.tanh(value!),
  arcsinh: (value) => Math.asinh(value!),
  arccosh: (value) => Math.acosh(value!),
  arctanh: (value) => Math.atanh(value!),
  floor: (value) => (isNearInteger(value!) ? Math.round(value!) : Math.floor(value!)),
  ceil: (value) => (isNearInteger(value!) ? Math.round(value!) : Math.ceil(value!)),
  log: (value, base = 10) => Math.log(value!) / Math.log(base),
  factorial: (value) => factorial(value!),
  'double factorial': (value) => factorial(value!, 2),
  binomial: (total, chosen) => factorial(total!) / (factorial(chosen!) * factorial(total! - chosen!)),
  max: (...values) => Math.max(...values),
  min: (...values) => Math.min(...values),
  gcd: (...values) => values.reduce(greatestCommonDivisor),
  lcm: (...values) => values.reduce((left, right) => (left * right) / greatestCommonDivisor(left, right)),
};

/** By name, of arguments anywhere in the plane. */
const COMPLEX: Readonly<Record<string, (value: Complex) => Complex>> = {
  abs: (value) => complex.realNumber(complex.magnitude(value)),
  exp: complex.exponential,
  ln: (value) => (value.imaginary === 0 && value.real > 0 ? complex.realNumber(Math.log(value.real)) : complex.logarithm(value)),
};

/** The value of a function. One nobody knows gets a value that depends on its name and its arguments alone. */
export function callNumeric(name: string, inputs: readonly Complex[]): Complex {
  const ofPlane = COMPLEX[name];
  if (ofPlane) return ofPlane(inputs[0]!);
  const known = REAL[name];
  if (known && inputs.some(({ imaginary }) => imaginary !== 0)) return complex.realNumber(NaN);
  const values = inputs.map(({ real }) => real);
  return complex.realNumber(known ? known(...values) : unknown(name, inputs));
}

function unknown(name: string, inputs: readonly Complex[]): number {
  return inputs.reduce((sum, { real, imaginary }, index) => {
    const frequency = 0.5 + fractionOf(`${name} ${index}`);
    return sum + Math.sin(frequency * real + index) + Math.cos(frequency * imaginary + index);
  }, fractionOf(name));
}

/** A number in [0, 1) that depends on a text alone (FNV-1a). */
export function fractionOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  // The last characters reach the high bits only after a final mix.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 0x100000000;
}

function isNearInteger(value: number): boolean {
  return Math.abs(value - Math.round(value)) < FLOOR_SLACK;
}

function factorial(value: number, step = 1): number {
  if (!Number.isInteger(value) || value < 0 || value > 170) return NaN;
  let product = 1;
  for (let factor = value; factor > 1; factor -= step) product *= factor;
  return product;
}

function greatestCommonDivisor(left: number, right: number): number {
  while (Number.isInteger(left) && Number.isInteger(right) && right !== 0) [left, right] = [right, left % right];
  return right === 0 ? Math.abs(left) : NaN;
}
