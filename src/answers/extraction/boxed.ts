import { proseIn } from './said.ts';
import { cleanAnswer } from './numbers.ts';

const BOX = /\\(?:boxed|fbox)(?![a-zA-Z])\s*/g;
/** What follows a box without braces: a command with its arguments, or a run up to a space or the end of the mathematics. */
const UNBRACED = /^(?:\\[a-zA-Z]+(?:\{[^{}]*\})*|[^\s$\\{}]+)/;
const LABEL = String.raw`(?<label>\\?[\p{L}\d_'{}]{1,12})\s*=\s*$`;
const LABELLED = new RegExp(LABEL, 'u');
/** What stands between boxes that count together: a joint, and what the next one is called. */
const JOINT = new RegExp(
  String.raw`^\s*[$)\]\\.]{0,4}\s*(?:(?!and|or|so|then|thus)[a-z]{1,7}(?=[\s,]))?\s*(?<joint>[,;]\s*(?:and|or)?|and|or|&|und|oder|et|ou|y|o|e)(?!\p{L})\s*[$([\\]{0,4}\s*(?:${LABEL}|(?!(?:which|so|that|hence|thus|then)\b)(?:[\p{L} ]{0,40}\b(?:is|are)\b)?[\s$([\\]*$)`,
  'iu',
);
const MOST_BETWEEN = 80;
const MOST_JOINED = 12;

interface Box {
  readonly start: number;
  readonly end: number;
  readonly content: string;
}

/**
 * The content of the last `\boxed{…}` or `\fbox{…}`, with braces matched; of `\boxed 5` what follows. Boxes that a sentence
 * lists (`\boxed{2}$ and $\boxed{3}`) count together.
 */
export function boxedAnswer(text: string): string | undefined {
  const said = proseIn(text);
  const boxes = boxesIn(said);
  const last = boxes.pop();
  if (!last) return undefined;
  const joined = [last];
  const links: Readonly<Record<string, string | undefined>>[] = [];
  for (let before = boxes.pop(); before && joined.length < MOST_JOINED; before = boxes.pop()) {
    const between = said.slice(before.end, joined[0]!.start);
    const link = between.length > MOST_BETWEEN ? undefined : JOINT.exec(between)?.groups;
    if (!link) break;
    joined.unshift(before);
    links.unshift(link);
  }
  const opening = LABELLED.exec(said.slice(Math.max(joined[0]!.start - 20, 0), joined[0]!.start))?.groups;
  const labels = [opening, ...links].map((link) => link?.['label']);
  const contents = joined.map(({ content }, index) => {
    const answer = cleanAnswer(content, said)!;
    return joined.length > 1 && labels.every(Boolean) ? `${labels[index]!} = ${answer}` : answer;
  });
  return contents.join(links.some((link) => /\bor\b|oder|ou/i.test(link['joint']!)) ? ' or ' : ', ');
}

/** Boxes with something in them, in the order they start in. One that is not closed is none. */
function boxesIn(text: string): Box[] {
  const starts = new Map([...text.matchAll(BOX)].map(({ 0: command, index }) => [index + command.length, index]));
  const boxes: Box[] = [];
  for (const [at, start] of starts) {
    if (text[at] === '{') continue;
    const content = UNBRACED.exec(text.slice(at, at + MOST_BETWEEN))?.[0] ?? '';
    boxes.push({ start, end: at + content.length, content });
  }
  const open: number[] = [];
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '\\') index++;
    else if (character === '{') open.push(index);
    else if (character === '}' && open.length > 0) {
      const at = open.pop()!;
      const start = starts.get(at);
      if (start !== undefined) boxes.push({ start, end: index + 1, content: text.slice(at + 1, index) });
    }
  }
  return boxes.filter(({ content }) => cleanAnswer(content) !== undefined).sort((left, right) => left.start - right.start);
}
