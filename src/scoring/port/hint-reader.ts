import type { Prompt } from '../../contracts/prompt.ts';
import { nextTask } from '../../models/exclusive-session.ts';
import type { Scoring } from '../scoring.ts';

/**
 * Reads what hints tell of, one text at a time, and lets messages in between: what is really asked for waits for a short pass
 * at most. A new hint takes the place of the last one, where texts were shorter.
 */
export class HintReader {
  readonly #scoring: Scoring<unknown>;
  #prompt: Prompt = '';
  #texts: readonly string[] = [];
  #left = 0;
  /** Goes on from hint to hint: with too little time, no text is always the one left out. */
  #place = 0;
  #isReading = false;

  constructor(scoring: Scoring<unknown>) {
    this.#scoring = scoring;
  }

  /** Rejects never. */
  async take(prompt: Prompt, texts: readonly string[]): Promise<void> {
    this.#prompt = prompt;
    this.#texts = texts;
    this.#left = Math.max(1, texts.length);
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#left-- > 0) {
      await this.#scoring.readAhead?.(this.#prompt, this.#texts.length > 0 ? [this.#texts[this.#place++ % this.#texts.length]!] : []);
      await nextTask();
    }
    this.#isReading = false;
  }
}
