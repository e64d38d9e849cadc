/** Answers in words: fixed phrases, numbers, and what remains of any text. */
import type { Token } from './lexer.ts';

/** Phrases that mean the same, after articles and punctuation have gone. */
const PHRASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    empty:
      'no solution|no solutions|no real solution|no real solutions|no real root|no real roots|no root|no roots|no such number|no such numbers|no such integer|no such integers|no values|no value|none|none of these|empty set|empty|null set|null|nothing|does not have solution|there is no solution|there are no solutions|no integer solutions|no positive integer solutions|no answer|\\emptyset|\\varnothing|\\oslash',
    reals: 'all real numbers|all reals|any real number|real numbers|every real number|set of all real numbers|all real number|reals|all real values|\\mathbb R',
    undefined: "undefined|does not exist|dne|doesn't exist|not defined|limit does not exist|doesnt exist|non existent|nonexistent",
    endless:
      'infinitely many|infinitely many solutions|infinite solutions|infinite number of solutions|infinite number|infinitely many real solutions|infinite many',
    infinity: 'infinity|positive infinity|plus infinity|infinite|diverges to infinity|+ infinity',
    'minus infinity': 'negative infinity|minus infinity|- infinity',
    yes: 'yes|true|correct|yeah',
    no: 'no|false|incorrect|not true|nope',
    unknown: "cannot be determined|can not be determined|not enough information|indeterminate|cant be determined|can't be determined|insufficient information",
  }).flatMap(([name, phrases]) => phrases.split('|').map((phrase): [string, string] => [phrase, name])),
);

export const phraseOf = (text: string): string | undefined => PHRASES.get(text);

const ARTICLES = new Set(['a', 'an', 'the']);
const PUNCTUATION = new Set([',', ';', ':', '!', '?', "'", '"', '`', '(', ')', '{', '}', '$', '#']);
const MONTHS = 'january february march april may june july august september october november december'.split(' ');
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ...['dfrac', 'tfrac', 'cfrac'].map((name): [string, string] => [name, 'frac']),
  ['tbinom', 'binom'],
  ['dbinom', 'binom'],
]);

/** One spelling for texts that differ in capitals, articles, punctuation and spacing only. */
export function plainText(tokens: readonly Token[]): string {
  const isProse = tokens.some(({ kind, text }) => kind === 'word' && text.length > 1) && !tokens.some(({ kind }) => kind === 'command');
  const kept = isProse ? tokens.filter(({ text }) => !PUNCTUATION.has(text)) : withoutLoneBraces(tokens);
  const words = kept.map(({ kind, text, isText }) => {
    const spelling = kind === 'command' ? `\\${SPELLINGS.get(text) ?? text}` : text;
    return isProse || isText ? spelling.toLowerCase() : spelling;
  });
  const meaningful = isProse ? words.filter((word) => !ARTICLES.has(word)) : words;
  return datesInOrder(meaningful.length > 0 ? meaningful : words).join(' ');
}

/** `x^{2}` and `x^2` are one text. */
function withoutLoneBraces(tokens: readonly Token[]): Token[] {
  return tokens.filter((token, index) => {
    const [before, behind] = [tokens[index - 2], tokens[index + 2]];
    return !(token.text === '{' && behind?.text === '}') && !(token.text === '}' && before?.text === '{');
  });
}

/** `5 January 2020` and `Jan 5th, 2020` are one date. */
function datesInOrder(words: readonly string[]): readonly string[] {
  const isMonth = (word: string): string | undefined => MONTHS.find((month) => word === month || (word.length >= 3 && month.startsWith(word)));
  if (words.length > 4 || !words.some((word) => isMonth(word)) || !words.some((word) => /^\d+$/.test(word))) return words;
  return words
    .filter((word) => !/^(?:st|nd|rd|th|of)$/.test(word))
    .map((word) => isMonth(word) ?? word)
    .sort();
}

const SMALL = 'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(' ');
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const SCALES: ReadonlyMap<string, bigint> = new Map([
  ['hundred', 100n],
  ['thousand', 1_000n],
  ['million', 1_000_000n],
  ['billion', 1_000_000_000n],
]);
const PARTS: ReadonlyMap<string, bigint> = new Map([
  ['half', 2n],
  ['halve', 2n],
  ['third', 3n],
  ['quarter', 4n],
  ['fourth', 4n],
  ['fifth', 5n],
  ['sixth', 6n],
  ['seventh', 7n],
  ['eighth', 8n],
  ['ninth', 9n],
  ['tenth', 10n],
]);

/** A number in words at the start of a list of words, and how many words it takes. */
export function numberInWords(words: readonly string[]): { readonly numerator: bigint; readonly denominator: bigint; readonly length: number } | undefined {
  let [total, group, length] = [0n, 0n, 0];
  for (const word of words) {
    const scale = SCALES.get(word);
    if (word === '-' && length > 0) {
      length++;
      continue;
    }
    if (scale === undefined) {
      const value = smallNumber(word);
      if (value === undefined || (group % 100n !== 0n && !(group % 10n === 0n && group % 100n >= 20n && value < 10n))) break;
      group += value;
    } else if (length === 0) break;
    else if (scale === 100n) group *= scale;
    else {
      total += group * scale;
      group = 0n;
    }
    length++;
  }
  const part = PARTS.get((words[length] ?? '').replace(/s$/, ''));
  if (length === 0) return part === 2n ? { numerator: 1n, denominator: 2n, length: 1 } : undefined;
  return part === undefined ? { numerator: total + group, denominator: 1n, length } : { numerator: total + group, denominator: part, length: length + 1 };
}

function smallNumber(word: string): bigint | undefined {
  const small = SMALL.indexOf(word);
  if (small >= 0) return BigInt(small);
  const tens = TENS.indexOf(word);
  return tens >= 0 ? BigInt(20 + 10 * tens) : undefined;
}
