/** Answers in words: fixed phrases, dates, and what remains of any text. */
import type { Token } from './lexer.ts';

/** Phrases that mean the same, after articles and punctuation have gone. */
const PHRASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    empty:
      'no solution|no solutions|no real solution|no real solutions|no real root|no real roots|no root|no roots|no such number|no such numbers|no such integer|no such integers|no values|no value|none|none of these|empty set|empty|null set|null|nothing|does not have solution|there is no solution|there are no solutions|no integer solutions|no positive integer solutions|no answer|\\emptyset|\\varnothing|\\oslash',
    reals: 'all real numbers|all reals|any real number|real numbers|every real number|set of all real numbers|all real number|reals|all real values|\\mathbb R',
    undefined: "undefined|does not exist|dne|doesn't exist|not defined|limit does not exist|doesnt exist|non existent|nonexistent",
    endless:
      'infinitely many|infinitely many solutions|infinite solutions|infinite number of solutions|infinite number|infinitely many real solutions|infinite',
    infinity: 'infinity|positive infinity|plus infinity|diverges to infinity|+ infinity',
    'minus infinity': 'negative infinity|minus infinity|- infinity',
    yes: 'yes|true',
    no: 'no|false|not true',
    impossible: 'impossible|not possible|it is impossible|it is not possible|this is impossible',
    unknown: "cannot be determined|can not be determined|not enough information|indeterminate|cant be determined|can't be determined|insufficient information",
  }).flatMap(([name, phrases]) => phrases.split('|').map((phrase): [string, string] => [phrase, name])),
);

export const phraseOf = (text: string): string | undefined => PHRASES.get(text);

const ARTICLES = new Set(['a', 'an', 'the']);
const PUNCTUATION = new Set([',', ';', ':', '!', '?', "'", '"', '`', '(', ')', '{', '}', '$', '#']);
export const MONTHS = 'january february march april may june july august september october november december'.split(' ');
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ...['dfrac', 'tfrac', 'cfrac'].map((name): [string, string] => [name, 'frac']),
  ['tbinom', 'binom'],
  ['dbinom', 'binom'],
]);

const WEEKDAYS = 'monday tuesday wednesday thursday friday saturday sunday'.split(' ');
const dayOf = (word: string): string => (word.length >= 3 && WEEKDAYS.find((day) => day.startsWith(word))) || word;

/** One spelling for texts that differ in capitals, articles, punctuation and spacing only. */
export function plainText(tokens: readonly Token[]): string {
  const isProse = tokens.some(({ kind, text }) => kind === 'word' && text.length > 1) && !tokens.some(({ kind }) => kind === 'command');
  const kept = isProse ? tokens.filter(({ text }) => !PUNCTUATION.has(text)) : withoutLoneBraces(tokens);
  const words = kept.map(({ kind, text, isText }) => {
    const spelling = kind === 'command' ? `\\${SPELLINGS.get(text) ?? text}` : text;
    return isProse || isText ? spelling.toLowerCase() : spelling;
  });
  const meaningful = isProse ? words.filter((word) => !ARTICLES.has(word)) : words;
  if (meaningful.length === 1) return dayOf(meaningful[0]!);
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
  if (!isDate(words)) return words;
  return words
    .filter((word) => !/^(?:st|nd|rd|th|of)$/.test(word))
    .map((word) => monthOf(word) ?? word.replace(/^0+(?=\d)/, ''))
    .sort();
}

const monthOf = (word: string): string | undefined => MONTHS.find((month) => word === month || (word.length >= 3 && month.startsWith(word)));

/** Whether words, in small letters, are a day of a month. */
export function isDate(words: readonly string[]): boolean {
  return words.length <= 6 && words.some((word) => monthOf(word) !== undefined) && words.some((word) => /^\d+$/.test(word));
}
