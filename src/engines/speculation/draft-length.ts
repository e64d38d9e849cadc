/**
 * How many tokens to draft: the length with the most expected tokens per millisecond at the current number of branches.
 *
 * Costs of drafts and of target passes are measured, so a target whose wide passes are dear ends at k = 0 by itself, and
 * drafts grow as branches finish and the batch thins. A drafter may leave off before the length it is given: a longer length
 * then costs less than its steps and gives less than its tokens, so how far drafts come is learnt beside how far they stand.
 *
 * @module
 */
import { bestDraftLength, expectedTokens } from '../../maths/draft-rounds.ts';

/** Outcomes kept for each position. */
const WINDOW = 96;
/** What is believed of a position before it has been tried is worth this many outcomes. */
const PRIOR_WEIGHT = 6;
const PRIOR_ACCEPTANCE = 0.75;
/** Drafters are believed to go on until they have left off. */
const PRIOR_REACH = 1;
/** A new length must promise this much more than the present one. */
const HYSTERESIS = 1.04;
/** After this many rounds without drafts, one is tried with a draft of 1, to see whether acceptance has changed. */
const PROBE_INTERVAL = 96;

/** How often a draft that has come to a position comes past it, over a sliding window of drafts. */
export class PositionRates {
  readonly #prior: number;
  readonly #outcomes: boolean[][] = [];
  readonly #passed: number[] = [];

  /** @param prior - What is believed of the first position before it has been tried. */
  constructor(prior: number) {
    this.#prior = prior;
  }

  /** @param reached - Positions that a draft passed, of the `limit` that it could have passed. */
  record(limit: number, reached: number): void {
    for (let position = 0; position < limit && position <= reached; position++) {
      const outcomes = (this.#outcomes[position] ??= []);
      const isPassed = position < reached;
      outcomes.push(isPassed);
      this.#passed[position] = (this.#passed[position] ?? 0) + Number(isPassed);
      if (outcomes.length > WINDOW && outcomes.shift()) this.#passed[position]!--;
    }
  }

  /** The rate at each of the first `length` positions. An untried position is believed to be like the one before it. */
  rates(length: number): number[] {
    let belief = this.#prior;
    return Array.from({ length }, (_, position) => {
      const count = this.#outcomes[position]?.length ?? 0;
      belief = ((this.#passed[position] ?? 0) + PRIOR_WEIGHT * belief) / (count + PRIOR_WEIGHT);
      return belief;
    });
  }
}

export interface DraftCosts {
  /** Milliseconds to draft one token more for `rows` branches. */
  draftMs(rows: number): number;
  /** Milliseconds of a target pass of `width` new tokens for `rows` branches. */
  targetMs(rows: number, width: number): number;
}

/** Chooses the draft length of every round. */
export interface DraftLengthPolicy {
  /** The length for a round of `rows` branches. */
  choose(rows: number): number;
  /** Takes how many tokens one branch's draft came to, of at most `limit`. */
  recordDraft(limit: number, drafted: number): void;
  /** Takes how many tokens of it stood, of the `limit` that could have. */
  recordOutcome(limit: number, accepted: number): void;
}

/** Always the same length. */
export function fixedDraftLength(length: number): DraftLengthPolicy {
  return { choose: () => length, recordDraft: () => undefined, recordOutcome: () => undefined };
}

/** The best length by measured costs and acceptance, with hysteresis. */
export class AdaptiveDraftLength implements DraftLengthPolicy {
  readonly #longest: number;
  readonly #costs: DraftCosts;
  readonly #standing = new PositionRates(PRIOR_ACCEPTANCE);
  readonly #reach = new PositionRates(PRIOR_REACH);
  /** Present length by number of rows: costs differ so much between them that one memory would flutter. */
  readonly #present = new Map<number, number>();
  #idleRounds = 0;

  constructor(longest: number, costs: DraftCosts) {
    this.#longest = longest;
    this.#costs = costs;
  }

  choose(rows: number): number {
    const rates = this.#standing.rates(this.#longest);
    const costs = this.#roundCosts(rows);
    const value = (length: number): number => expectedTokens(rates, length) / costs[length]!;
    const best = bestDraftLength(rates, this.#longest, (length) => costs[length]!);
    const present = this.#present.get(rows);
    const chosen = present === undefined || value(best) > HYSTERESIS * value(present) ? best : present;
    this.#present.set(rows, chosen);
    this.#idleRounds = chosen === 0 ? this.#idleRounds + 1 : 0;
    if (this.#idleRounds < PROBE_INTERVAL || this.#longest === 0) return chosen;
    this.#idleRounds = 0;
    return 1;
  }

  recordDraft(limit: number, drafted: number): void {
    this.#reach.record(limit, drafted);
  }

  recordOutcome(limit: number, accepted: number): void {
    this.#standing.record(limit, accepted);
  }

  /** Milliseconds of a round by length, `[longest + 1]`: a step is taken, and a pass is wider, as far as any branch's draft goes. */
  #roundCosts(rows: number): number[] {
    const { draftMs, targetMs } = this.#costs;
    let reach = 1;
    let roundMs = targetMs(rows, 1);
    const costs = [roundMs];
    for (const [position, rate] of this.#reach.rates(this.#longest).entries()) {
      reach *= rate;
      const someReach = 1 - (1 - reach) ** rows;
      const drafting = Math.max(1, Math.round((rows * reach) / someReach));
      roundMs += someReach * (draftMs(drafting) + targetMs(rows, position + 2) - targetMs(rows, position + 1));
      costs.push(roundMs);
    }
    return costs;
  }
}
