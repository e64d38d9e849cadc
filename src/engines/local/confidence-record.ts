import type { Segment, SessionOptions } from '../../contracts/engine.ts';
import { selfCertaintyOf, topLogprobs, type LogitRow } from '../../maths/token-confidence.ts';

/** What a session's segments tell of the model's confidence. */
export type ConfidenceRequest = Required<Pick<SessionOptions, 'topLogprobs' | 'selfCertainty'>>;

/** Notes the model's confidence at every token of one segment, as far as it was asked for. */
export class ConfidenceRecord {
  readonly #request: ConfidenceRequest;
  readonly #topLogprobs: (readonly number[])[] = [];
  readonly #selfCertainty: number[] = [];

  constructor(request: ConfidenceRequest) {
    this.#request = request;
  }

  add(row: LogitRow): void {
    if (this.#request.topLogprobs > 0) this.#topLogprobs.push(topLogprobs(row, this.#request.topLogprobs));
    if (this.#request.selfCertainty) this.#selfCertainty.push(selfCertaintyOf(row));
  }

  fields(): Pick<Segment, 'topLogprobs' | 'selfCertainty'> {
    return {
      ...(this.#request.topLogprobs > 0 && { topLogprobs: this.#topLogprobs }),
      ...(this.#request.selfCertainty && { selfCertainty: this.#selfCertainty }),
    };
  }
}
