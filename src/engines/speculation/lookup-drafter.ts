/**
 * Drafts without a model: what followed the last few tokens when they occurred before.
 *
 * `LookupDrafter` looks in the branch's own prompt and text (prompt lookup decoding, Saxena 2023,
 * https://github.com/apoorvumang/prompt-lookup-decoding); `SiblingDrafter` in the other branches of the prompt, which often
 * write the same steps (arXiv:2503.05330).
 *
 * @module
 */
import type { Draft, Drafter, DraftRequest } from '../../contracts/drafter.ts';
import { InvalidOptionError } from '../../errors.ts';
import { requireWholeNumber } from '../../options.ts';

export interface LookupDrafterOptions {
  /** Fewest last tokens that must recur. Whole number ≥ 1. @default 2 */
  readonly minMatch?: number;
  /** Most last tokens that are compared; longer matches are tried first. @default 4 */
  readonly maxMatch?: number;
}

const NOTHING: Draft = { tokens: [], probs: undefined };

/** Looks the last tokens up in the prompt and the text of the same branch. */
export class LookupDrafter implements Drafter {
  readonly name = 'lookup';
  readonly #minMatch: number;
  readonly #maxMatch: number;

  /** @throws {InvalidOptionError} */
  constructor(options: LookupDrafterOptions = {}) {
    [this.#minMatch, this.#maxMatch] = requireMatchRange(options);
  }

  async propose(requests: readonly DraftRequest[]): Promise<Draft[]> {
    return requests.map(({ promptTokens, tokens, limit }) => {
      const context = [...promptTokens, ...tokens];
      for (let length = Math.min(this.#maxMatch, context.length - 1); length >= this.#minMatch; length--) {
        const end = lastMatchEnd(context, context, length, context.length - 1);
        if (end !== undefined) return { tokens: context.slice(end, end + limit), probs: undefined };
      }
      return NOTHING;
    });
  }

  forget(): void {}

  async dispose(): Promise<void> {}
}

/** Looks the last tokens up in the other branches of the same prompt. */
export class SiblingDrafter implements Drafter {
  readonly name = 'sibling';
  readonly #minMatch: number;
  readonly #maxMatch: number;

  /** @throws {InvalidOptionError} */
  constructor(options: LookupDrafterOptions = {}) {
    [this.#minMatch, this.#maxMatch] = requireMatchRange(options);
  }

  async propose(requests: readonly DraftRequest[]): Promise<Draft[]> {
    return requests.map((request) => this.#proposeOne(request));
  }

  forget(): void {}

  async dispose(): Promise<void> {}

  /** Follows, among the branches with the longest match, the one whose next token most of them share. */
  #proposeOne({ promptTokens, tokens, siblings, limit }: DraftRequest): Draft {
    const suffix = tokens.length >= this.#maxMatch ? tokens.slice(-this.#maxMatch) : [...promptTokens.slice(-this.#maxMatch), ...tokens].slice(-this.#maxMatch);
    for (let length = suffix.length; length >= this.#minMatch; length--) {
      const continuations = siblings.flatMap((sibling) => {
        const end = lastMatchEnd(sibling, suffix, length, sibling.length - 1);
        return end === undefined ? [] : [sibling.slice(end, end + limit)];
      });
      if (continuations.length > 0) return { tokens: mostShared(continuations), probs: undefined };
    }
    return NOTHING;
  }
}

function requireMatchRange({ minMatch = 2, maxMatch = Math.max(4, minMatch) }: LookupDrafterOptions): [number, number] {
  requireWholeNumber('minMatch', minMatch, 1);
  requireWholeNumber('maxMatch', maxMatch, 1);
  if (maxMatch < minMatch) throw new InvalidOptionError('maxMatch', `at least minMatch (${minMatch})`, maxMatch);
  return [minMatch, maxMatch];
}

/** Where the last occurrence of the last `length` tokens of `pattern` ends in `text`, at most at `latestEnd`. */
function lastMatchEnd(text: readonly number[], pattern: readonly number[], length: number, latestEnd: number): number | undefined {
  const patternStart = pattern.length - length;
  for (let end = latestEnd; end >= length; end--) {
    let matched = 0;
    while (matched < length && text[end - 1 - matched] === pattern[patternStart + length - 1 - matched]) matched++;
    if (matched === length) return end;
  }
  return undefined;
}

function mostShared(continuations: readonly (readonly number[])[]): readonly number[] {
  const counts = new Map<number, number>();
  for (const [first] of continuations) counts.set(first!, (counts.get(first!) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return continuations.find(([first]) => counts.get(first!) === most)!;
}
