import type { SamplingOptions } from '../contracts/engine.ts';
import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../contracts/token-model.ts';

/** Begins a computation in such a way that its runtime does not let the event loop in first. */
export type AtOnce = <Result>(compute: () => Result) => Result;

/**
 * A model whose passes follow one another without a turn of the event loop between them. For drafts: a turn takes a third of a
 * small model's pass, nothing that arrives is looked at before the target's pass anyway, and that one takes its turn.
 */
export class UninterruptedTokenModel implements TokenModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling?: SamplingOptions;
  readonly cannotVerify?: string;
  readonly #model: TokenModel;
  readonly #atOnce: AtOnce;

  constructor(model: TokenModel, atOnce: AtOnce) {
    this.#model = model;
    this.#atOnce = atOnce;
    this.vocabularySize = model.vocabularySize;
    this.contextTokens = model.contextTokens;
    this.endTokens = model.endTokens;
    if (model.sampling) this.sampling = model.sampling;
    if (model.cannotVerify !== undefined) this.cannotVerify = model.cannotVerify;
  }

  openSequence(): TokenSequence {
    return this.#model.openSequence();
  }

  forward(rows: readonly ForwardRow[]): Promise<Logits> {
    return this.#atOnce(() => this.#model.forward(rows));
  }

  dispose(): Promise<void> {
    return this.#model.dispose();
  }
}
