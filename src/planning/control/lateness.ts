/**
 * How late runs of a plan end, past the deadline that their strategy was given. What a machine does beside decoding shows only
 * when it does it, so no profile holds it; the share of runs that end in time is kept by what the latest ones were late
 * (split conformal prediction: Vovk et al. 2005; of exchangeable runs, the next is later than the allowance with at most the
 * wanted probability).
 *
 * @module
 */

/** Latest runs that count. */
const WINDOW = 40;
/** Plans that are remembered; the one unused for longest goes first. */
const MOST_PLANS = 64;

export class Lateness {
  readonly #latest: number[] = [];

  /** @param milliseconds - From the strategy's deadline to the end of the run: below 0 for one that ended before. */
  record(milliseconds: number): void {
    if (this.#latest.push(milliseconds) > WINDOW) this.#latest.shift();
  }

  /** Milliseconds that a strategy's deadline has to be before the run's, for the next run to end in time this likely. At least 0. */
  allowance(confidence: number): number {
    const count = this.#latest.length;
    if (count === 0) return 0;
    const sorted = [...this.#latest].sort((left, right) => left - right);
    // With few runs no rank is high enough: the latest of all has to do.
    const rank = Math.min(count, Math.ceil((count + 1) * confidence));
    return Math.max(0, sorted[rank - 1]!);
  }
}

/** The lateness of each plan of an optimiser. */
export class LatenessRecords {
  readonly #records = new Map<string, Lateness>();

  of(plan: string): Lateness {
    const lateness = this.#records.get(plan) ?? new Lateness();
    this.#records.delete(plan);
    this.#records.set(plan, lateness);
    if (this.#records.size > MOST_PLANS) this.#records.delete(this.#records.keys().next().value!);
    return lateness;
  }
}
