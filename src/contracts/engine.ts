import type { Clock } from './clock.ts';
import type { PassMeter } from './profile.ts';
import type { Prompt } from './prompt.ts';

/**
 * What strategies need of a model: advance many branches at once, stop each at a boundary, fork, abort.
 * Local decoders, servers and recorded traces implement it alike.
 */
export interface Engine {
  readonly name: string;
  /** Most tokens of prompt and text one branch can hold. */
  readonly contextTokens: number | undefined;
  /** What it can tell beside text; without it, everything. A server's may be known only once the engine is ready. */
  readonly capabilities?: EngineCapabilities | undefined;
  /**
   * Weight formats that sessions can choose among, from the one for narrow work to the one for wide work. Missing or empty where
   * there is no choice.
   */
  readonly formats?: readonly string[];
  /** Times single passes. Missing where the engine sees none: behind a server's interface. */
  readonly passes?: PassMeter | undefined;
  /** Loads what is needed before the first `open`. Optional: `open` does the same. */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Prepares a prompt; every branch of the session continues it.
   *
   * @throws {ContextLengthError} when the prompt leaves no room for an answer.
   * @throws the `signal`'s reason when it is aborted.
   */
  open(prompt: Prompt, options: SessionOptions): Promise<Session>;
  /** Frees models and workers. Open sessions end. Safe to call twice. */
  dispose(): Promise<void>;
}

/** What an engine can tell of the text that it produces. */
export interface EngineCapabilities {
  /** Whether segments carry the ids of their tokens. */
  readonly tokenIds: boolean;
  /** Whether segments carry a log-probability for each token. */
  readonly logprobs: boolean;
  /** Most `topLogprobs` a segment can carry. */
  readonly topLogprobs: number;
  /** Whether it tells which tokens those are of. */
  readonly topTokens: boolean;
  readonly selfCertainty: boolean;
  /**
   * Where counts of tokens come from. `exact`: from whoever sampled them. `estimated`: made up, for some texts at least, from
   * what is known: pieces of a stream, lengths of texts.
   */
  readonly tokenCounts: 'exact' | 'estimated';
}

export interface SessionOptions {
  /** How tokens are chosen. Omitted fields take the engine's defaults. */
  readonly sampling?: SamplingOptions;
  /** Fixes every random choice, whatever is scheduled beside it. @default 0 */
  readonly seed?: number;
  /** @default the system clock */
  readonly clock?: Clock;
  /** Time on the clock after which preparing the prompt is given up. @default Infinity */
  readonly deadlineAt?: number;
  readonly signal?: AbortSignal;
  /**
   * Called with what branches have produced so far, at most every `progressIntervalMs`. Must not throw: what it throws is
   * dropped, and decoding goes on.
   */
  readonly onProgress?: (progress: readonly BranchProgress[]) => void;
  /** @default 50 */
  readonly progressIntervalMs?: number;
  /** How many of the likeliest tokens every segment tells, with their log-probabilities and ids; an engine may have less to give. @default 0 */
  readonly topLogprobs?: number;
  /** Whether segments carry the self-certainty of each token, where the engine can tell. @default false */
  readonly selfCertainty?: boolean;
  /** Tokens drafted a round for the session's branches, where the engine speculates: 0 drafts none. @default as the engine was told */
  readonly draftLength?: number;
  /**
   * Weight format of the session, one of the engine's `formats`. Formats differ a little in their logits, so a seed writes another
   * text in each. @default by `expectedBranches`: the first for fewer than four, else the last
   */
  readonly format?: string;
  /** Branches that will be decoded together, as far as that is known before. Strategies tell it. @default 1 */
  readonly expectedBranches?: number;
  /**
   * Whether the prompt is read from its first token, though the engine has read another one that begins alike, and nothing of it is
   * kept: for measurements of first requests, and for texts that must leave no trace. @default false
   */
  readonly readsWholePrompt?: boolean;
  /** Called for every draft that was decided, where the engine speculates. Must not throw, as `onProgress`. */
  readonly onDraft?: (branch: number, draft: DecidedDraft) => void;
}

