import type { SamplingOptions } from './engine.ts';

/** Proposes likely next tokens of branches, for the target model to verify in one pass (speculative decoding). */
export interface Drafter {
  readonly name: string;
  /**
   * Whether proposals cost next to nothing. Then every draft carries `estimates`, and is cut to what is worth verifying, which is
   * lossless for tokens without a distribution only: `probs` must be `undefined`. @default false
   */
  readonly isFree?: boolean;
  /**
   * Proposes for several branches at once.
   *
   * Whether a further token is proposed may depend on the tokens proposed before it, never on the value of that token
   * itself: a proposal that is dropped for its value would no longer follow its distribution, and the result not the target's.
   *
   * @returns one draft for each request, in order; shorter than asked, or empty, where there is nothing better.
   */
  propose(requests: readonly DraftRequest[]): Promise<readonly Draft[]>;
  /** Frees what is held for a branch or a prompt, named by the object that requests carried. */
  forget(key: object): void;
  /** Frees everything. Safe to call twice. */
  dispose(): Promise<void>;
}

export interface DraftRequest {
  /** The branch, the same object in every round. */
  readonly branch: object;
  /** The prompt, the same array for all branches of a session. */
  readonly promptTokens: readonly number[];
  /** Tokens after the prompt. */
  readonly tokens: readonly number[];
  /** Most tokens to propose. At least 1. */
  readonly limit: number;
  /** A token that is less likely than this to stand, together with all before it, need not be proposed. @default 0 */
  readonly leastReach?: number;
  /** Whether drafts must tell what their tokens were drawn from. @default true */
  readonly needsProbs?: boolean;
  /** How the target's tokens are chosen. The draft's are chosen alike. */
  readonly sampling: Required<SamplingOptions>;
  /** The uniform number in [0, 1) with which proposal `offset`, counted from 0, is drawn. */
  draw(offset: number): number;
}

export interface Draft {
  readonly tokens: readonly number[];
  /**
   * The processed distribution each token was drawn from, `[tokens]`. `undefined` when tokens were looked up, not drawn, or when
   * the request did not need it.
   */
  readonly probs: readonly DrawnFrom[] | undefined;
  /** Of each token, the estimated probability to stand, given that those before it do. */
  readonly estimates?: readonly number[];
}

/** Probabilities by token. */
export interface DrawnFrom {
  probabilityOf(token: number): number;
}
