/** Numbers in running text, and one form for them: `1200.5` for `$1,200.50`. */
import { plainCharacters } from '../reading/characters.ts';
import { ANSWER_WITH_COMMAS } from './words.ts';

/** A hyphen after a word or a bracket is an operator or a range; with a space after it, it is a sign only after `=`, `:` or a bracket. */
const SIGN = String.raw`(?:(?<![\w)\]}])[-+]|(?<=(?:[=:(]|\bis)\s?)-\s|(?<!\p{L}|[\d)]\s?)(?:minus|negative)\s)`;
const CURRENCY = String.raw`\\?\$|[€£¥₹]`;
/** `3/8`, `2 1/2`, `\frac{3}{8}`; of the date `3/4/2020` no part is a fraction. */
const FRACTION = String.raw`(?<![\d.,/])(?:\d{1,3}(?: (?=\d+/)|\s?(?=\\)))?(?:\d+/\d+(?!\.?\d|/)|\\[dt]?frac\s?(?:\{-?\d+\}\s?\{\d+\}|\d\d(?!\d)))`;
const SUPERSCRIPT = '[⁻⁰¹²³⁴-⁹]{1,4}';
/** `10^6` by itself */
const POWER_OF_TEN = String.raw`(?<![\w.^]|[×*·]\s?|\\times\s?|\\cdot\s?)10(?:(?:\^|\*\*)\{?(?<up>-?\d{1,2})\}?(?!\d)|(?<over>${SUPERSCRIPT}))`;
const POWER = String.raw`e(?<exponent>[-+]?\d{1,3})(?![\w.])|\s?(?:×|\\times|\\cdot|[*·x])\s?10\s?(?:(?:\^|\*\*)\s?\{?(?<power>-?\d{1,3})\}?|(?<script>${SUPERSCRIPT}))`;
const SCRIPT = '⁰¹²³⁴⁵⁶⁷⁸⁹';
/** Longer powers of ten stay as they are. */
const MOST_SHIFT = 30;

/** Of a decimal: thousands apart by one separator throughout, or lakhs. A separator is one only before three digits: `1,23` are two numbers. */
function decimalOf(point: string, comma: string): string {
  const apart = String.raw`[1-9]\d{0,2}(?:(?<separator>${comma}|['’ _]|\{,\}|,?\\[,!;])\d{3}(?:\k<separator>\d{3})*|(?:${point}\d{3}){2,}(?!${point}\d)|(?:${comma}\d\d)+${comma}\d{3})(?!\d)`;
  return String.raw`(?:${POWER_OF_TEN}|(?<whole>${apart}|\d+)(?:(?:${point}|\{,\})(?<decimals>\d+))?|(?<![\d\p{L}])${point}(?<part>\d+))(?:${POWER})?`;
}

interface Style {
  readonly anywhere: RegExp;
  readonly alone: RegExp;
}

function styleOf(point: string, comma: string): Style {
  const decimal = decimalOf(point, comma);
  return {
    anywhere: new RegExp(`(?<sign>${SIGN})?(?:${CURRENCY})?(?:(?<fraction>${FRACTION})|${decimal})`, 'giu'),
    alone: new RegExp(String.raw`^(?<sign>[-+]\s?|(?:minus|negative)\s)?(?:${CURRENCY})?(?<inner>-)?${decimal}\.?(?:${CURRENCY})?$`, 'iu'),
  };
}

const POINTS = styleOf(String.raw`\.`, ',');
const COMMAS = styleOf(',', String.raw`\.`);

/** Decimal commas show in arithmetic, before units, after a lone zero, together with points between thousands, and in languages that have them. */
const SHOWS_COMMAS = new RegExp(
  String.raw`\d[. ]\d{3},\d|(?<![\d.,([{]\s?)\b0,\d+(?![\d,)\]}])|\d,(?!\d{3}(?!\d))\d+\s?(?:[-+*×·÷:]\s?\d|[€%£]|[ckm]?[mglL]\b|kg|euros?\b)|€\s?\d+,\d\d?(?!\d)|[-+*×·÷]\s?\d+,\d{1,2}\s?=|${ANSWER_WITH_COMMAS}`,
  'iu',
);
const SHOWS_POINTS = /\d,\d{3}\.\d|\d\.\d{1,2}(?!\d)|\d\.\d{4}/;

