import type { Segment, SessionOptions } from '../../contracts/engine.ts';
import { likeliestTokens, selfCertaintyOf, type LogitRow } from '../../maths/token-confidence.ts';

/** What a session's segments tell of the model's confidence. */
export type ConfidenceRequest = Required<Pick<SessionOptions, 'topLogprobs' | 'selfCertainty'>>;

/** Notes the model's confidence at every token of one segment, as far as it was asked for. */
export class ConfidenceRecord {
  readonly #request: ConfidenceRequest;
  readonly #topTokens: (readonly number[])[] = [];
  readonly #topLogprobs: (readonly number[])[] = [];
  readonly #selfCertainty: number[] = [];

  constructor(request: ConfidenceRequest) {
    this.#request = request;
  }

  add(row: LogitRow): void {
    if (this.#request.topLogprobs > 0) {
      const tokens = likeliestTokens(row, this.#request.topLogprobs);
      this.#topTokens.push(tokens);
      this.#topLogprobs.push(tokens.map((token) => row.values[row.start + token]! - row.logNormaliser));
    }
    if (this.#request.selfCertainty) this.#selfCertainty.push(selfCertaintyOf(row));
  }

  fields(): Pick<Segment, 'topLogprobs' | 'topTokens' | 'selfCertainty'> {
    return {
      ...(this.#request.topLogprobs > 0 && { topLogprobs: this.#topLogprobs, topTokens: this.#topTokens }),
      ...(this.#request.selfCertainty && { selfCertainty: this.#selfCertainty }),
    };
  }
}
