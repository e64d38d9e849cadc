import type { Continuation } from './text-index.ts';

/** Matches of 1, 2, 3, 4, 5 and 6, 7 and 8, 9 to 12, and more tokens are told apart. */
const MATCHED_UP_TO = [1, 2, 3, 4, 6, 8, 12, Infinity] as const;
/** So are single places, and shares of several that agree. */
const AGREEING_UP_TO = [0.5, 0.8, 0.99, Infinity] as const;
/** What is believed before anything was seen is worth this many outcomes. */
const PRIOR_WEIGHT = 4;
/** Once so many outcomes are known, old ones begin to count for less. */
const MEMORY = 400;

/** How often what followed before follows again, by how long the context matched and how many places agreed. */
export class StandingRates {
  readonly #counts = MATCHED_UP_TO.map(() => [undefined, ...AGREEING_UP_TO].map(() => ({ seen: 0, stood: 0 })));

  record(guess: Continuation, isRight: boolean): void {
    const counts = this.#countsOf(guess);
    if (counts.seen >= MEMORY) {
      counts.stood *= 1 - 1 / MEMORY;
      counts.seen -= 1;
    }
    counts.seen++;
    counts.stood += Number(isRight);
  }

  /** The probability that the token is the next one. */
  rate(guess: Continuation): number {
    const { seen, stood } = this.#countsOf(guess);
    // The longer the match the better; never tried, it is believed to be no better than it mostly is.
    const prior = guess.matched / (guess.matched + 2);
    return (stood + PRIOR_WEIGHT * prior) / (seen + PRIOR_WEIGHT);
  }

  #countsOf({ matched, places, agreeing }: Continuation): { seen: number; stood: number } {
    const byAgreement = this.#counts[MATCHED_UP_TO.findIndex((most) => matched <= most)]!;
    return byAgreement[places === 1 ? 0 : 1 + AGREEING_UP_TO.findIndex((most) => agreeing / places <= most)]!;
  }
}
