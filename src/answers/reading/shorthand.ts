/**
 * Shorthand that has a longer spelling in the notation that the parser reads: combinations, minutes of arc, feet and inches,
 * equations side by side.
 *
 * @module
 */

import { MONTHS } from './phrases.ts';
import { isKnownUnit } from './units.ts';

type Rewrite = readonly [pattern: RegExp, spelling: (...groups: string[]) => string];

const COUNT = String.raw`(?:\{\s*(\d+)\s*\}|(\d+))`;
const DIGIT = String.raw`(?:\{\s*(\d+)\s*\}|(\d))`;
const letter = (name: string): string => String.raw`(?:\\(?:mathrm|text|rm)\s*\{\s*${name}\s*\}|${name})`;
const PRIME = String.raw`(?:'|\^\s*\{?\s*\\prime\s*\}?)`;
const TWO_PRIMES = String.raw`(?:''|"|\^\s*\{\s*\\prime\s*\\prime\s*\})`;
const DEGREE = String.raw`(?:\^\s*\{?\s*\\circ\s*\}?|\\degree)`;

const binomial = (from: string, of: string): string => String.raw`\binom{${from}}{${of}}`;
const arrangements = (from: string, of: string): string => String.raw`\frac{${from}!}{(${from}-${of})!}`;

/** Environments that lay equations out, and what they do it with. */
const LAYOUT = String.raw`(?:align|aligned|gather|gathered|equation|split|eqnarray|multline)\*?`;
const withoutLayout = (content: string): string =>
  content.includes('\\begin')
    ? content
    : content
        .replace(/&/g, ' ')
        // A line that starts with a sign of equality goes on where the one before it ended.
        .replace(/\\\\(?:\[[^\]]*\])?\s*(?=[=<>]|\\(?:le|ge|leq|geq|approx)\b)/g, ' ')
        .replace(/\\\\(?:\[[^\]]*\])?/g, ', ');

/** Equations apart by a wide space or a line are several. */
function equationsApart(source: string): string {
  const parts = source.split(/\\q?quad(?![a-zA-Z])|\n/).filter((part) => part.trim() !== '');
  return parts.every((part) => /[=<>]|\\(?:[lg]eq?|in|ne)(?![a-zA-Z])/.test(part)) ? parts.join(', ') : source;
}

/** A date in numbers with its month in letters; as it was where there is no such day. */
function dateInWords(date: string, year: string, month: string, day: string): string {
  const name = MONTHS[Number(month) - 1];
  return name === undefined || Number(day) < 1 || Number(day) > 31 ? date : `${Number(day)} ${name} ${year}`;
}

