/**
 * What merely surrounds an answer: delimiters, boxes, a lead-in, a full stop.
 *
 * @module
 */

/** Delimiters that an answer may stand between as a whole. */
const DELIMITERS = [
  ['$$', '$$'],
  ['$', '$'],
  ['\\(', '\\)'],
  ['\\[', '\\]'],
  ['**', '**'],
  ['__', '__'],
  ['`', '`'],
  ['"', '"'],
  ["'", "'"],
] as const;
const LEAD_IN =
  /^(?:(?:so|thus|therefore|hence),?\s+)?(?:the\s+)?(?:final\s+|correct\s+)?(?:answer|ans|result|value|solution(?:\s+set)?)(?:\s*(?:is|=|:))+\s*(?=\S)/i;
const HEDGE =
  /^(?:the(?=\s+\d)|(?:the )?(?:number|integer|fraction|value|ratio|matrix|point|vector|set|interval|equation|expression|(?:ordered )?pair)(?=\s+[\d$\\([{-])|year(?=\s+\d{4})|it(?: is|'s)|on|at(?!\s(?:least|most))|in|only|approximately|approx\.?|about|roughly|around|exactly|equals?(?:\s+to)?),?\s+(?=\S)/i;
/** `both A and B` */
const BOTH = /^(?:both|either)\s+(?=\S.*\s(?:and|or)\s)/i;
/** A box or prose around the whole answer. */
const BOX = /^\\(?:boxed|fbox|text|textbf|textrm|textit|mbox)\s*(?=\{)/;
const MOST_UNWRAPPINGS = 10;

/** An answer without what merely surrounds it: delimiters, boxes, a lead-in, a full stop. */
export function unwrapped(text: string): string {
  let rest = text.trim();
  for (let step = 0; step < MOST_UNWRAPPINGS; step++) {
    const next = unwrappedOnce(rest);
    if (next === rest || next === '') return rest;
    rest = next;
  }
  return rest;
}

function unwrappedOnce(text: string): string {
  for (const [open, close] of DELIMITERS) {
    const inner = text.slice(open.length, -close.length);
    if (inner !== '' && text.startsWith(open) && text.endsWith(close) && !hasDelimiter(inner, open)) return inner.trim();
  }
  if (text.endsWith('}') && hasSpareBrace(text)) return text.slice(0, -1).trim();
  const box = BOX.exec(text);
  if (box && closingBrace(text, box[0].length) === text.length - 1) return text.slice(box[0].length + 1, -1).trim();
  const prose = /^\\(?:text|textrm|mbox)\s*\{([^{}]*)\}(?=.)/.exec(text);
  // `\text{The answer is }5`
  const said = prose && `${prose[1]!} ${text.slice(prose[0].length)}`;
  if (said && (LEAD_IN.exec(said) ?? HEDGE.exec(said))?.[0].trim() === prose[1]!.trim()) return text.slice(prose[0].length).trim();
  return text
    .replace(LEAD_IN, '')
    .replace(HEDGE, '')
    .replace(BOTH, '')
    .replace(/(?<![.\\])[.;,]$/, '')
    .trim();
}

/** Whether more braces close than open. */
function hasSpareBrace(text: string): boolean {
  const count = (brace: RegExp): number => text.match(brace)?.length ?? 0;
  return count(/(?<!\\)\}/g) > count(/(?<!\\)\{/g);
}

function hasDelimiter(inner: string, delimiter: string): boolean {
  return delimiter === '$' ? /(?<!\\)\$|\\$/.test(inner) : inner.includes(delimiter);
}

/** Where the brace that opens at `start` is closed; −1 where it is not. */
export function closingBrace(text: string, start: number): number {
  let depth = 0;
  for (let index = start; index < text.length; index++) {
    const character = text[index];
    if (character === '\\') index++;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) return index;
  }
  return -1;
}
