import type { SamplingOptions } from '../contracts/engine.ts';
import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../contracts/token-model.ts';

/** A model that is another one but for its passes. */
export abstract class WrappedTokenModel implements TokenModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling?: SamplingOptions;
  readonly cannotVerify?: string;
  protected readonly model: TokenModel;

  /** @param vocabularySize - Of the rows this model gives. */
  constructor(model: TokenModel, vocabularySize: number) {
    this.model = model;
    this.vocabularySize = vocabularySize;
    this.contextTokens = model.contextTokens;
    this.endTokens = model.endTokens;
    if (model.sampling) this.sampling = model.sampling;
    if (model.cannotVerify !== undefined) this.cannotVerify = model.cannotVerify;
  }

  openSequence(): TokenSequence {
    return this.model.openSequence();
  }

  abstract forward(rows: readonly ForwardRow[]): Promise<Logits>;

  dispose(): Promise<void> {
    return this.model.dispose();
  }
}
