import type { Engine } from '../contracts/engine.ts';
import type { StepScorer } from '../contracts/scorer.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';

/** An engine, what goes with it, and its end. */
export interface ChosenEngine {
  readonly engine: Engine;
  /** The model as clients of a server name it. */
  readonly id: string;
  readonly isBundled: boolean;
  /** Of the bundled models. */
  readonly scorer?: StepScorer;
  /** Where the tokens can be named. */
  loadTokenizer?(): Promise<Tokenizer>;
  dispose(): Promise<void>;
}
