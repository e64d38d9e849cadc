import { mathematicsIn, type SetOff, valueOf } from './mathematics.ts';
import { cleanAnswer, type FoundNumber, numbersIn, plainNumerals } from './numbers.ts';
import { proseIn, withoutQuestions } from './said.ts';
import { CIRCUMSTANCE } from './words.ts';

/** Of mathematics that is a mere name nothing can be told. */
const NAME = /^\\?[A-Za-z]{0,8}(?:_\{?\w+\}?|')?$|^\\triangle|^\\angle/;
const MONEY = /^-?[$€£]/;
const JOINT = /^\s*(?:[,;]\s*(?:and|or)?|and|or)\s*$/i;
const LABELLED = /^\\?[\w'{}\\]{1,10}\s*=/;

/** The last number of a text, or the mathematics that the text closes with: a matrix, an interval, values that a sentence lists. */
export function closingAnswer(text: string): string | undefined {
  const said = plainNumerals(withoutQuestions(proseIn(text)));
  const number = mainNumber(said);
  const all = mathematicsIn(said);
  const name = all.at(-1);
  // `The distance is $a$.`
  if (name && NAME.test(name.content) && /(?:\sis|=)\s*$/.test(said.slice(0, name.index).slice(-8)) && /^\W*$/.test(said.slice(name.end))) return name.content;
  const set = all.filter(({ content }) => !NAME.test(content));
  const last = set.pop();
  if (!last || (number && number.index >= last.end)) return number?.text;
  const listed: SetOff[] = [last];
  for (let before = set.pop(); before && JOINT.test(said.slice(before.end, listed[0]!.index)); before = set.pop()) listed.unshift(before);
  const isLabelled = listed.length > 1 && listed.every(({ content }) => LABELLED.test(content));
  return cleanAnswer(listed.map(({ content }) => (isLabelled ? content : valueOf(content))).join(', '), said) ?? number?.text;
}

/**
 * The last number, with what it is part of; the one before in a clause that goes on with a circumstance,
 * or with a number of things after an amount of money.
 */
function mainNumber(text: string): FoundNumber | undefined {
  const [last, before] = numbersIn(text).reverse();
  const between = last && before ? text.slice(before.end, last.index) : '';
  const isAmount =
    before !== undefined && MONEY.test(text.slice(before.index, before.end)) && !MONEY.test(text.slice(last!.index, last!.end)) && /\p{L}\s$/u.test(between);
  return before && (isAmount || CIRCUMSTANCE.test(between)) && !/[.,;=\n]|\band\b/.test(between) ? before : wholeAt(text, last);
}

/** A number with what it is part of: `3:4`, `3:45 PM`, `2x`. */
function wholeAt(text: string, number: FoundNumber | undefined): FoundNumber | undefined {
  if (!number) return undefined;
  const [before = ''] = /(?:(?<![\d.:/])\d{1,4}:){1,3}$/.exec(text.slice(Math.max(number.index - 15, 0), number.index)) ?? [];
  const [after = ''] = (before ? /^\s?[ap]\.?m\b\.?/i : /^[abcnpqrxyz](?![\p{L}\p{N}])/u).exec(text.slice(number.end, number.end + 6)) ?? [];
  if (before + after === '') return number;
  const [index, end] = [number.index - before.length, number.end + after.length];
  return { index, end, text: before ? text.slice(index, end) : number.text + after };
}
