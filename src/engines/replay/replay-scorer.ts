import type { LatencyProfile } from '../../contracts/profile.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import type { ScoredText, ScoreOptions, StepScorer } from '../../contracts/scorer.ts';
import { wholeSteps } from '../../maths/whole-steps.ts';
import type { SimulatedClock } from '../../runtime/simulated-clock.ts';
import type { ReplayBank } from './replay-bank.ts';

/** Tokens of a text that are new to the scorer when it is to be judged, as long as none has been. */
const TYPICAL_TOKENS = 64;
/** What ends a step. */
const SEPARATOR = '\n';

/**
 * Gives the scores that were recorded, after the time that scoring takes: a prompt is read once, of texts what is new, ahead of
 * their scoring where there is time, and calls take turns. A text that was never scored stays without.
 */
export class ReplayScorer implements StepScorer {
  readonly name = 'replay';
  readonly kind = 'step';
  readonly #bank: ReplayBank;
  readonly #profile: LatencyProfile;
  readonly #clock: SimulatedClock;
  /** Texts that have been read, by prompt. */
  readonly #read = new Map<Prompt, readonly string[]>();
  #calls = 0;
  /** What is to be read ahead. */
  #ahead: readonly string[] = [];
  #isReadingAhead = false;
  /** Over when the calls so far are. */
  #turn: Promise<void> = Promise.resolve();

  constructor(bank: ReplayBank, profile: LatencyProfile, clock: SimulatedClock) {
    this.#bank = bank;
    this.#profile = profile;
    this.#clock = clock;
  }

  score(prompt: Prompt, texts: readonly ScoredText[], options: ScoreOptions = {}): Promise<(readonly number[] | undefined)[]> {
    return this.#inTurn(() => this.#score(prompt, texts, options));
  }

  /** As a `PrmScorer` in a worker does it: text by text, while there is nothing to score. */
  readonly readAhead = (prompt: Prompt, texts: readonly string[]): void => {
    if (texts.length === 0 && !this.#read.has(prompt)) void this.#readNext(prompt);
    this.#ahead = texts.map((text) => wholeSteps(text, SEPARATOR)).filter((text) => text !== '');
    if (this.#ahead.length > 0 && !this.#isReadingAhead) void this.#readAll(prompt);
  };

  estimateMs(texts: number): number {
    return this.#costMs(texts, TYPICAL_TOKENS);
  }

  async dispose(): Promise<void> {}

  async #score(prompt: Prompt, texts: readonly ScoredText[], { signal, deadlineAt = Infinity }: ScoreOptions): Promise<(readonly number[] | undefined)[]> {
    signal?.throwIfAborted();
    const read = texts.map(({ text }) => text);
    // The end of a text is read when it is judged.
    const costMs = this.#readingMs(prompt, read, 1);
    if (this.#clock.now() + costMs > deadlineAt) return texts.map(() => undefined);
    await this.#clock.wait(costMs, signal);
    this.#note(prompt, read);
    signal?.throwIfAborted();
    return read.map((text) => this.#bank.scoresOf(prompt, text));
  }

  async #readAll(prompt: Prompt): Promise<void> {
    this.#isReadingAhead = true;
    while (this.#ahead.length > 0) {
      const text = this.#ahead[0]!;
      this.#ahead = this.#ahead.slice(1);
      await this.#readNext(prompt, text);
    }
    this.#isReadingAhead = false;
  }

  /** A text, or the prompt alone; left out where there is something to score. */
  async #readNext(prompt: Prompt, ...texts: readonly string[]): Promise<void> {
    if (this.#calls > 0) return;
    await this.#inTurn(async () => {
      await this.#clock.wait(this.#readingMs(prompt, texts, 0));
      this.#note(prompt, texts);
    });
  }

  /** After the calls so far. One that fails has had its turn, too. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#calls++;
    const done = this.#turn.then(work);
    const end = (): void => void this.#calls--;
    this.#turn = done.then(end, end);
    return done;
  }

  /** Milliseconds to read what is new of a prompt and of texts behind it. @param least - New tokens that each text has at least. */
  #readingMs(prompt: Prompt, texts: readonly string[], least: number): number {
    const known = this.#read.get(prompt);
    const promptMs = known ? 0 : this.#costMs(1, this.#bank.promptTokens(prompt));
    const tokens = (text: string): number => this.#bank.tokensIn(prompt, text);
    const fresh = texts.map((text) => Math.max(least, tokens(text) - tokens(longestStart(known ?? [], text)))).filter((count) => count > 0);
    return promptMs + this.#costMs(fresh.length, Math.max(...fresh));
  }

  #note(prompt: Prompt, texts: readonly string[]): void {
    const known = this.#read.get(prompt) ?? [];
    this.#read.set(prompt, [...known.filter((text) => !texts.some((longer) => longer.startsWith(text))), ...texts]);
  }

  #costMs(rows: number, newTokens: number): number {
    return rows === 0 ? 0 : this.#profile.passMs('scorer', { rows, newTokens, contextTokens: 0 });
  }
}

/** The longest of some texts that the text begins with. */
function longestStart(texts: readonly string[], text: string): string {
  return texts.reduce((longest, known) => (known.length > longest.length && text.startsWith(known) ? known : longest), '');
}