/** How a token is chosen from the model's distribution. Applied in the order of the fields. */
export interface SamplingOptions {
  /** Divides the logits of tokens already in the context when positive, multiplies them when negative (Keskar et al. 2019). 1 leaves them. @default 1 */
  readonly repetitionPenalty?: number;
  /** 0 takes the likeliest token. @default 1 */
  readonly temperature?: number;
  /** Keeps the this many likeliest tokens; 0 keeps all. @default 0 */
  readonly topK?: number;
  /** Keeps the likeliest tokens that together reach this probability. @default 1 */
  readonly topP?: number;
  /** Drops tokens less likely than this share of the likeliest one. @default 0 */
  readonly minP?: number;
}

export interface BranchProgress {
  readonly branch: number;
  readonly tokenCount: number;
  /** Text produced so far, from the end of the prompt. */
  readonly text: string;
  /** Thoughts so far, where a server keeps them apart from the text. */
  readonly reasoning?: string;
}

/** A prompt that has been read once and can be continued many times. */
export interface Session {
  /** Tokens of the prompt; an estimate until a server has told, where the engine counts so. */
  readonly promptTokens: number;
  /** What the model was trained to write before its answers, where its files say so: a strategy that asks for one appends it. */
  readonly answerSuffix?: string | undefined;
  /** Whether the prompt ends within a thought, as the templates of some thinking models have it. @default false */
  readonly opensThought?: boolean;
  /**
   * Adds branches. Their numbers go on from the last one; a branch's number fixes its random stream.
   *
   * @param count - Whole number ≥ 1.
   * @throws {InvalidOptionError | DisposedError}
   */
  branch(count: number, options?: BranchOptions): Branch[];
  /** What the session has cost so far. */
  usage(): EngineUsage;
  /** Ends all branches and frees their caches. Safe to call twice. */
  dispose(): Promise<void>;
}

export interface BranchOptions {
  /** How these branches, and what forks off them, choose their tokens. Omitted fields are the session's. */
  readonly sampling?: SamplingOptions;
}

/** What an engine has computed for a session. */
export interface EngineUsage {
  readonly promptTokens: number;
  /** Of these, tokens that were not read again since an earlier prompt of the engine began alike. Absent where an engine cannot tell. */
  readonly cachedPromptTokens?: number;
  /** Tokens sampled over all branches. */
  readonly completionTokens: number;
  /** Tokens appended by `force`. */
  readonly forcedTokens: number;
  /** Passes of the target model the session took part in; of a server, the tokens of its longest branch, since passes are not told. */
  readonly forwardCount: number;
  /** What speculation did, where the engine speculates. */
  readonly speculation?: SpeculationUsage;
  /** What requests to a server came to, where the engine is one. */
  readonly server?: ServerUsage;
}

/** Requests of a session to a server. */
export interface ServerUsage {
  /** Sent, retries and hedges included. */
  readonly requestCount: number;
  /** Sent again because one failed. */
  readonly retryCount: number;
  /** Sent beside one that was slow to begin. */
  readonly hedgeCount: number;
  /** Tokens of the prompts of all requests, as far as the server told: a branch's text so far is sent again with each segment. */
  readonly promptTokens: number;
  /** Of these, those that the server took from its cache, as far as it told. */
  readonly cachedPromptTokens: number;
  /** Tokens of reasoning that the server keeps apart from the text; among the completion tokens. */
  readonly reasoningTokens: number;
  /** Tokens received and not kept: of failed and overtaken requests, and behind a boundary. Not among the completion tokens. */
  readonly discardedTokens: number;
}

/** What became of one draft. */
export interface DraftOutcome {
  /** Drafted tokens that were decided. */
  readonly proposed: number;
  /** Of these, counted from the front, those that stood. */
  readonly accepted: number;
}

/** A draft that was decided, and what it said. */
export interface DecidedDraft extends DraftOutcome {
  /** Characters of the branch's text before the draft. */
  readonly offset: number;
  /** Text of each drafted token that was decided, `[proposed]`; empty for one without a text of its own, such as the end. */
  readonly drafted: readonly string[];
}

/** Drafts of a session, over all branches. */
export interface SpeculationUsage extends DraftOutcome {
  /** Outcomes at each position of a draft. */
  readonly byPosition: readonly DraftOutcome[];
  /** How many drafts were decided, by their number of tokens. */
  readonly draftsByLength: readonly number[];
}

