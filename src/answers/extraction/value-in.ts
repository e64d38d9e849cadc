import { unwrapped } from '../reading/wrapping.ts';
import { mathematicsIn, valueOf } from './mathematics.ts';
import { numbersIn, plainNumerals } from './numbers.ts';
import { CIRCUMSTANCE, VERB } from './words.ts';

/** So many words beside mathematics and numbers belong to a value: `12 red apples`. */
const MOST_BARE_WORDS = 3;
/** An answer in words is short; longer prose is no answer. */
const MOST_WORDS = 6;
const MOST_STEPS = 4;
const WORD = /\p{L}{2,}/gu;
const VERDICT = /^(yes|no)\s*(?:[,.;:!]|[-–—]\s)/i;
const CHOICE = /^[([]?[A-J][)\].:]/;
const ADVERB =
  /^(?:then|therefore|thus|simply|just|of course,?|indeed|clearly|also|actually|now|that|given by|equal to|(?:in )?(?:the )?(?:interval|range|form)|donc|alors|daher|somit|folglich|entonces|pues|por (?:lo )?tanto|quindi|dunque|portanto|então|dus)\s*[,:]?\s+/i;
/** `9 (= 3 × 3)`, `9 (not 8)` */
const ASIDE = /\s+\((?:[=≈]|(?:or|about|approx|i\.e|not|since|because|as|that is|out of|rounded|approximately)\b)[^()]*\)$/i;
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Hangul}]/u;
/** `not 5 but 6`, `6, not 5` */
const REJECTED = /^not\s.{1,80}?\s(?:but|rather)\s+|(?<=\S),?\s(?:not|rather than|instead of|and not)\s.*$/i;
const CURRENCY_AT_END = /[$€£¥₹]\s?$/;
/** `x is 5` in `x is 5 and y is 6` */
const NAMED_VALUE = /^\$?(\\?[\p{L}\d_{}']{1,8})\$?\s+(?:is|=|equals)\s+(\S+)$/iu;

/**
 * The value that a clause states: what is after its verb, the mathematics in it, or its number. A value by itself stays as it
 * is. `undefined` for prose without one.
 */
export function valueIn(clause: string): string | undefined {
  let text = clause;
  for (let step = 0; step < MOST_STEPS; step++) {
    text = unwrapped(
      unwrapped(text.replace(/^[,\s]+/, ''))
        .replace(ADVERB, '')
        .replace(REJECTED, '')
        .replace(ASIDE, ''),
    );
    const verdict = VERDICT.exec(text)?.[1];
    if (verdict || CHOICE.test(text)) return verdict ?? text;
    const prose = withoutMathematics(text);
    const verb = [...prose.matchAll(VERB)].at(-1);
    if (!verb) return ofPhrase(text, prose);
    const named = text.split(/,?\s+and\s+|,\s+/).map((part) => NAMED_VALUE.exec(part));
    if (named.length > 1 && named.every(Boolean)) return named.map((part) => `${part![1]!} = ${part![2]!}`).join(', ');
    const [before, after] = [text.slice(0, verb.index), text.slice(verb.index + verb[0].length)];
    if (!isValued(text) && wordsIn(text) > MOST_WORDS) return undefined;
    text = isValued(after) || !isValued(before) ? after : before;
  }
  return undefined;
}

const wordsIn = (text: string): number => text.match(WORD)?.length ?? 0;
const isValued = (text: string): boolean => /[\d\\$]/.test(text);

/** The same text with mathematics blank. */
function withoutMathematics(text: string): string {
  return mathematicsIn(text).reduce((rest, { index, end }) => rest.slice(0, index) + ' '.repeat(end - index) + rest.slice(end), text);
}

function ofPhrase(text: string, prose: string): string | undefined {
  const set = mathematicsIn(text);
  const words = wordsIn(prose);
  const [only, ...others] = set;
  if (words <= MOST_BARE_WORDS && only && others.length === 0 && words > 0) return text.slice(0, only.index) + valueOf(only.content) + text.slice(only.end);
  if (words <= MOST_BARE_WORDS) return ((UNSPACED.test(text) ? numberOf(text) : undefined) ?? text.trim()) || undefined;
  if (only) return text.slice(only.index, set.at(-1)!.end);
  return numberOf(text) ?? (words <= MOST_WORDS ? text : undefined);
}

/** Of several numbers the amount of money, or the last one that is no circumstance. */
function numberOf(text: string): string | undefined {
  const plain = plainNumerals(text);
  const numbers = numbersIn(plain);
  const isMoney = ({ index, end }: { readonly index: number; readonly end: number }): boolean =>
    CURRENCY_AT_END.test(plain.slice(0, index + 1)) || /^\s?(?:dollars|cents|euros)/.test(plain.slice(end));
  const amounts = numbers.filter(isMoney);
  const main = numbers.filter(({ index }) => !CIRCUMSTANCE.test(plain.slice(Math.max(index - 20, 0), index)));
  const chosen = (amounts.length === 1 ? amounts[0] : main.at(-1)) ?? numbers.at(-1);
  return chosen && chosen.text + (plain[chosen.end] === '%' ? '%' : '');
}
