/** Units of measure and currency, and the words that answers carry behind numbers. */
import * as rationals from '../algebra/rational.ts';
import type { Rational } from '../algebra/rational.ts';

export interface Unit {
  /** Canonical spelling. */
  readonly text: string;
  /** What it measures, as sorted powers of base quantities; `undefined` for words that are no known unit. */
  readonly dimension: string | undefined;
  /** Of the base unit of its dimension. */
  readonly factor: Rational;
}

/** One word of a unit with its exponent. */
export interface UnitPart {
  readonly word: string;
  readonly exponent: number;
}

interface KnownUnit {
  readonly name: string;
  readonly dimension: ReadonlyMap<string, number>;
  readonly factor: Rational;
}

/** Names of one unit, its dimension and its size in base units. Base quantities: length, mass, time, current, kelvin, mole, angle in degrees, percent, one for each currency. */
/** Units that prefixes go with: a symbol and a name of each. */
const METRIC = `
m meter metre | L | 1
g gram gramme | M | 1/1000
s second | T | 1
L liter litre l | L3 | 1/1000
N newton | M L T-2 | 1
J joule | M L2 T-2 | 1
Wh | M L2 T-2 | 3600
eV electronvolt ev | EV | 1
cal calorie | CAL | 1
W watt | M L2 T-3 | 1
Pa pascal | M L-1 T-2 | 1
Hz hertz | T-1 | 1
A amp ampere | I | 1
C coulomb | I T | 1
V volt | M L2 T-3 I-1 | 1
ohm | M L2 T-3 I-2 | 1
F farad | M-1 L-2 T4 I2 | 1
H henry | M L2 T-2 I-2 | 1
Wb weber | M L2 T-2 I-1 | 1
K kelvin | K | 1
mol mole | N | 1
bit | BIT | 1
B byte | BIT | 8
`;

const PREFIXES = 'n nano 1/1000000000 u micro 1/1000000 m milli 1/1000 c centi 1/100 d deci 1/10 k kilo 1000 M mega 1000000 G giga 1000000000'.split(' ');

const TABLE = `
micron | L | 1/1000000
angstrom | L | 1/10000000000
inch in | L | 127/5000
ft foot feet | L | 381/1250
yd yds yard | L | 1143/1250
mile mi | L | 201168/125
pc parsec | PC | 1
ly lightyear | LY | 1
AU au | AU | 1
gm | M | 1/1000
kilo | M | 1
ton tonne | M | 1000
lb lbs | LB | 16
pound | LB | 16
oz ounce | LB | 1
msec | T | 1/1000
sec secs | T | 1
minute min mins | T | 60
hour h hr hrs | T | 3600
day | T | 86400
week wk wks | T | 604800
month | MO | 1
year yr yrs | MO | 12
decade | MO | 120
century | MO | 1200
cc | L3 | 1/1000000
gallon gal | GAL | 4
quart qt | GAL | 1
pint | GAL | 1/2
cup | GAL | 1/4
acre | AC | 1
hectare ha | L2 | 10000
degree deg | ANGLE | 1
rad radian | RAD | 1
sr steradian | SR | 1
percent % percentage pct | PERCENT | 1
dollar $ USD usd buck | USD | 1
cent ¢ | USD | 1/100
€ euro EUR | EUR | 1
£ GBP | GBP | 1
pence | GBP | 1/100
¥ yen JPY yuan RMB CNY | YEN | 1
₹ rupee INR Rs | INR | 1
mph | L T-1 | 1397/3125
kph kmh | L T-1 | 5/18
dyne dyn | M L T-2 | 1/100000
erg | M L2 T-2 | 1/10000000
atm atmosphere | ATM | 1
°C celsius | CELSIUS | 1
°F fahrenheit | FAHRENHEIT | 1
dozen | | 12
hundred | | 100
thousand | | 1000
million | | 1000000
billion | | 1000000000
trillion | | 1000000000000
`;

const KNOWN: ReadonlyMap<string, KnownUnit> = new Map(
  [...withPrefixes(unitsIn(METRIC)), ...unitsIn(TABLE)].flatMap(({ names, unit }) => names.map((name) => [name, unit])),
);

interface NamedUnit {
  readonly names: readonly string[];
  readonly unit: KnownUnit;
}

function unitsIn(table: string): NamedUnit[] {
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [spellings = '', dimension = '', factor = ''] = line.split('|').map((cell) => cell.trim());
      const names = spellings.split(' ');
      return { names, unit: { name: names[0]!, dimension: dimensionOf(dimension), factor: rationalOf(factor) } };
    });
}