/** One continuation of the prompt. */
export interface Branch {
  readonly number: number;
  /** Everything after the prompt, forced text included. Grows with each finished segment. */
  readonly text: string;
  /** Tokens after the prompt. */
  readonly tokenCount: number;
  /** Why no further segment can follow, or `undefined` while it can. */
  readonly ended: 'end' | 'context' | 'aborted' | undefined;
  /**
   * Decodes until a boundary. All branches with an open call are decoded together; one that stops leaves the batch at once.
   * One open call per branch. What was decoded before a deadline or an `abort` is returned, never thrown away.
   * A call that rejects leaves the branch as it was before: its text, its tokens and the random numbers to come.
   *
   * @throws the `signal`'s reason when it is aborted.
   * @throws {ModelError | ServerError} when the model fails; other branches go on where they can.
   */
  advance(options?: AdvanceOptions): Promise<Segment>;
  /** A new branch with the same text so far and a random stream of its own. Not while a call of `advance` is open. */
  fork(): Branch;
  /** Appends text as if the model had written it. Not while a call of `advance` is open. */
  force(text: string): Promise<void>;
  /**
   * Natural-log probability of each token of a text, were it to follow: under the model's own distribution, before temperature
   * and truncation. The branch stays as it is. Texts that are asked about together are read in one pass. Not while a call of
   * `advance` is open. Missing where an engine can tell of nothing that it has not written: behind a server's interface, in a
   * replay.
   *
   * @returns `undefined` where the model gives one row of logits a pass.
   * @throws the `signal`'s reason when it is aborted. @throws {ContextLengthError | ModelError}
   */
  logprobsOf?(text: string, options?: { readonly signal?: AbortSignal }): Promise<readonly number[] | undefined>;
  /** Ends the branch: an open `advance` returns what it has with finish `aborted`. Safe to call twice. */
  abort(): void;
}

export interface AdvanceOptions {
  /** Boundaries; whichever is met first ends the segment. The model's end of text always does. */
  readonly until?: {
    /**
     * Ends after the token that completes one of these strings; the string stays in the text. Looked for within the
     * segment only: what an earlier segment or forced text has begun is not completed by this one.
     */
    readonly stop?: readonly string[];
    /** Most tokens of this segment. */
    readonly tokens?: number;
  };
  /** Time on the session's clock. The segment ends before a model step that would pass it. @default Infinity */
  readonly deadlineAt?: number;
  /** Ends the segment this many model steps, at the speed measured so far, before the deadline. @default 0 */
  readonly reserveSteps?: number;
  readonly signal?: AbortSignal;
}

/** What one call of `advance` produced. */
export interface Segment {
  readonly text: string;
  /** Thoughts that a server keeps apart from the text, where there were any. Neither a vote nor a later segment sees them. */
  readonly reasoning?: string;
  /** Tokens it took to write, where the engine's counts are `exact`; else the nearest it knows. */
  readonly tokenCount: number;
  /** Their ids: `tokenCount` of them, or none where the engine does not know them. */
  readonly tokens: readonly number[];
  /**
   * Natural-log probability of each token under the model's own distribution, before temperature and truncation: `tokenCount`
   * of them, or none where the engine does not know them.
   */
  readonly logprobs: readonly number[];
  /** For each token, log-probabilities of the likeliest tokens at its place, descending; where `topLogprobs` was asked for and the engine has them. */
  readonly topLogprobs?: readonly (readonly number[])[];
  /** Ids of those tokens, in the same order; where the engine knows them. Of equally likely ones the lower id comes first. */
  readonly topTokens?: readonly (readonly number[])[];
  /**
   * For each token, the Kullback–Leibler divergence from the uniform to the model's own distribution at its place, in nats:
   * −1/V Σ log(V p). The more certain, the higher. (Kang, Zhao and Song 2025, arXiv:2502.18581.)
   */
  readonly selfCertainty?: readonly number[];
  /**
   * `end`: the model ended its text. `stop`: a stop string. `length`: the token limit. `context`: the model's context is full.
   * `deadline`: time. `aborted`: `abort` was called.
   */
  readonly finish: 'end' | 'stop' | 'length' | 'context' | 'deadline' | 'aborted';
  /** The stop string met, where `finish` is `stop`. */
  readonly stop?: string;
  /** Session clock at the call and at the return. */
  readonly startedAt: number;
  readonly endedAt: number;
}
