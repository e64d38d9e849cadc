import { readFileSync } from 'node:fs';

export interface AnswerPair {
  readonly left: string;
  readonly right: string;
  readonly isSame: boolean;
}

/** The pairs of `equivalence-pairs.txt` by section: `left == right` and `left != right`, one a line. */
export const pairsByKind: ReadonlyMap<string, readonly AnswerPair[]> = new Map(
  readFileSync(new URL('equivalence-pairs.txt', import.meta.url), 'utf8')
    .split(/^# /m)
    .slice(1)
    .map((section) => {
      const [kind = '', ...lines] = section.trimEnd().split('\n');
      return [kind, lines.map(pairOf)];
    }),
);

export const allPairs: readonly AnswerPair[] = [...pairsByKind.values()].flat();

function pairOf(line: string): AnswerPair {
  const [, left, operator, right] = /^(.*) (==|!=) (.*)$/.exec(line) ?? [];
  if (left === undefined || right === undefined) throw new Error(`No pair: ${line}`);
  return { left, right, isSame: operator === '==' };
}
