/** Mathematics that is set off, by an environment too; `$` by the rule of Pandoc, so that it is no currency. */
const MATHEMATICS =
  /(?<![\\$])(?:\$\$([^$]{1,600})\$\$|\$(?!\s)([^$]{1,400}?)(?<![\s\\])\$(?![\d$])|\\\(([^]{1,400}?)\\\)|\\\[([^]{1,600}?)\\\]|(\\begin\s?\{((?:[pbBvV]?matrix|cases|array|align|aligned|gather|gathered|equation|split)\*?)\}[^]{1,600}?\\end\s?\{\6\}))/g;
const SIGNS_AND_BRACKETS = /\\begin|\\end|\\(?:approx|implies|Rightarrow)(?![a-zA-Z])|\\[^]|(?<![<>!])=|[≈⇒,()[\]{}]/g;
const EQUALITY = /^(?:[=≈⇒]|\\(?:approx|implies|Rightarrow))$/;
const CLOSED_FORM = /^\s*-?(?:\d+\/\d+|\\[dt]?frac\s?\{-?\d+\}\s?\{\d+\}|\d*\s?(?:\\sqrt\s?(?:\{\d+\}|\d)|\\pi))\s*$/;
/** Environments that lay equations out, and the last line in one. */
const LAYOUT = /^\s*\\begin\s*\{((?:align|aligned|gather|gathered|equation|split)\*?)\}([^]*)\\end\s*\{\1\}\s*$/;

export interface SetOff {
  readonly content: string;
  readonly index: number;
  readonly end: number;
}

/** `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and environments in a text. */
export function mathematicsIn(text: string): SetOff[] {
  return [...text.matchAll(MATHEMATICS)].map(({ 0: whole, index, ...groups }) => ({
    content: (groups[1] ?? groups[2] ?? groups[3] ?? groups[4] ?? groups[5])!.trim().replace(/\s*[,;.]$/, ''),
    index,
    end: index + whole.length,
  }));
}

/** What mathematics comes to: what stands after its last sign of equality, unless that is within brackets or one of several. */
export function valueOf(content: string): string {
  const laidOut = LAYOUT.exec(content)?.[2];
  if (laidOut !== undefined) {
    const lines = laidOut
      .replaceAll('&', ' ')
      .split(/\\\\/)
      .filter((line) => line.trim() !== '');
    return valueOf(lines.at(-1) ?? '');
  }
  let [depth, start] = [0, 0];
  let isBehindComma = false;
  for (const { 0: sign, index } of content.matchAll(SIGNS_AND_BRACKETS)) {
    if (/^(?:\\begin|[([{])$/.test(sign)) depth++;
    else if (/^(?:\\end|[)\]}])$/.test(sign)) depth--;
    else if (depth === 0 && sign === ',') isBehindComma ||= start > 0;
    else if (depth === 0 && EQUALITY.test(sign)) {
      // `x = 2, y = 3` are two.
      if (isBehindComma) return content.trim();
      // What rounds a closed form says less than it.
      if (/≈|approx/.test(sign) && CLOSED_FORM.test(content.slice(start, index))) return content.slice(start, index).trim();
      start = index + sign.length;
    }
  }
  return content.slice(start).trim() || content.trim();
}
