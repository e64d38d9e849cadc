/** Numbers in words: `twenty-five`, `two hundred and fifty`, `three and a half`, `half a dozen`, `two point five`. */

const SMALL = 'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(' ');
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const ORDINALS = 'zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth'.split(' ');
const SCALES: ReadonlyMap<string, number> = new Map([
  ['hundred', 1e2],
  ['thousand', 1e3],
  ['million', 1e6],
  ['billion', 1e9],
  ['trillion', 1e12],
]);
const PARTS: ReadonlyMap<string, number> = new Map([
  ['half', 2],
  ['halves', 2],
  ['quarter', 4],
  ['quarters', 4],
  ...ORDINALS.slice(3).flatMap((word, index): [string, number][] => [
    [word, index + 3],
    [`${word}s`, index + 3],
  ]),
  ...Object.entries({ twentieth: 20, hundredth: 100, thousandth: 1000 }).flatMap(([word, size]): [string, number][] => [
    [word, size],
    [`${word}s`, size],
  ]),
]);

const NUMBER_WORDS = [...SMALL, ...TENS, ...[...SCALES.keys()].map((word) => `${word}s?`), ...PARTS.keys(), 'dozens?', 'point', 'and', 'an?', 'of an?'].join(
  '|',
);
/** Words that may be of numbers, and digits before a fraction in words. */
const RUN = new RegExp(
  String.raw`(?<![\p{L}\\\d'’]|\d\s?\()(?:\d{1,6}(?=\s+(?:and\s+\p{L}|halves|\p{L}{1,5}(?:ths|rds)(?!\p{L})))|(?:${NUMBER_WORDS})(?!\p{L}))(?:[\s-]+(?:${NUMBER_WORDS})(?!\p{L}))*(?:\s*!$)?`,
  'giu',
);
const WORD = /of an?|\p{L}+|\d+/giu;
const MINUS = /(?<!\p{L})(?:minus|negative)\s+(?=[\d.(\\$]|\p{L}(?!\p{L}))/giu;

/** The same text with its numbers in digits: `2 1/2` for `two and a half`, `-3` for `minus three`. */
export function withNumbersInDigits(text: string): string {
  const place = ORDINALS.indexOf(text.trim().toLowerCase());
  // A single ordinal is a place: `third` is `3rd`.
  if (place > 0) return String(place);
  return text.replace(RUN, digitsIn).replace(MINUS, '-');
}

interface Words {
  readonly all: readonly string[];
  next: number;
}

/** A run with the numbers in it replaced; words between numbers stay. */
function digitsIn(run: string): string {
  const places = [...run.matchAll(WORD)];
  const words: Words = { all: places.map(({ 0: word }) => word.toLowerCase()), next: 0 };
  let result = '';
  let end = 0;
  while (words.next < places.length) {
    const start = words.next;
    const number = numberAt(words);
    if (number === undefined) words.next = start + 1;
    const [first, last] = [places[start]!, places[words.next - 1]!];
    result += run.slice(end, first.index) + (number ?? first[0]);
    end = last.index + last[0].length;
  }
  // `Five!` is an exclamation, no factorial.
  return result + run.slice(end).replace(/\s*!$/, result === run.slice(0, end) ? '$&' : '');
}

function numberAt(words: Words): string | undefined {
  const { all } = words;
  const isHalf = all[words.next] === 'half' && /^(?:a|an|dozen|of an?)$/.test(all[words.next + 1] ?? '');
  const whole = isHalf ? undefined : cardinalAt(words);
  const bottom = whole === undefined ? undefined : PARTS.get(all[words.next] ?? '');
  if (bottom !== undefined) {
    words.next++;
    if (/^of an?$/.test(all[words.next] ?? '')) words.next++;
    return `${whole!}/${bottom}`;
  }
  const part = partAt(words, whole);
  if (whole === undefined && part === undefined) return undefined;
  // `half an hour`, `a quarter of an hour`
  const isOf = part !== undefined && /^(?:an?|of an?)$/.test(all[words.next] ?? '');
  if (isOf) words.next++;
  if (/^dozens?$/.test(all[words.next] ?? '')) {
    words.next++;
    const [top, below] = part ?? [0, 1];
    return String((whole ?? 0) * 12 + (12 * top) / below);
  }
  const decimals = part ? '' : decimalsAt(words);
  return part ? `${whole ? `${whole} ` : ''}${part[0]}/${part[1]}` : `${whole!}${decimals}`;
}

/** `two hundred and fifty`; `a` before a scale or a dozen is one. */
function cardinalAt(words: Words): number | undefined {
  const { all } = words;
  let [total, group, length] = [0, 0, 0];
  let scale = Infinity;
  for (; words.next < all.length; words.next++, length++) {
    const word = all[words.next]!;
    const following = all[words.next + 1] ?? '';
    const size = SCALES.get(word.replace(/s$/, ''));
    const value = length === 0 && /^\d+$/.test(word) ? Number(word) : smallNumber(word);
    if (length === 0 && /^an?$/.test(word) && (SCALES.has(following) || /^dozen$/.test(following))) group = 1;
    else if (size !== undefined && length > 0 && (size === 100 || size < scale)) {
      if (size === 100) group *= 100;
      else {
        total += group * size;
        [group, scale] = [0, size];
      }
    } else if (word === 'and' && length > 0 && SCALES.has(all[words.next - 1]!.replace(/s$/, ''))) {
      // `two hundred and three hundred` are two.
      const isOther = (size: number): boolean => size === 100 || (size > 100 && group % 100 !== 0) || (size > 100 && group === 0);
      const after = SCALES.get(all[words.next + 2] ?? '') ?? 0;
      if (smallNumber(following) === undefined || isOther(after) || isPart(all[words.next + 2])) break;
    } else if (value !== undefined && (length === 0 || group % 100 === 0 || (group % 10 === 0 && group % 100 >= 20 && value < 10))) group += value;
    else break;
  }
  return length === 0 ? undefined : total + group;
}

/** Top and bottom of a fraction: `thirds` after two, `and a half` after three, `a quarter`, `half`. */
function partAt(words: Words, whole: number | undefined): readonly [number, number] | undefined {
  const { all, next } = words;
  const [first = '', second = '', third = ''] = all.slice(next, next + 3);
  if (whole === undefined) {
    const count = /^an?$/.test(first) ? 1 : undefined;
    if (count && isPart(second)) {
      words.next += 2;
      return [count, PARTS.get(second)!];
    }
    if (first !== 'half') return undefined;
    words.next++;
    return [1, 2];
  }
  if (first !== 'and') return undefined;
  const count = /^an?$/.test(second) ? 1 : smallNumber(second);
  if (count === undefined || !isPart(third)) return undefined;
  words.next += 3;
  return [count, PARTS.get(third)!];
}

/** `point five` */
function decimalsAt(words: Words): string {
  const { all } = words;
  if (all[words.next] !== 'point') return '';
  let digits = '';
  let next = words.next + 1;
  for (; smallNumber(all[next] ?? '') !== undefined && smallNumber(all[next]!)! < 10; next++) digits += String(smallNumber(all[next]!)!);
  if (digits === '') return '';
  words.next = next;
  return `.${digits}`;
}

const isPart = (word: string | undefined): boolean => word !== undefined && PARTS.has(word);

function smallNumber(word: string): number | undefined {
  const small = SMALL.indexOf(word);
  if (small >= 0) return small;
  const tens = TENS.indexOf(word);
  return tens >= 0 ? 20 + 10 * tens : undefined;
}