const REWRITES: readonly Rewrite[] = [
  [/^([^]*(?:\\q?quad|\n)[^]*)$/, equationsApart],
  // `x = 1 y = 2`
  [/(?<=^[a-zA-Z]\s*=\s*-?\d+)\s+(?=[a-zA-Z]\s*=[^=])/, () => ', '],
  [/=<|^([^=]*)=>(?=[^=]*$)/, (before) => (before ? `${before}>=` : '<=')],
  [/\\cup(?![a-zA-Z])(?=[^()[\]{}]*$)(?<=^[^()[\]{}]*[<>][^()[\]{}]*)/g, () => ' or '],
  [/(\d+)\s+choose\s+(\d+)/g, binomial],
  [/no less than/i, () => 'at least'],
  [/no more than/i, () => 'at most'],
  [/^([a-z])\s+is\s+at\s+(least|most)\s+/i, (name, end) => `${name} ${end.toLowerCase() === 'least' ? '>=' : '<='} `],
  // `f(3) = 10` is no multiple of f.
  [/^([a-zA-Z])\s*\(\s*(-?\d+)\s*\)\s*=(?=[^=<>]+$)/, (name, at) => `${name}_{${at}}=`],
  // `7 (7)`, which was `seven (7)`
  [/^(\S+) \((\S+)\)$/, (first, second) => (first === second ? first : `${first} (${second})`)],
  [/^(\w+)\s+(squared|cubed)$/i, (base, power) => `${base}^${power.toLowerCase() === 'squared' ? 2 : 3}`],
  // `1 and 1/2 hours`
  [/^(\d+)\s+and\s+(?=\d+\/\d+\s+[a-z])/i, (whole) => `${whole} `],
  [/^(\\?\$)\s?(\d[\d.,]*)\s?([km])$/i, (dollar, amount, scale) => `${dollar}${amount} ${scale.toLowerCase() === 'k' ? 'thousand' : 'million'}`],
  [/^<([^<>]*,[^<>]*)>$/, (entries) => String.raw`\langle ${entries}\rangle`],
  [
    /^all real (?:numbers|values)(?: [a-z])? (?:except|but|other than) (?:for )?(?:[a-z]\s*=)?(.+)$/i,
    (points) => String.raw`\mathbb{R} \setminus \{${points}\}`,
  ],
  [
    /^([a-z])\s+(?:is\s+)?(?:strictly\s+)?(?:(greater|more|larger)|less|smaller) than (or equal to )?/i,
    (name, greater, orEqual) => `${name} ${greater ? '>' : '<'}${orEqual ? '=' : ''} `,
  ],
  // `Ann has 3, Bob has 5`
  [/^((?:\p{Lu}\p{L}+ (?:has|gets) \$?\d[^,]*?(?:,? and |, |$)){2,})$/u, (all) => all.replace(/ (?:has|gets) /g, ' = ')],
  [/(?<![A-Za-z\\])C\s*\((\d+),\s*(\d+)\)/g, (from, of) => (Number(from) >= Number(of) ? binomial(from, of) : `C(${from},${of})`)],
  [/(\d+)\s+(?:out\s+)?of\s+(\d+)|^(\d+)\s+in\s+(\d+)$/gi, (part, whole, chance, tries) => `${part || chance}/${whole || tries}`],
  // `[1,2] U [3,4]`
  [/(?<=[)\]}])\s*U\s*(?=[([{])/g, () => ' \\cup '],
  // `12,5 %`, `1.234,50 €`: with a unit behind it a comma without a space is decimal, unless it separates thousands.
  [
    /^(-?|[€£]\s?-?(?=[\d.]+,\d\d?$))(\d{1,3}(?:\.\d{3})+|\d+),(\d{1,2}|\d{4,})(?=\s?(?:\\?%|[€£]|[a-zA-Z]+\.?)$|(?<=[€£].*)$)/,
    (sign, whole, decimals) => `${sign}${whole.replaceAll('.', '')}.${decimals}`,
  ],
  [/^(\d+)\s+to\s+(\d+)$/i, (first, second) => `${first}:${second}`],
  // The sides of a thing are no product: `2 × 3 matrix`.
  [
    /^((?:an?\s+)?\d+)\s*(?:x|\\times|-?by-?)\s*(\d+)[\s-]+(?=(?:\\text\s*\{\s*)?([a-z]{3,}))/i,
    (first, second, noun) => (isKnownUnit(noun) ? `${first} \\times ${second} ` : `${first} by ${second} `),
  ],
  [/(?<=\d)(?:\s|~|\\[,;: ])*(?:\\(?:mathrm|text)\s*\{\s*)?([kM]?)\s*\\Omega\s*\}?$/, (scale) => ` \\text{${scale}ohm}`],
  [new RegExp(String.raw`^\\begin\s*\{${LAYOUT}\}([\s\S]*)\\end\s*\{${LAYOUT}\}$`), withoutLayout],
  [/\\AA(?![a-zA-Z])|\\(?:mathring|r)\s*\{\s*A\s*\}/g, () => ' angstrom '],
  // `27 (square units)`
  [
    /(?<=[\d}%])(?:\s+\((?:(?!mod)[A-Za-z]{3,}(?:[ -][A-Za-z]+)*|(?:out )?of \d+(?: [a-z]+)*)\)|\s*\\text\s*\{\s*\((?!mod)[A-Za-z]{3,}(?:[ -][A-Za-z]+)*\)\s*\})$/,
    () => '',
  ],
  // `2020-01-31`, `31.1.2020`, `1/31/2020`: of slashes the month comes first, where it can.
  [/^((\d{4})([-/])(\d\d?)\3(\d\d?))$/, (date, year, _, month, day) => dateInWords(date, year, month, day)],
  [/^((\d\d?)\.(\d\d?)\.(\d{4}))$/, (date, day, month, year) => dateInWords(date, year, month, day)],
  [
    /^((\d\d?)\/(\d\d?)\/(\d{4}))$/,
    (date, first, second, year) => (Number(first) > 12 ? dateInWords(date, year, second, first) : dateInWords(date, year, first, second)),
  ],
  // `4 o'clock`
  [/^(\d{1,2})\s*o'?\s?clock(?=$|\s)/i, (hour) => `${hour}:00`],
  // `1{.}5`, `14{:}15`
  [/(\d)\{([.:])\}(?=\d)/g, (before, mark) => `${before}${mark}`],
  // `{}_{12}C_5`, `^{12}C_5`
  [new RegExp(String.raw`(?:\{\s*\}\s*|(?<![\w}]))[_^]\s*${COUNT}\s*${letter('C')}\s*_\s*${DIGIT}`, 'g'), (a, b, c, d) => binomial(a || b, c || d)],
  [new RegExp(String.raw`(?:\{\s*\}\s*|(?<![\w}]))[_^]\s*${COUNT}\s*${letter('P')}\s*_\s*${DIGIT}`, 'g'), (a, b, c, d) => arrangements(a || b, c || d)],
  // `C_{10}^{3}`; a power of a constant C_1 has the smaller number below.
  [
    new RegExp(String.raw`(?<![A-Za-z\\])${letter('C')}\s*_\s*${DIGIT}\s*\^\s*${DIGIT}`, 'g'),
    (a, b, c, d) => (Number(a || b) > Number(c || d) ? binomial(a || b, c || d) : `C_{${a || b}}^{${c || d}}`),
  ],
  // `45^\circ 30' 15''`
  [
    new RegExp(String.raw`(\d+)\s*${DEGREE}\s*(\d+)\s*${PRIME}(?!['"])(?:\s*(\d+(?:\.\d+)?)\s*${TWO_PRIMES})?`, 'g'),
    (degrees, minutes, seconds) => String.raw`(${degrees}+\frac{${minutes}}{60}+\frac{${seconds || '0'}}{3600})^\circ`,
  ],
  [
    new RegExp(String.raw`^(?:(\d+)\s*${PRIME}(?!['"]))?\s*(?:(\d+(?:\.\d+)?)\s*${TWO_PRIMES})?$`),
    (feet, inches) => [feet && `${feet} feet`, inches && `${inches} inches`].filter(Boolean).join(' '),
  ],
  // `10 μm`
  [/^(-?[\d.]+)\s*\\mu\s*([msgLFAVWNCHJ])$/, (count, unit) => String.raw`${count} \mu\text{${unit}}`],
];

/** The same answer without shorthand. */
export function withoutShorthand(source: string): string {
  return REWRITES.reduce((text, [pattern, spelling]) => text.replace(pattern, (_, ...groups: (string | undefined)[]) => spelling(...textsOf(groups))), source);
}

/** Groups of a match, without its place and source behind them; empty where they match nothing. */
const textsOf = (groups: readonly (string | undefined)[]): string[] => groups.slice(0, -2).map((group) => group ?? '');
