import { boxedAnswer } from './boxed.ts';
import { answerAfterHashes } from './hashes.ts';

/** A letter by itself, as `B`, `(B)`, `B.`, `**B**`, `\text{(B)}`, or before its content, as `(B) 42`. */
const ALONE = /^(?:\\(?:text|textbf|mathrm|mathbf)\s*\{)?[\s*$({[]*([A-Z])[\s*$)}\].:]*(?:$|(?<=[).:\]}*])\s)/;
const STATED = /\b(?:answer|option|choice)\b(?:\s+(?:is|would be|must be|should be))?\s*:?\s*[*$({\\a-z]{0,12}?\s?\(?([A-Z])\)?(?![\w'])/g;
const IN_BRACKETS = /\(([A-Z])\)/g;
const LAST_LINE = /(?:^|\n)[\s*$([]*([A-Z])[\s*$)\].:]*\s*$/;
const WORD = /(?<![\w'\\])([B-HJ-Z])(?![\w'])/g;

/**
 * The letter of a multiple choice: in a box or after `####`, behind "answer", "option" or "choice", in brackets, or the
 * last capital that stands alone (`A` and `I` are words there).
 *
 * @param letters - What can be chosen. @default 'ABCDEFGHIJ'
 */
export function choiceAnswer(text: string, letters = 'ABCDEFGHIJ'): string | undefined {
  const explicit = boxedAnswer(text) ?? answerAfterHashes(text);
  const candidates = [
    ALONE.exec(explicit ?? '')?.[1],
    lastOf(STATED, text, letters),
    LAST_LINE.exec(text.slice(-200))?.[1],
    lastOf(IN_BRACKETS, text, letters),
    ALONE.exec(text)?.[1],
    lastOf(WORD, text, letters),
  ];
  return candidates.find((letter) => letter !== undefined && letters.includes(letter));
}

function lastOf(pattern: RegExp, text: string, letters: string): string | undefined {
  return [...text.matchAll(pattern)].map(([, letter]) => letter!).findLast((letter) => letters.includes(letter));
}
