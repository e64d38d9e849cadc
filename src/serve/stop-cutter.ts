/** What may be said of a text that grows. */
export interface CutText {
  /** The text that stands, whatever follows. */
  readonly text: string;
  /** The stop string that ends it, where one was met. */
  readonly stop: string | undefined;
}

/** Cuts texts at stop strings, and holds back what may be the beginning of one. */
export class StopCutter {
  readonly #stops: readonly string[];
  readonly #keepsStop: boolean;

  /** @param keepsStop - Whether a stop string stays in the text. */
  constructor(stops: readonly string[], keepsStop: boolean) {
    this.#stops = stops;
    this.#keepsStop = keepsStop;
  }

  /** The text up to the first stop string to be completed; all of it where there is none. */
  cut(text: string): CutText {
    let first: { readonly start: number; readonly end: number; readonly stop: string } | undefined;
    for (const stop of this.#stops) {
      const start = text.indexOf(stop);
      if (start < 0) continue;
      const end = start + stop.length;
      if (!first || end < first.end || (end === first.end && start < first.start)) first = { start, end, stop };
    }
    return first ? { text: text.slice(0, this.#keepsStop ? first.end : first.start), stop: first.stop } : { text, stop: undefined };
  }

  /** The same of a text that may grow: without the beginning of a stop string, or of a character, at its end. */
  cutGrowing(text: string): CutText {
    const cut = this.cut(text);
    if (cut.stop !== undefined) return cut;
    // Half of a character's bytes decode to the replacement character.
    let end = text.replace(/\uFFFD+$/, '').length;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > text.length - end; length--) {
        if (text.endsWith(stop.slice(0, length))) end = text.length - length;
      }
    }
    return { text: text.slice(0, end), stop: undefined };
  }
}
