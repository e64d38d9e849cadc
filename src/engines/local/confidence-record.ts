import type { Segment, SessionOptions } from '../../contracts/engine.ts';
import { selfCertaintyOf } from '../../maths/token-confidence.ts';
import type { RowChoices } from './token-choice.ts';

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

  add(choices: RowChoices, position: number): void {
    if (this.#request.topLogprobs > 0) {
      const { tokens, logprobs } = choices.likeliest(position, this.#request.topLogprobs);
      this.#topTokens.push(tokens);
      this.#topLogprobs.push(logprobs);
    }
    if (this.#request.selfCertainty) this.#selfCertainty.push(selfCertaintyOf(choices.logits(position)!));
  }

  fields(): Pick<Segment, 'topLogprobs' | 'topTokens' | 'selfCertainty'> {
    return {
      ...(this.#request.topLogprobs > 0 && { topLogprobs: this.#topLogprobs, topTokens: this.#topTokens }),
      ...(this.#request.selfCertainty && { selfCertainty: this.#selfCertainty }),
    };
  }
}
