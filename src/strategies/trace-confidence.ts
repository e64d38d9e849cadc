import { aggregateConfidence, groupConfidences, tokenConfidences, type ConfidenceOptions } from '../maths/token-confidence.ts';
import type { BranchRecorder } from '../runtime/branch-recorder.ts';

export interface TraceMeasure extends Required<Pick<ConfidenceOptions, 'aggregation' | 'window'>> {
  /** Likeliest tokens the confidence of a token is made of. */
  readonly topLogprobs: number;
}

/** How sure a branch has been of its tokens, as it decodes. */
export class TraceConfidence {
  readonly #recorder: BranchRecorder;
  readonly #measure: TraceMeasure;
  readonly #confidences: number[] = [];
  /** Of these segments. */
  #segmentCount = 0;
  #count: number | undefined;
  #lowest = Infinity;

  constructor(recorder: BranchRecorder, measure: TraceMeasure) {
    this.#recorder = recorder;
    this.#measure = measure;
  }

  /** The fewest log-probabilities that a token's confidence was made of; `undefined` while there is none. */
  get count(): number | undefined {
    this.#update();
    return this.#count;
  }

  /** One confidence of all its tokens, `undefined` where the engine tells none. */
  value(): number | undefined {
    this.#update();
    const { aggregation, window } = this.#measure;
    return aggregateConfidence(this.#confidences, { aggregation, window });
  }

  /** The least mean of a whole window; `Infinity` while the branch is shorter than one. */
  lowestFullGroup(): number {
    this.#update();
    return this.#lowest;
  }

  #update(): void {
    const { topLogprobs, window } = this.#measure;
    const { segments } = this.#recorder;
    for (; this.#segmentCount < segments.length; this.#segmentCount++) {
      const lists = segments[this.#segmentCount]!.topLogprobs ?? [];
      const fresh = tokenConfidences(lists, topLogprobs);
      for (const { length } of lists) if (length > 0) this.#count = Math.min(this.#count ?? topLogprobs, length);
      this.#confidences.push(...fresh);
      const recent = this.#confidences.slice(-(fresh.length + window - 1));
      if (recent.length >= window) for (const group of groupConfidences(recent, window)) this.#lowest = Math.min(this.#lowest, group);
    }
  }
}
