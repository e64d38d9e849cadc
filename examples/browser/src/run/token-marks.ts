import type { BranchView } from './run-view.ts';

/** Where a piece of a branch's text comes from: `own`, the target; `stood`, a draft that was confirmed; `fell`, one that was not. */
export interface TokenMark {
  readonly text: string;
  readonly kind: 'own' | 'stood' | 'fell';
  /** Whether a draft begins here. */
  readonly isDraftStart: boolean;
}

/** The text of a branch in pieces: drafted tokens singly, those that fell where they were proposed; between drafts a line at a time. */
export function tokenMarks({ text, drafts }: Pick<BranchView, 'text' | 'drafts'>): TokenMark[] {
  const marks: TokenMark[] = [];
  let at = 0;
  const own = (until: number): void => {
    for (const line of text.slice(at, Math.max(at, until)).split(/(?<=\n)/)) if (line !== '') marks.push({ text: line, kind: 'own', isDraftStart: false });
    at = Math.max(at, until);
  };
  for (const { offset, drafted, accepted } of drafts) {
    // What has been told of the text may be behind the drafts.
    if (offset > text.length) break;
    own(offset);
    for (const [position, token] of drafted.entries()) {
      const kind = position < accepted ? 'stood' : 'fell';
      if (kind === 'stood' && at + token.length > text.length) return marks;
      if (token !== '') marks.push({ text: token, kind, isDraftStart: position === 0 });
      if (kind === 'stood') at += token.length;
    }
  }
  own(text.length);
  return marks;
}

/** Neighbours of one kind joined, what fell left out: for small print. */
export function joinMarks(marks: readonly TokenMark[]): { readonly text: string; readonly kind: 'own' | 'stood' }[] {
  const joined: { text: string; kind: 'own' | 'stood' }[] = [];
  for (const { text, kind } of marks) {
    if (kind === 'fell') continue;
    const last = joined.at(-1);
    if (last?.kind === kind) last.text += text;
    else joined.push({ text, kind });
  }
  return joined;
}
