/**
 * Single passes as decoding makes them, for a meter to time. Each kind is opened and used while the meter has the models
 * for itself, and closed while they are idle.
 *
 * @module
 */
import type { Clock } from '../../contracts/clock.ts';
import type { Draft, Drafter, DraftRequest, DrawnFrom } from '../../contracts/drafter.ts';
import type { PassShape } from '../../contracts/profile.ts';
import type { TokenModel, TokenSequence } from '../../contracts/token-model.ts';
import type { Sampling } from '../../maths/sampling.ts';
import { DraftModelDrafter } from '../speculation/draft-model-drafter.ts';
import { fixedDraftLength } from '../speculation/draft-policy.ts';
import { Speculation } from '../speculation/speculation.ts';
import type { BranchState } from './branch-state.ts';
import { DecodeLoop } from './decode-loop.ts';
import { fillerTokens, openFilledSequences } from './filled-sequences.ts';
import { Lane, type LaneContext, type LaneOutcome, type Verification } from './lane.ts';

export interface TimedPasses {
  /** Makes one pass, within the shape that was opened. @returns its milliseconds. */
  time(shape: PassShape): Promise<number>;
  /** Frees caches. Not while the model works. */
  close(): void;
}

interface DecodingOptions {
  readonly sampling: Sampling;
  readonly verification: Verification;
  readonly clock: Clock;
}

/**
 * Steps of a decode loop: every row has its tokens drawn, and all drafted ones stand, which is the most work there can be. A step
 * is timed behind another one of the same rows: most of a run's are, and only where rows come and go are caches put together anew.
 */
export class DecodingPasses implements TimedPasses {
  readonly #model: TokenModel;
  readonly #context: LaneContext;
  readonly #sampling: Sampling;
  readonly #sequences: readonly TokenSequence[];
  readonly #drafter: ForesightDrafter;

  private constructor(model: TokenModel, context: LaneContext, sampling: Sampling, sequences: readonly TokenSequence[], drafter: ForesightDrafter) {
    this.#model = model;
    this.#context = context;
    this.#sampling = sampling;
    this.#sequences = sequences;
    this.#drafter = drafter;
  }

  static async open(model: TokenModel, { sampling, verification, clock }: DecodingOptions, largest: PassShape): Promise<DecodingPasses> {
    const context: LaneContext = {
      clock,
      seed: 0,
      promptTokens: fillerTokens(largest.contextTokens),
      contextTokens: model.contextTokens,
      // A pass must not end early.
      endTokens: new Set(),
      vocabularySize: model.vocabularySize,
      verification,
      draftLength: undefined,
      confidence: undefined,
      onDraft: () => undefined,
      onToken: () => undefined,
      onForward: () => undefined,
    };
    const sequences = await openFilledSequences(model, largest.rows, largest.contextTokens);
    try {
      // All rows are alike, so what one writes without drafts, all write.
      const start = startOfTiming(largest);
      for (const sequence of sequences) sequence.truncate(start);
      const state = startOf(sequences[0]!, sampling);
      if (largest.newTokens > 1) await decode(new DecodeLoop(model, 1), context, [state], largest.contextTokens - start + largest.newTokens);
      sequences[0]!.truncate(start);
      return new DecodingPasses(model, context, sampling, sequences, new ForesightDrafter(state.tokens, verification));
    } catch (error) {
      for (const sequence of sequences) sequence.dispose();
      throw error;
    }
  }

