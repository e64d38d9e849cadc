import { boxedAnswer } from './boxed.ts';
import { answerAfterHashes } from './hashes.ts';
import { proseIn, withoutQuestions } from './said.ts';
import { ANSWER, COPULA, FOREIGN_ANSWER } from './words.ts';

/** What may surround a letter and goes before anything is read: `\text{`, `**`, quotes. */
const MARKUP =
  /\\(?:text(?:bf|it|rm)?|math(?:rm|bf)|boxed|fbox|left|right)(?![a-zA-Z])|[*$`"“”„«»{}]|(?<![\p{L}\p{N}])_+|_+(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])['‘’]|['‘’](?![\p{L}\p{N}])/gu;
const WIDE_LETTER = /[Ａ-Ｚａ-ｚⒶ-ⓩ]/g;
/** `B`, `(B)`, `[B]`, `B)` */
const LETTER = String.raw`(?<open>[([（【]?)(?<letter>[a-zA-Z])(?<close>[)\]）】]?)(?![\p{Script=Latin}\p{M}\p{N}_]|['’]\p{L})`;
const ALONE = String.raw`(?<![\p{Script=Latin}\p{M}\p{N}'’\\.])${LETTER}`;
const OPTION = String.raw`(?:(?<!\p{L})(?:option|choice|letter|opción|opção|opzione|вариант)(?:\s*[:=]\s*|\s+)|选项|選項)`;

/** Where an answer is announced: `the answer is`, `**Answer**`, `<answer>`, `I choose`. */
const ANNOUNCED = new RegExp(
  String.raw`${ANSWER}(?:\s+(?:to|of|for)\s[^.:\n]{1,80}?)?\s{0,3}(?:${COPULA}\s{0,3}:?|[>\n→➜–—-])|[选選](?:择|擇)?|${FOREIGN_ANSWER}|(?<!\p{L})(?:choose|pick|select|go(?:ing)? with)(?!\p{L})`,
  'giu',
);
/** In a language whose words between are not known: `La réponse correcte est la B`. */
const LOOSE = /^[^\p{Lu}\d.,;!?。\n]{0,40}?(?<!\p{Script=Latin})[([（]?(?<letter>[A-Z])(?!\p{Script=Latin}|[\p{M}\p{N}'’])/u;
const OPENING = new RegExp(String.raw`^\s*(?:(?:the|therefore|thus|hence|so|clearly|definitely|indeed|simply),?\s+){0,2}(?:${OPTION})?${LETTER}`, 'iu');
/** `not A but B` */
const REPLACED =
  /^\s*(?:(?:[^\s.]{1,12}\s+){0,2}(?<!\p{L})(?:not|nicht|pas|non?|não|не|niet|inte|ikke|nie)\s[^.\n]{1,60}?[\s,](?:but|rather|sondern|mais|sino|mas?|а|но|maar|utan|men|lecz)\s+|不是.{1,20}?而是)/iu;
const NOT_ENGLISH = new RegExp(`^${FOREIGN_ANSWER}`, 'iu');
const LAST_LINE = new RegExp(String.raw`\n\s*(?:${OPTION})?${LETTER}[\s.:]*$`, 'iu');
const CALLED_RIGHT = new RegExp(
  String.raw`${ALONE}(?:\s+(?:is|must be)\s+(?:(?:the|therefore|thus)\s+){0,2}(?:correct|right|best|answer)(?!\p{L})|\s*:\s*(?:true|correct)(?!\p{L})|\s*[✓✔✅])`,
  'gu',
);
/** `all but B are wrong` */
const SPARED = new RegExp(
  String.raw`(?<!\p{L})(?:all|every\w*|each)\s[^.\n]{0,40}?(?<!\p{L})(?:except|but)\s+(?:for\s+)?(?:${OPTION})?${LETTER}\s+(?:is|are)\s+(?:wrong|false|incorrect)`,
  'giu',
);
const NAMED = new RegExp(`${OPTION}${LETTER}`, 'giu');
/** Lines of options, one after another. */
const LISTED = /(?:^[ \t]*[([]?[A-Z][).:\]][^\n]*(?:\n\s*|$)){2,}/gm;
const ANYWHERE = new RegExp(ALONE, 'gu');
const BRACKETED = new RegExp(String.raw`[([（【](?<letter>[A-Z])[)\]）】]`, 'gu');

/** What stands before and after a letter that is turned down. */
const REJECTED_BEFORE =
  /(?:(?<!\p{L})(?:not|nicht|pas|non|não|не|niet|inte|ikke|nie|neither|nor)|n't|不是|rather than|instead of|except)(?:\s+(?:be|is|option|choice|the|answer)){0,3}\s*[([]?$|(?<![\p{L}\p{N}])[A-Z][)\]]?(?:,|\s+(?:or|and|&))\s+(?:(?:or|and)\s+)?[([]?$|(?:eliminat\w*|rul\w+ out|exclud\w*)(?:(?!left|leav|so|thus|which)[^.\n]){0,30}$/iu;
const REJECTED_AFTER =
  /^[)\]]?\s+(?:is|are|was|would be|must be|can)(?:\s+(?:also|clearly|therefore|obviously))?\s*(?:not|n't|incorrect|wrong|false|too|impossible|invalid|out)(?![a-z])/i;

/**
 * The letter of a multiple choice: in a box or after `####`, announced as the answer, on a line of its own, called right, in
 * brackets, or the last capital that stands alone (`A` and `I` are words there). Letters that are turned down do not count.
 *
 * @param letters - What can be chosen. @default 'ABCDEFGHIJ'
 */
export function choiceAnswer(text: string, letters = 'ABCDEFGHIJ'): string | undefined {
  const said = proseIn(text);
  const plain = said.replace(MARKUP, '').replace(WIDE_LETTER, (letter) => letter.normalize('NFKC'));
  const isKnown = (letter: string | undefined): letter is string => letter !== undefined && letters.includes(letter);
  const opening = (part: string): string | undefined => {
    const match = OPENING.exec(part);
    return match && isChosen(match.groups!, part.slice(match[0].length)) && isKnown(match.groups!['letter']!.toUpperCase())
      ? match.groups!['letter']!.toUpperCase()
      : undefined;
  };
  const last = (pattern: RegExp, plain: string): string | undefined =>
    [...plain.matchAll(pattern)]
      .findLast(({ 0: found, index, groups }) => {
        const end = index + found.length;
        const isRejected = REJECTED_BEFORE.test(plain.slice(Math.max(index - 40, 0), index)) || REJECTED_AFTER.test(plain.slice(end, end + 40));
        const { open, letter, close } = groups!;
        return (
          isKnown(open && close ? letter!.toUpperCase() : letter) &&
          !isRejected &&
          (groups!['close'] === undefined || isChosen(groups!, plain.slice(end, end + 20)))
        );
      })
      ?.groups!['letter']?.toUpperCase();
  const announced = (): string | undefined => {
    for (const { 0: words, index } of [...plain.matchAll(ANNOUNCED)].reverse()) {
      const rest = plain.slice(index + words.length, index + words.length + 200).replace(REPLACED, '');
      const loose = NOT_ENGLISH.test(words) ? LOOSE.exec(rest)?.groups!['letter'] : undefined;
      const letter =
        opening(rest) ??
        (isKnown(loose) ? loose : undefined) ??
        [...rest.split(/\n|\.\s/, 1)[0]!.matchAll(BRACKETED)].map(({ groups }) => groups!['letter']).findLast(isKnown);
      if (letter !== undefined) return letter;
    }
    return undefined;
  };
  // Options that are listed again, or asked about, are not chosen.
  const unlisted = plain.replace(LISTED, '\n');
  const asserted = withoutQuestions(unlisted);
  const written = boxedAnswer(said) ?? answerAfterHashes(said);
  return (
    (written && opening(written.replace(MARKUP, ''))) ??
    announced() ??
    opening(LAST_LINE.exec(unlisted.slice(-200))?.[0] ?? '') ??
    last(SPARED, plain) ??
    last(CALLED_RIGHT, withoutQuestions(plain)) ??
    last(NAMED, withoutQuestions(plain)) ??
    (REJECTED_AFTER.test(unlisted.replace(/^\s*[([]?[A-Z]/, '').slice(0, 40)) ? undefined : opening(unlisted)) ??
    last(BRACKETED, asserted) ??
    last(ANYWHERE, asserted)
  );
}

/** Whether a letter is chosen rather than a word or a name: by its brackets, or by what follows. */
function isChosen({ open, letter, close }: Readonly<Record<string, string | undefined>>, rest: string): boolean {
  if (/^\s*(?:or\s|(?:and|[\/&])\s*[([]?[B-HJ-Z](?!\p{L}))/u.test(rest)) return false;
  if (close !== '') return open !== '' || close === ')';
  if (/^\s*(?:[.,:;!?\n)<]|$)/.test(rest)) return true;
  if (letter! >= 'a') return false;
  return !/^[AI]$/.test(letter!) || /^\s+(?:because|since|as|is|which|[-–—(])/.test(rest);
}
