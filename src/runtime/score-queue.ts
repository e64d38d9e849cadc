import type { Prompt } from '../contracts/prompt.ts';
import type { ScoredText, ScoreOptions } from '../contracts/scorer.ts';
import { requireScores } from '../maths/require-score.ts';
import { AbortScope } from './abort-scope.ts';
import type { RunScope } from './run-scope.ts';
import { withinDeadline } from './within-deadline.ts';

/** What a queue needs of a scorer. Outcome scorers give numbers, step scorers lists of them. */
export interface QueuedScorer<Score> {
  readonly name: string;
  score(prompt: Prompt, texts: readonly ScoredText[], options?: ScoreOptions): Promise<readonly (Score | undefined)[]>;
}

interface Entry<Score> {
  readonly text: ScoredText;
  readonly score: Promise<Score | undefined>;
  readonly resolve: (score: Score | undefined) => void;
}

/**
 * Scores texts of one run as they come: one call of the scorer at a time, each with all the texts that have come since the
 * last began. So scoring goes on while other branches decode. Equal texts are scored once.
 *
 * A call that fails, or that the deadline overtakes, leaves its texts without a score and the run as it is.
 */
export class ScoreQueue<Score> {
  /** What calls failed with, in order. */
  readonly errors: unknown[] = [];
  readonly #scope: RunScope;
  readonly #prompt: Prompt;
  readonly #scorer: QueuedScorer<Score>;
  readonly #entries = new Map<string, Entry<Score>>();
  readonly #ending = new AbortScope();
  #waiting: Entry<Score>[] = [];
  #calls: Promise<void> | undefined;

  constructor(scope: RunScope, prompt: Prompt, scorer: QueuedScorer<Score>) {
    this.#scope = scope;
    this.#prompt = prompt;
    this.#scorer = scorer;
  }

  /** The text's score; `undefined` when there was no time for it or scoring it failed. Never rejects. */
  add(text: ScoredText): Promise<Score | undefined> {
    const key = `${text.isFinished ? 'finished' : 'open'} ${text.text}`;
    const known = this.#entries.get(key);
    if (known) return known.score;
    if (this.#ending.signal.aborted) return Promise.resolve(undefined);
    let resolve!: Entry<Score>['resolve'];
    const score = new Promise<Score | undefined>((settle) => (resolve = settle));
    const entry = { text, score, resolve };
    this.#entries.set(key, entry);
    this.#waiting.push(entry);
    this.#calls ??= this.#call();
    return score;
  }

  /** Waits until every text has its score, at most until the deadline. @throws the run's abort reason. */
  async settle(): Promise<void> {
    while (this.#calls && !this.#scope.isPastDeadline()) await withinDeadline(this.#scope, this.#calls);
    this.close();
  }

  /** Ends scoring: the call under way is told to stop, texts without a score stay so. Safe to call twice. */
  close(): void {
    this.#ending.end();
    for (const { resolve } of this.#entries.values()) resolve(undefined);
  }

  async #call(): Promise<void> {
    // Texts that end in the same step come in the same turn.
    await Promise.resolve();
    const { signal } = this.#ending;
    while (this.#waiting.length > 0 && !signal.aborted && !this.#scope.isPastDeadline()) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#score(batch);
      } catch (error) {
        if (!signal.aborted) this.errors.push(error);
      }
      for (const { resolve } of batch) resolve(undefined);
    }
    this.#calls = undefined;
  }

  async #score(batch: readonly Entry<Score>[]): Promise<void> {
    const { clock, deadlineAt } = this.#scope;
    const texts = batch.map(({ text }) => text);
    const { signal } = this.#ending;
    const onError = (error: unknown): void => {
      // What was given up may fail in any way.
      if (!signal.aborted) this.errors.push(error);
    };
    const scores: unknown = await this.#scorer.score(this.#prompt, texts, { signal, deadlineAt, clock, onError });
    for (const [index, score] of requireScores(this.#scorer.name, scores, texts.length, onError).entries()) batch[index]!.resolve(score as Score | undefined);
  }
}
