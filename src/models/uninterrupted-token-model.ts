import type { ForwardRow, Logits, TokenModel } from '../contracts/token-model.ts';
import { WrappedTokenModel } from './wrapped-token-model.ts';

/** Begins a computation in such a way that its runtime does not let the event loop in first. */
export type AtOnce = <Result>(compute: () => Result) => Result;

/**
 * A model whose passes follow one another without a turn of the event loop between them. For drafts: a turn is much of a small
 * model's pass, nothing that arrives is looked at before the target's pass anyway, and that one takes its turn.
 */
export class UninterruptedTokenModel extends WrappedTokenModel {
  readonly #atOnce: AtOnce;

  constructor(model: TokenModel, atOnce: AtOnce) {
    super(model, model.vocabularySize);
    this.#atOnce = atOnce;
  }

  forward(rows: readonly ForwardRow[]): Promise<Logits> {
    return this.#atOnce(() => this.model.forward(rows));
  }
}
