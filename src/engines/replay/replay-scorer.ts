import type { LatencyProfile } from '../../contracts/profile.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import type { ScoredText, ScoreOptions, StepScorer } from '../../contracts/scorer.ts';
import type { SimulatedClock } from '../../runtime/simulated-clock.ts';
import type { ReplayBank } from './replay-bank.ts';

/** Characters of a token, to tell how much a scorer has to read. */
const CHARACTERS_A_TOKEN = 3;
/** Tokens of a text, as long as none has been scored. */
const TYPICAL_TOKENS = 64;

/** Gives the scores that were recorded, after the time that scoring takes. A text that was never scored stays without. */
export class ReplayScorer implements StepScorer {
  readonly name = 'replay';
  readonly kind = 'step';
  readonly #bank: ReplayBank;
  readonly #profile: LatencyProfile;
  readonly #clock: SimulatedClock;

  constructor(bank: ReplayBank, profile: LatencyProfile, clock: SimulatedClock) {
    this.#bank = bank;
    this.#profile = profile;
    this.#clock = clock;
  }

  async score(prompt: Prompt, texts: readonly ScoredText[], { signal, deadlineAt = Infinity }: ScoreOptions = {}): Promise<(readonly number[] | undefined)[]> {
    signal?.throwIfAborted();
    const characters = texts.reduce((longest, { text }) => Math.max(longest, text.length), 0);
    const costMs = this.#costMs(texts.length, this.#bank.problem(prompt).promptTokens + Math.ceil(characters / CHARACTERS_A_TOKEN));
    if (this.#clock.now() + costMs > deadlineAt) return texts.map(() => undefined);
    await this.#clock.wait(costMs, signal);
    signal?.throwIfAborted();
    return texts.map(({ text }) => this.#bank.scoresOf(prompt, text));
  }

  estimateMs(texts: number): number {
    return this.#costMs(texts, TYPICAL_TOKENS);
  }

  async dispose(): Promise<void> {}

  #costMs(rows: number, newTokens: number): number {
    return rows === 0 ? 0 : this.#profile.passMs('scorer', { rows, newTokens, contextTokens: 0 });
  }
}