function styleIn(text: string): Style {
  return SHOWS_COMMAS.test(text) && !SHOWS_POINTS.test(text) ? COMMAS : POINTS;
}

/** The same text with one character for each digit, sign and separator, and `3½` as `3 1/2`. */
export function plainNumerals(text: string): string {
  return plainCharacters(
    text.replace(/(\d?)\s?([¼-¾⅐-⅞])/g, (_, before: string, fraction: string) => `${before && `${before} `}${fraction.normalize('NFKC')}`),
  );
}

export interface FoundNumber {
  readonly text: string;
  readonly index: number;
  readonly end: number;
}

/** Every number in a text of plain numerals, in one form; a fraction of two integers is one. @param source - Whose style it has. */
export function numbersIn(plain: string, source = plain): FoundNumber[] {
  return [...plain.matchAll(styleIn(source).anywhere)]
    .filter(({ 0: number, index }) => !isMarker(plain, index, index + number.length))
    .map((match) => ({
      text: textOf(match.groups!),
      index: match.index,
      end: match.index + match[0].length,
    }));
}

/** What a number belongs to that follows it: `x_1`, `cm^2`, `H2O`. */
const NAMED_BEFORE = /_\{?$|[\p{L}}]\s?\^\{?$|(?<!\p{L})(?!US|Rs)[A-Z][A-Za-z]?$/u;

/** Whether a number names a thing or an item: `x_1`, `2. Add them` at the start of a line. */
function isMarker(plain: string, index: number, end: number): boolean {
  return (
    NAMED_BEFORE.test(plain.slice(Math.max(index - 4, 0), index)) ||
    (/^[.):]\s+[\p{L}*\\]/u.test(plain.slice(end, end + 4)) && /(?:^|\n)[ \t]*[*#]*$/.test(plain.slice(Math.max(index - 12, 0), index)))
  );
}

/** The last number in the text; a fraction of two integers is one. @param source - Whose style it has. */
export function lastNumberIn(text: string, source = text): string | undefined {
  return numbersIn(plainNumerals(text), source).at(-1)?.text;
}

/**
 * Numbers in one form, so that `$1,200.50` and `1200.5` are one answer; other text as it stands. `undefined` where nothing is left.
 *
 * @param source - What the answer was found in, whose style of numbers it has.
 */
export function cleanAnswer(text: string, source = text): string | undefined {
  const trimmed = text.trim().replace(/\.$/, '').trimEnd();
  if (!trimmed) return undefined;
  const groups = styleIn(source).alone.exec(plainNumerals(trimmed))?.groups;
  return groups ? textOf(groups) : trimmed;
}

type Groups = Readonly<Record<string, string | undefined>>;

function textOf({ sign, inner, fraction, whole, decimals, part, exponent, power, up, script, over }: Groups): string {
  const minus = (sign && !sign.startsWith('+')) || inner ? '-' : '';
  if (fraction !== undefined) return minus + inOneLine(fraction);
  const raised = script ?? over;
  const places = Number(exponent ?? power ?? up ?? (raised && [...raised].map((one) => (one === '⁻' ? '-' : SCRIPT.indexOf(one))).join('')) ?? 0);
  const integer = whole?.replace(/\D/g, '') ?? ((up ?? over) ? '1' : '');
  const fractional = decimals ?? part ?? '';
  if (Math.abs(places) > MOST_SHIFT) return `${minus}${integer || '0'}${fractional && `.${fractional}`}e${places}`;
  const digits = integer + fractional;
  const at = integer.length + places;
  const front =
    digits
      .slice(0, Math.max(at, 0))
      .padEnd(at, '0')
      .replace(/^0+(?=\d)/, '') || '0';
  const back = (at < 0 ? '0'.repeat(-at) + digits : digits.slice(at)).replace(/0+$/, '');
  const magnitude = back ? `${front}.${back}` : front;
  return magnitude === '0' ? '0' : minus + magnitude;
}

/** `\frac{3}{8}` as `3/8`, `2\frac12` as `2 1/2`. */
function inOneLine(fraction: string): string {
  const whole = /^\d+(?= |\s?\\)/.exec(fraction)?.[0] ?? '';
  const [top = '', bottom = ''] = fraction.slice(whole.length).match(/-?\d+/g) ?? [];
  const parts = bottom ? `${top}/${bottom}` : `${top[0]!}/${top.slice(1)}`;
  return whole ? `${whole} ${parts}` : parts;
}
