/** Numbers in words: `twenty-five`, `two thirds`, `third`. */

const SMALL = 'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(' ');
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const ORDINALS = 'zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth'.split(' ');
const SCALES: ReadonlyMap<string, bigint> = new Map([
  ['hundred', 100n],
  ['thousand', 1_000n],
  ['million', 1_000_000n],
  ['billion', 1_000_000_000n],
]);

export interface NumberInWords {
  readonly numerator: bigint;
  readonly denominator: bigint;
  /** How many words it takes. */
  readonly length: number;
}

/** The number at the start of a list of words in small letters. */
export function numberInWords(words: readonly string[]): NumberInWords | undefined {
  const whole = wholeNumber(words);
  const part = denominatorOf(words[whole.length] ?? '');
  if (whole.length > 0)
    return part === undefined
      ? { numerator: whole.value, denominator: 1n, length: whole.length }
      : { numerator: whole.value, denominator: part, length: whole.length + 1 };
  if (part === 2n) return { numerator: 1n, denominator: 2n, length: 1 };
  // A single ordinal is a place: `third` is `3rd`.
  const place = words.length === 1 ? ORDINALS.indexOf(words[0]!) : -1;
  return place > 0 ? { numerator: BigInt(place), denominator: 1n, length: 1 } : undefined;
}

function wholeNumber(words: readonly string[]): { readonly value: bigint; readonly length: number } {
  let [total, group, length] = [0n, 0n, 0];
  for (; length < words.length; length++) {
    const [word, next] = [words[length]!, words[length + 1] ?? ''];
    const scale = SCALES.get(word);
    if (word === '-' && length > 0 && (smallNumber(next) !== undefined || denominatorOf(next) !== undefined)) continue;
    if (scale !== undefined && length > 0) {
      total += scale === 100n ? 0n : group * scale;
      group = scale === 100n ? group * scale : 0n;
      continue;
    }
    const value = smallNumber(word);
    // Behind `twenty` only digits go on, and `twenty` only behind hundreds.
    const hasRoom = group % 100n === 0n || (group % 10n === 0n && group % 100n >= 20n && (value ?? 10n) < 10n);
    if (value === undefined || !hasRoom) break;
    group += value;
  }
  return { value: total + group, length };
}

function smallNumber(word: string): bigint | undefined {
  const small = SMALL.indexOf(word);
  if (small >= 0) return BigInt(small);
  const tens = TENS.indexOf(word);
  return tens >= 0 ? BigInt(20 + 10 * tens) : undefined;
}

/** 3 for `third` and `thirds`. */
function denominatorOf(word: string): bigint | undefined {
  if (/^(?:half|halves)$/.test(word)) return 2n;
  if (/^quarters?$/.test(word)) return 4n;
  const place = ORDINALS.indexOf(word.replace(/s$/, ''));
  return place >= 3 ? BigInt(place) : undefined;
}
