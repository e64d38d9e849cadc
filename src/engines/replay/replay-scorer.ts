import type { LatencyProfile } from '../../contracts/profile.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import type { ScoredText, ScoreOptions, StepScorer } from '../../contracts/scorer.ts';
import type { SimulatedClock } from '../../runtime/simulated-clock.ts';
import type { ReplayBank } from './replay-bank.ts';

/** Tokens of a text, as long as none has been scored. */
const TYPICAL_TOKENS = 64;

/**
 * Gives the scores that were recorded, after the time that scoring takes: a prompt is read once, texts when they are scored, and calls take turns. A
 * text that was never scored stays without.
 */
export class ReplayScorer implements StepScorer {
  readonly name = 'replay';
  readonly kind = 'step';
  readonly #bank: ReplayBank;
  readonly #profile: LatencyProfile;
  readonly #clock: SimulatedClock;
  readonly #read = new Set<Prompt>();
  /** Over when the calls so far are. */
  #turn: Promise<void> = Promise.resolve();

  constructor(bank: ReplayBank, profile: LatencyProfile, clock: SimulatedClock) {
    this.#bank = bank;
    this.#profile = profile;
    this.#clock = clock;
  }

  score(prompt: Prompt, texts: readonly ScoredText[], options: ScoreOptions = {}): Promise<(readonly number[] | undefined)[]> {
    const scoring = this.#turn.then(() => this.#score(prompt, texts, options));
    // A call that fails has had its turn, too.
    this.#turn = scoring.then(
      () => undefined,
      () => undefined,
    );
    return scoring;
  }

  estimateMs(texts: number): number {
    return this.#costMs(texts, TYPICAL_TOKENS);
  }

  async dispose(): Promise<void> {}

  async #score(prompt: Prompt, texts: readonly ScoredText[], { signal, deadlineAt = Infinity }: ScoreOptions): Promise<(readonly number[] | undefined)[]> {
    signal?.throwIfAborted();
    const longest = texts.reduce((most, { text }) => Math.max(most, this.#bank.tokensIn(prompt, text)), 1);
    const promptMs = this.#read.has(prompt) ? 0 : this.#costMs(1, this.#bank.problem(prompt).promptTokens);
    const costMs = promptMs + this.#costMs(texts.length, longest);
    if (this.#clock.now() + costMs > deadlineAt) return texts.map(() => undefined);
    await this.#clock.wait(costMs, signal);
    this.#read.add(prompt);
    signal?.throwIfAborted();
    return texts.map(({ text }) => this.#bank.scoresOf(prompt, text));
  }

  #costMs(rows: number, newTokens: number): number {
    return rows === 0 ? 0 : this.#profile.passMs('scorer', { rows, newTokens, contextTokens: 0 });
  }
}