  async time({ rows, newTokens, contextTokens }: PassShape): Promise<number> {
    const { clock } = this.#context;
    const speculation = newTokens === 1 ? undefined : new Speculation({ drafters: [this.#drafter], policy: fixedDraftLength(newTokens - 1) });
    const loop = new DecodeLoop(this.#model, rows, speculation);
    const states = this.#sequences.slice(0, rows).map((sequence) => startOf(sequence, this.#sampling));
    const start = startOfTiming({ contextTokens });
    if (start < contextTokens) await decode(new DecodeLoop(this.#model, rows), this.#context, states, contextTokens - start);
    const startedAt = clock.now();
    await decode(loop, this.#context, states, newTokens);
    const milliseconds = clock.now() - startedAt;
    for (const { sequence } of states) sequence.truncate(start);
    return milliseconds;
  }

  close(): void {
    for (const sequence of this.#sequences) sequence.dispose();
  }
}

/** Tokens in the cache before the step that is made ahead of a timed one. */
function startOfTiming({ contextTokens }: Pick<PassShape, 'contextTokens'>): number {
  return Math.max(0, contextTokens - 1);
}

/** A branch whose first token is drawn and not yet in the cache. */
function startOf(sequence: TokenSequence, sampling: Sampling): BranchState {
  return { sequence, tokens: [0], pending: [0], logits: undefined, stream: 0, sampling };
}

async function decode(loop: DecodeLoop, context: LaneContext, states: readonly BranchState[], tokens: number): Promise<void> {
  const outcomes = states.map(
    (state) =>
      new Promise<LaneOutcome>((resolve, reject) => loop.add(new Lane(context, state, { until: { tokens }, matcher: undefined }, { resolve, reject }))),
  );
  await Promise.all(outcomes);
}

const IMPOSSIBLE: DrawnFrom = { probabilityOf: () => 0 };

/** Knows what will be written, and proposes that. */
class ForesightDrafter implements Drafter {
  readonly name = 'foresight';
  readonly #tokens: readonly number[];
  readonly #verification: Verification;

  /** @param tokens - What every branch writes. */
  constructor(tokens: readonly number[], verification: Verification) {
    this.#tokens = tokens;
    this.#verification = verification;
  }

  async propose(requests: readonly DraftRequest[]): Promise<Draft[]> {
    return requests.map(({ tokens, limit }) => {
      const proposed = this.#tokens.slice(tokens.length, tokens.length + limit);
      // A token that its drafter believed impossible is never rejected.
      return { tokens: proposed, probs: this.#verification === 'rejection' ? proposed.map(() => IMPOSSIBLE) : undefined };
    });
  }

  forget(): void {}

  async dispose(): Promise<void> {}
}

interface DraftingOptions {
  readonly target: TokenModel;
  readonly sampling: Sampling;
  readonly clock: Clock;
}

/** Later steps of a draft, timed together; the middle one is of the shape. */
const LATER_STEPS = 3;
/** Not the last, so that another has to take its place. */
const LEAVING_ROW = 1;
const middle = (): number => 0.5;

type DraftTemplate = Omit<DraftRequest, 'tokens' | 'limit' | 'draw'>;

/**
 * Steps of the draft model as its drafter makes them, in rounds: the first one, of several tokens, comes behind a pass of the
 * target, which leaves nothing of the draft in the nearest memories; those of one token are the later ones, before which a branch
 * has left off, as in most rounds of several.
 */
export class DraftPasses implements TimedPasses {
  readonly #drafter: DraftModelDrafter;
  readonly #target: TokenModel;
  readonly #ahead: TokenSequence;
  readonly #clock: Clock;
  /** Rounds whose first step is timed, and rounds whose later ones are: they begin a token earlier. */
  readonly #first: readonly DraftTemplate[];
  readonly #later: readonly DraftTemplate[];

  private constructor(model: TokenModel, { target, sampling, clock }: DraftingOptions, { rows, contextTokens }: PassShape) {
    this.#drafter = new DraftModelDrafter(model, { minConfidence: 0 });
    this.#target = target;
    this.#ahead = target.openSequence();
    this.#clock = clock;
    const roundsBehind = (promptTokens: readonly number[], length: number): DraftTemplate[] =>
      Array.from({ length }, () => ({ branch: {}, promptTokens, sampling }));
    this.#first = roundsBehind(fillerTokens(contextTokens), rows);
    this.#later = roundsBehind(fillerTokens(Math.max(1, contextTokens - 1)), rows + 1);
  }

  static async open(model: TokenModel, options: DraftingOptions, largest: PassShape): Promise<DraftPasses> {
    return new DraftPasses(model, options, largest);
  }

  time({ rows, newTokens }: PassShape): Promise<number> {
    return newTokens > 1 ? this.#timeFirst(rows, newTokens) : this.#timeLater(rows);
  }

  async #timeFirst(rows: number, newTokens: number): Promise<number> {
    // Takes the branches back to where the prompt ends.
    const rounds = this.#first.slice(0, rows);
    await this.#drafter.propose(rounds.map((round) => ({ ...round, tokens: [], limit: 1, draw: middle })));
    await this.#passOfTarget();
    const tokens = fillerTokens(newTokens);
    const startedAt = this.#clock.now();
    await this.#drafter.propose(rounds.map((round) => ({ ...round, tokens, limit: 1, draw: middle })));
    return this.#clock.now() - startedAt;
  }

  async #timeLater(rows: number): Promise<number> {
    await this.#passOfTarget();
    const drawnAt: number[] = [];
    const noteTime = (position: number): number => {
      drawnAt[position] = this.#clock.now();
      return middle();
    };
    const rounds = this.#later.slice(0, rows === 1 ? 1 : rows + 1);
    const requests = rounds.map((round, row) => ({
      ...round,
      tokens: [],
      limit: row === LEAVING_ROW ? 1 : 2 + LATER_STEPS,
      draw: row === 0 ? noteTime : middle,
    }));
    await this.#drafter.propose(requests);
    // A number is drawn before the pass that uses it.
    return (drawnAt[LATER_STEPS + 1]! - drawnAt[1]!) / LATER_STEPS;
  }

  async #passOfTarget(): Promise<void> {
    await this.#target.forward([{ sequence: this.#ahead, tokens: fillerTokens(1), logitCount: 1 }]);
    this.#ahead.truncate(0);
  }

  /** The model is its engine's, so the drafter is not disposed. */
  close(): void {
    for (const { branch, promptTokens } of [...this.#first, ...this.#later]) {
      this.#drafter.forget(branch);
      this.#drafter.forget(promptTokens);
    }
    this.#ahead.dispose();
  }
}

/** Chunks of a prompt. */
export class PrefillPasses implements TimedPasses {
  readonly #model: TokenModel;
  readonly #clock: Clock;
  readonly #sequence: TokenSequence;

  private constructor(model: TokenModel, clock: Clock, sequence: TokenSequence) {
    this.#model = model;
    this.#clock = clock;
    this.#sequence = sequence;
  }

  static async open(model: TokenModel, clock: Clock, { contextTokens }: PassShape): Promise<PrefillPasses> {
    const [sequence] = await openFilledSequences(model, 1, contextTokens);
    return new PrefillPasses(model, clock, sequence!);
  }

  async time({ newTokens, contextTokens }: PassShape): Promise<number> {
    const tokens = fillerTokens(newTokens);
    const startedAt = this.#clock.now();
    await this.#model.forward([{ sequence: this.#sequence, tokens, logitCount: 1 }]);
    const milliseconds = this.#clock.now() - startedAt;
    this.#sequence.truncate(contextTokens);
    return milliseconds;
  }

  close(): void {
    this.#sequence.dispose();
  }
}
