/** Weight of the newest measurement, as of a decoder's steps. */
const NEWEST = 0.25;
const FADING = 0.9;

/** Milliseconds of a batch by its number of texts. */
export type BatchMeans = ReadonlyMap<number, number>;

/** What scoring is known to cost. Plain data, so that it crosses threads. */
export interface BatchCosts {
  readonly means: BatchMeans;
  /** Most texts in one batch. */
  readonly maxRows: number;
}

/**
 * Most milliseconds that one batch is likely to take: what the next larger one measured took, or, of more texts than were
 * ever measured together, what they took in proportion. `undefined` before any.
 */
function batchMs(means: BatchMeans, texts: number): number | undefined {
  if (means.size === 0) return undefined;
  const measured = [...means.keys()];
  const nextLarger = Math.min(...measured.filter((count) => count >= texts));
  const largest = Math.max(...measured);
  return means.get(nextLarger) ?? (means.get(largest)! * texts) / largest;
}

/** Milliseconds that texts are likely to take, batch by batch; `undefined` before anything is known. */
export function textsMs({ means, maxRows }: BatchCosts, texts: number): number | undefined {
  const rest = texts % maxRows;
  const whole = batchMs(means, maxRows);
  return whole === undefined ? undefined : Math.floor(texts / maxRows) * whole + (rest > 0 ? batchMs(means, rest)! : 0);
}

/** How long scoring takes, by the number of texts scored together. Exponentially weighted means of what was measured. */
export class BatchTimer {
  /** Of made-up texts until there are real ones. */
  readonly #means = new Map<number, number>();
  #isProvisional = false;

  /** Notes what made-up texts took, or what is expected; real ones replace that. */
  recordSample(texts: number, milliseconds: number): void {
    if (this.#means.size > 0 && !this.#isProvisional) return;
    this.#isProvisional = true;
    this.#means.set(texts, milliseconds);
  }

  record(texts: number, milliseconds: number): void {
    if (this.#isProvisional) this.#means.clear();
    this.#isProvisional = false;
    const mean = this.#means.get(texts);
    this.#means.set(texts, mean === undefined ? milliseconds : mean + NEWEST * (milliseconds - mean));
  }

  get means(): BatchMeans {
    return this.#means;
  }

  estimate(texts: number): number | undefined {
    return batchMs(this.#means, texts);
  }

  /** The most texts, up to `most`, that one batch is likely to score in the time given; `most` before anything is known. */
  fitting(milliseconds: number, most: number): number {
    for (let texts = most; texts > 0; texts--) if ((this.estimate(texts) ?? 0) <= milliseconds) return texts;
    // What keeps batches from being tried must fade, or one slow measurement would end scoring for good.
    for (const [texts, mean] of this.#means) this.#means.set(texts, mean * FADING);
    return 0;
  }
}
