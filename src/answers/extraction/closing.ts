import { mathematicsIn, type SetOff, valueOf } from './mathematics.ts';
import { cleanAnswer, numbersIn, plainNumerals } from './numbers.ts';
import { saidIn } from './said.ts';

/** Of mathematics that is a mere name nothing can be told. */
const NAME = /^\\?[A-Za-z]{0,8}(?:_\{?\w+\}?|')?$|^\\triangle|^\\angle/;
const JOINT = /^\s*(?:[,;]\s*(?:and|or)?|and|or)\s*$/i;
const LABELLED = /^\\?[\w'{}\\]{1,10}\s*=/;

/** The last number of a text, or the mathematics that the text closes with: a matrix, an interval, values that a sentence lists. */
export function closingAnswer(text: string): string | undefined {
  const said = plainNumerals(saidIn(text));
  const number = numbersIn(said).at(-1);
  const set = mathematicsIn(said).filter(({ content }) => !NAME.test(content));
  const last = set.pop();
  if (!last || (number && number.index >= last.end)) return number?.text;
  const listed: SetOff[] = [last];
  for (let before = set.pop(); before && JOINT.test(said.slice(before.end, listed[0]!.index)); before = set.pop()) listed.unshift(before);
  const isLabelled = listed.length > 1 && listed.every(({ content }) => LABELLED.test(content));
  return cleanAnswer(listed.map(({ content }) => (isLabelled ? content : valueOf(content))).join(', '), said) ?? number?.text;
}
