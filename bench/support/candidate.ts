/** Threads inside one operator of ONNX Runtime; `default` leaves the choice to it. */
export type Threads = number | 'default';

/** Something that continues a question by several sampled branches. */
export interface Candidate {
  readonly name: string;
  run(request: DecodeRequest): Promise<DecodeRun>;
  dispose(): Promise<void>;
}

export interface DecodeRequest {
  readonly question: string;
  readonly branches: number;
  readonly seed: number;
  /** 1 samples from the model's own distribution, 0 takes the likeliest token. */
  readonly temperature: 0 | 1;
  readonly maxTokens: number;
}

export interface DecodeRun {
  readonly texts: readonly string[];
  /** From the question to the texts: encoding, reading the prompt, decoding tokens, decoding texts. */
  readonly totalMs: number;
  /** From the moment the prompt has been read. */
  readonly decodeMs: number;
  /** Tokens of all branches, each up to and including its first end token. */
  readonly usefulTokens: number;
  /** Tokens of all branches that were computed, whether of use or not. */
  readonly computedTokens: number;
  /** Calls into ONNX Runtime since the prompt was read and the time in them, where it was measured. */
  readonly runtime?: RuntimeUse;
  /** The part of `runtime` that the draft model took. */
  readonly draftRuntime?: RuntimeUse;
  /** Drafted tokens, where the candidate drafts. */
  readonly drafts?: Drafts;
}

export interface DraftCount {
  /** Drafted tokens that were decided. */
  readonly proposed: number;
  /** Of these, those that stood. */
  readonly accepted: number;
}

export interface Drafts extends DraftCount {
  /** How many drafts were decided, by their number of tokens, where the candidate tells. */
  readonly draftsByLength?: readonly number[];
  /** Outcomes at each position of a draft given that all before it stood, where the candidate tells. */
  readonly byPosition?: readonly DraftCount[];
}

export interface RuntimeUse {
  readonly calls: number;
  readonly milliseconds: number;
}
