import type { BranchProgress } from '../../contracts/engine.ts';

/** Where tokens end in texts, from what an engine tells of its progress. */
export class TokenEnds {
  /** Length of the text by number of tokens, for each branch. */
  readonly #noted = new Map<number, Map<number, number>>();

  note(progress: readonly BranchProgress[]): void {
    for (const { branch, tokenCount, text } of progress) {
      const noted = this.#noted.get(branch) ?? new Map<number, number>();
      noted.set(tokenCount, text.length);
      this.#noted.set(branch, noted);
    }
  }

  of(branch: number): ReadonlyMap<number, number> {
    return this.#noted.get(branch) ?? new Map<number, number>();
  }

  /**
   * Ends of `count` tokens of a text; those that are not known are spread evenly between their neighbours.
   *
   * @param endOf - Where the first n tokens end, where that is known.
   */
  static whole(textLength: number, count: number, endOf: (tokens: number) => number | undefined): number[] {
    const ends: number[] = [];
    let [known, knownAt] = [0, 0];
    for (let tokens = 1; tokens <= count; tokens++) {
      const end = tokens === count ? textLength : endOf(tokens);
      if (end === undefined) continue;
      const bounded = Math.min(textLength, Math.max(known, end));
      for (let token = knownAt + 1; token <= tokens; token++) ends.push(Math.round(known + ((bounded - known) * (token - knownAt)) / (tokens - knownAt)));
      [known, knownAt] = [bounded, tokens];
    }
    return ends;
  }
}
