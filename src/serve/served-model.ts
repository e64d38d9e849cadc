import type { Engine, SamplingOptions } from '../contracts/engine.ts';
import type { OutcomeScorer, StepScorer } from '../contracts/scorer.ts';
import type { Strategy } from '../contracts/strategy.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';

/** A model that clients can name. */
export interface ServedModel {
  /** Decodes for all requests together. Whoever made it disposes it. */
  readonly engine: Engine;
  /** Names the tokens of log-probabilities; without one requests for `logprobs` are refused. */
  readonly tokenizer?: Tokenizer;
  /** What the standard strategies score with. Loaded with the engine; whoever made it disposes it. */
  readonly scorer?: StepScorer | OutcomeScorer;
  /** What clients may choose by name, beside `single`. @default `standardStrategies({ scorer })` */
  readonly strategies?: StrategyRegistry;
  /** For requests that name none. @default 'single' */
  readonly defaultStrategy?: StrategyChoice;
  /** @default 'latency-tts' */
  readonly ownedBy?: string;
}

/** Strategies by the name that clients give. */
export type StrategyRegistry = Readonly<Record<string, ServedStrategy>>;

/** A strategy as it is, which takes no options from clients, or one that is made for each request. */
export type ServedStrategy = Strategy | StrategyMaker;

export interface StrategyMaker {
  /**
   * Makes the strategy of a request.
   *
   * @throws {InvalidOptionError} for options that are wrong: they come from outside.
   */
  create(call: StrategyCall): Strategy;
  /** Whether the text will be that of the first branch, whatever happens, and can be sent while it is written. @default never */
  streamsText?(call: StrategyCall): boolean;
}

/** What a request asks of a strategy. */
export interface StrategyCall {
  /** `strategy.options` of the request, unchecked. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly maxTokens: number | undefined;
  /** Omitted fields take the engine's defaults. */
  readonly sampling: SamplingOptions;
  /** Milliseconds from the arrival of the request; Infinity without a deadline. */
  readonly deadlineMs: number;
}

/** A strategy as clients name it. */
export interface StrategyChoice {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Plain sampling, which every model has: `n` choices, each streamed as it is written. */
export const SINGLE = 'single';
