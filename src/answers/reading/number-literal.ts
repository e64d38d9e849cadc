/** Numbers as they are written: `1,234.50`, `6.02e23`, `0.\overline{3}`, `10{,}000`. */
import { GivenUp } from '../algebra/effort.ts';
import * as rationals from '../algebra/rational.ts';
import type { Rational } from '../algebra/rational.ts';

export interface NumberLiteral {
  readonly value: Rational;
  /** One unit of the last decimal place. Missing for integers and repeating decimals. */
  readonly step?: Rational;
  /** Dots follow: the decimals go on. */
  readonly isCut: boolean;
  /** As written, without separators. */
  readonly digits: string;
  /** Where the text behind it starts. */
  readonly end: number;
}

/** Separators that are nothing else wherever they stand: `10{,}000`, `10,\!000`, `10\,000`, `10'000`. */
const FIRM_GROUPS = /[1-9]\d{0,2}(?:(?:\{,\}|,\\!\s*|\\[,;!]\s*|~|')\d{3})+(?!\d)/y;
/** Commas, of lakhs too, and spaces, which in brackets separate entries. */
const LOOSE_GROUPS = /[1-9]\d{0,2}(?:(?:,\d{3})+(?!\d|,\d)|(?<!\d{3})(?:,\d\d)+,\d{3}(?!\d|,\d)|(?: \d{3})+(?![\d/]| ?\\frac| \d))/y;
const DIGITS = /\d+/y;
const DECIMALS = /(?:\.(?!\.)|\{,\}(?=\d))(\d*)/y;
const REPEATED = /\\(?:overline|bar|dot)\s*\{?\s*(\d+)\s*\}?|\((\d+)\)(?![\w(])/y;
const DOTS = /\s*(?:\.{3}|\\[lc]?dots)/y;
const EXPONENT = /[eE]([+-]?\d{1,4})(?![\w.])/y;
const MOST_DIGITS = 1_000;

/** @returns `undefined` where no number starts. @throws {GivenUp} for more than 1,000 digits. */
export function readNumber(source: string, start: number, isInBrackets: boolean): NumberLiteral | undefined {
  const grouped = match(FIRM_GROUPS, source, start) ?? (isInBrackets ? undefined : match(LOOSE_GROUPS, source, start));
  const whole = (grouped ?? match(DIGITS, source, start))?.[0] ?? '';
  let end = start + whole.length;
  const integer = whole.replace(/\D/g, '');
  const point = match(DECIMALS, source, end);
  const fraction = point?.[1] ?? '';
  if (integer.length + fraction.length > MOST_DIGITS) throw new GivenUp('A number has too many digits.');
  if (point) end += point[0].length;
  const repeated = point && match(REPEATED, source, end);
  if (integer + fraction === '' && !repeated) return undefined;
  if (repeated) end += repeated[0].length;
  const dots = fraction === '' ? undefined : match(DOTS, source, end);
  if (dots) end += dots[0].length;
  const exponent = match(EXPONENT, source, end);
  if (exponent) end += exponent[0].length;
  const block = repeated ? (repeated[1] ?? repeated[2]!) : dots ? repeatedBlock(fraction) : '';
  const scale = rationals.power(rationals.rational(10n), BigInt(exponent?.[1] ?? 0));
  const step = block === '' && (fraction !== '' || exponent) ? rationals.multiply(scale, tenTo(-fraction.length)) : undefined;
  return {
    value: rationals.multiply(scale, decimalValue(integer, fraction, block)),
    ...(step && { step }),
    isCut: dots !== undefined && block === '',
    digits: point ? `${integer}.${fraction}` : integer,
    end,
  };
}

function match(pattern: RegExp, source: string, start: number): RegExpExecArray | undefined {
  pattern.lastIndex = start;
  return pattern.exec(source) ?? undefined;
}

const tenTo = (exponent: number): Rational => rationals.power(rationals.rational(10n), BigInt(exponent));

function decimalValue(integer: string, fraction: string, block: string): Rational {
  const finite = rationals.multiply(rationals.rational(BigInt(integer + fraction || '0')), tenTo(-fraction.length));
  if (block === '') return finite;
  const repeating = rationals.rational(BigInt(block), 10n ** BigInt(block.length) - 1n);
  return rationals.add(finite, rationals.multiply(repeating, tenTo(-fraction.length)));
}

/** What decimals before dots repeat: a digit three times, or a longer block twice. */
function repeatedBlock(fraction: string): string {
  const [, digit, block] = /(\d)\1\1$|(\d{2,12}?)\2$/.exec(fraction) ?? [];
  return digit ?? block ?? '';
}
