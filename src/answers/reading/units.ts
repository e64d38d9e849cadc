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
const TABLE = `
mm millimeter millimetre | L | 1/1000
cm centimeter centimetre | L | 1/100
dm decimeter decimetre | L | 1/10
m meter metre | L | 1
km kilometer kilometre | L | 1000
nm nanometer nanometre | L | 1/1000000000
um micron micrometer micrometre | L | 1/1000000
angstrom | L | 1/10000000000
inch in | L | 127/5000
ft foot feet | L | 381/1250
yd yard | L | 1143/1250
mile mi | L | 201168/125
pc parsec | PC | 1
ly lightyear | LY | 1
AU au | AU | 1
mg milligram | M | 1/1000000
g gm gram gramme | M | 1/1000
kg kilogram kilo | M | 1
ton tonne | M | 1000
lb lbs | LB | 16
pound | LB | 16
oz ounce | LB | 1
ms millisecond msec | T | 1/1000
s sec second secs | T | 1
minute min mins | T | 60
hour h hr hrs | T | 3600
day | T | 86400
week wk | T | 604800
month | MO | 1
year yr yrs | MO | 12
decade | MO | 120
century | MO | 1200
liter L litre l | L3 | 1/1000
mL ml milliliter millilitre | L3 | 1/1000000
cc | L3 | 1/1000000
gallon gal | GAL | 4
quart qt | GAL | 1
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
N newton | M L T-2 | 1
kN kilonewton | M L T-2 | 1000
dyne dyn | M L T-2 | 1/100000
J joule | M L2 T-2 | 1
kJ kilojoule | M L2 T-2 | 1000
MJ megajoule | M L2 T-2 | 1000000
erg | M L2 T-2 | 1/10000000
eV electronvolt ev | EV | 1
keV | EV | 1000
MeV | EV | 1000000
GeV | EV | 1000000000
cal calorie | CAL | 1
kcal kilocalorie | CAL | 1000
W watt | M L2 T-3 | 1
kW kilowatt | M L2 T-3 | 1000
MW megawatt | M L2 T-3 | 1000000
Pa pascal | M L-1 T-2 | 1
kPa kilopascal | M L-1 T-2 | 1000
MPa megapascal | M L-1 T-2 | 1000000
atm atmosphere | ATM | 1
Hz hertz | T-1 | 1
kHz kilohertz | T-1 | 1000
MHz megahertz | T-1 | 1000000
GHz gigahertz | T-1 | 1000000000
A amp ampere | I | 1
mA milliamp | I | 1/1000
C coulomb | I T | 1
V volt | M L2 T-3 I-1 | 1
mV millivolt | M L2 T-3 I-1 | 1/1000
kV kilovolt | M L2 T-3 I-1 | 1000
ohm | M L2 T-3 I-2 | 1
kohm kiloohm | M L2 T-3 I-2 | 1000
Mohm megaohm | M L2 T-3 I-2 | 1000000
F farad | M-1 L-2 T4 I2 | 1
H henry | M L2 T-2 I-2 | 1
Wb weber | M L2 T-2 I-1 | 1
K kelvin | K | 1
mol mole | N | 1
bit | BIT | 1
byte | BIT | 8
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
  TABLE.trim()
    .split('\n')
    .flatMap((line) => {
      const [names = '', dimension = '', factor = ''] = line.split('|').map((cell) => cell.trim());
      const [top = '1', bottom = '1'] = factor.split('/');
      const size = rationals.rational(BigInt(top), BigInt(bottom));
      const [name = '', ...others] = names.split(' ');
      return [name, ...others].map((spelling): [string, KnownUnit] => [spelling, { name, dimension: dimensionOf(dimension), factor: size }]);
    }),
);

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

/** A word without the ending of its plural. */
export function singular(word: string): string {
  if (word.length <= 3 || word.endsWith('ss')) return word;
  if (/ies$/.test(word) && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:ch|sh|x|ss|z)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

/** The unit that some words make, or `undefined` where they carry no meaning (`square units`). */
export function unitOf(parts: readonly UnitPart[]): Unit | undefined {
  const meaningful = withPowers(parts).filter(({ word }) => !FILLERS.has(word.toLowerCase()));
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