function withPrefixes(units: readonly NamedUnit[]): NamedUnit[] {
  return units.flatMap((one) => [
    one,
    ...PREFIXES.flatMap((prefix, index) => {
      if (index % 3 !== 0) return [];
      const [long, factor] = [PREFIXES[index + 1]!, PREFIXES[index + 2]!];
      const names = one.names.map((name) => (name.length > 2 && name !== 'mol' && name !== 'cal' ? long : prefix) + name);
      // `kcal`, `kohm`, `Mbit`
      if (!/^..?$/.test(one.names[0]!)) names.push(prefix + one.names[0]!);
      return [{ names, unit: { ...one.unit, name: names[0]!, factor: rationals.multiply(one.unit.factor, rationalOf(factor)) } }];
    }),
  ]);
}

function rationalOf(text: string): Rational {
  const [top = '1', bottom = '1'] = text.split('/');
  return rationals.rational(BigInt(top), BigInt(bottom));
}

function dimensionOf(text: string): Map<string, number> {
  return new Map([...text.matchAll(/([A-Z]+)(-?\d+)?/g)].map(([, base, exponent]) => [base!, Number(exponent ?? 1)]));
}

/** Words that say nothing about the amount. */
const FILLERS = new Set(
  'unit units the a an of in total each exactly only left altogether about approximately ago old long tall wide respectively st nd rd th'.split(' '),
);

/** Looks a word up as written, without capitals, and without the ending of its plural. */
function lookUp(word: string): KnownUnit | undefined {
  const lower = word.toLowerCase();
  return KNOWN.get(word) ?? (word.length > 2 ? (KNOWN.get(lower) ?? KNOWN.get(singular(lower))) : undefined);
}

export function isKnownUnit(word: string): boolean {
  return lookUp(word) !== undefined;
}

const IRREGULAR: Readonly<Record<string, string>> = { people: 'person', children: 'child', men: 'man', women: 'woman' };

/** A word without the ending of its plural. */
export function singular(word: string): string {
  if (Object.hasOwn(IRREGULAR, word)) return IRREGULAR[word]!;
  if (word.length <= 3 || word.endsWith('ss')) return word;
  if (/ies$/.test(word) && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:ch|sh|x|ss|z)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

/** The unit that some words make, or `undefined` where they carry no meaning (`square units`). */
export function unitOf(parts: readonly UnitPart[]): Unit | undefined {
  const meaningful = withPowers(parts).filter(({ word }) => !FILLERS.has(word.length > 1 ? word.toLowerCase() : word));
  if (meaningful.length === 0) return undefined;
  const known = meaningful.map(({ word, exponent }) => ({ unit: lookUp(word), exponent }));
  const words = meaningful.map(({ word, exponent }, index) => printPart(known[index]!.unit?.name ?? singular(word.toLowerCase()), exponent));
  const dimension = new Map<string, number>();
  let factor = rationals.ONE;
  for (const { unit, exponent } of known) {
    if (!unit) return { text: words.join(' '), dimension: undefined, factor: rationals.ONE };
    factor = rationals.multiply(factor, rationals.power(unit.factor, BigInt(exponent)));
    for (const [base, power] of unit.dimension) dimension.set(base, (dimension.get(base) ?? 0) + power * exponent);
  }
  const powers = [...dimension].filter(([, exponent]) => exponent !== 0).map(([base, exponent]) => `${base}${exponent}`);
  return { text: words.join(' '), dimension: powers.sort().join(' '), factor };
}

const printPart = (name: string, exponent: number): string => (exponent === 1 ? name : `${name}^${exponent}`);

const POWERS_BEFORE: ReadonlyMap<string, number> = new Map([
  ['square', 2],
  ['sq', 2],
  ['cubic', 3],
  ['cu', 3],
]);
const POWERS_BEHIND: ReadonlyMap<string, number> = new Map([
  ['squared', 2],
  ['cubed', 3],
]);

/** Applies `square`, `cubic`, `squared` and `cubed` to the words they belong to, and joins `degrees Celsius`. */
function withPowers(parts: readonly UnitPart[]): UnitPart[] {
  const result: UnitPart[] = [];
  let pending = 1;
  for (const [index, { word, exponent }] of parts.entries()) {
    const lower = word.toLowerCase();
    const last = result.at(-1);
    if (last && /^(?:degree|degrees|deg|°)$/i.test(last.word) && /^(?:c|f|celsius|fahrenheit)$/.test(lower))
      result[result.length - 1] = { word: `°${lower[0]!.toUpperCase()}`, exponent: 1 };
    else if (POWERS_BEFORE.has(lower)) pending = POWERS_BEFORE.get(lower)!;
    else if (POWERS_BEHIND.has(lower) && last) result[result.length - 1] = { word: last.word, exponent: last.exponent * POWERS_BEHIND.get(lower)! };
    else {
      // `10 in` is a length; `10 in total` is not.
      const isInch = lower === 'in' && (index === parts.length - 1 || exponent !== 1);
      result.push({ word: isInch ? 'inch' : word, exponent: exponent * pending });
      pending = 1;
    }
  }
  return result;
}
