/** Most scores that are kept. */
const KEPT = 4_096;

/** Scores by what was asked, so that nothing is asked twice; the oldest leave first. */
export class RecentScores {
  readonly #scores = new Map<string, number>();

  /** @param ask - Called where the score is not known. */
  async get(key: string, ask: () => Promise<number>): Promise<number> {
    const known = this.#scores.get(key);
    if (known !== undefined) return known;
    const score = await ask();
    this.#scores.set(key, score);
    if (this.#scores.size > KEPT) this.#scores.delete(this.#scores.keys().next().value!);
    return score;
  }
}
