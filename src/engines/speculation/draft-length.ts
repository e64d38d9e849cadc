/**
 * How many tokens to draft with a drafter whose every token costs a step: the length with the most expected tokens per
 * millisecond at the current number of branches.
 *
 * Drafts grow as branches finish and the batch thins. A drafter may leave off before the length it is given: a longer length
 * then costs less than its steps and gives less than its tokens, so how far drafts come is learnt as well as how far they stand.
 *
 * @module
 */
import { bestDraftLength, expectedTokens } from '../../maths/draft-rounds.ts';

/** Outcomes kept for each position. */
const WINDOW = 96;
/** What is believed of a position before it has been tried is worth this many outcomes. */
const PRIOR_WEIGHT = 2;
/** A position is like the one before it, to so many outcomes: a few drafts must not condemn all longer ones. */
const LIKENESS = 6;
const PRIOR_ACCEPTANCE = 0.5;
/** Drafters are believed to go on until they have left off. */
const PRIOR_REACH = 1;
/** A new length must promise this much more than the present one. */
const HYSTERESIS = 1.02;

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
      const weight = position === 0 ? PRIOR_WEIGHT : LIKENESS;
      belief = ((this.#passed[position] ?? 0) + weight * belief) / (count + weight);
      return belief;
    });
  }
}

export interface DraftCosts {
  /** Whether a pass costs by its longest row, not by its tokens. */
  readonly isPadded: boolean;
  /** Milliseconds to draft one token more for `rows` branches. */
  draftMs(rows: number): number;
  /** Milliseconds of a target pass of `width` new tokens for each of `rows` branches; `width` is a mean and need not be whole. */
  targetMs(rows: number, width: number): number;
}

/** The best length by costs and acceptance, with hysteresis. */
export class AdaptiveDraftLength {
  readonly #longest: number;
  readonly #costs: DraftCosts;
  readonly #standing = new PositionRates(PRIOR_ACCEPTANCE);
  readonly #reach = new PositionRates(PRIOR_REACH);
  /** Present length by number of rows: costs differ so much between them that one memory would flutter. */
  readonly #present = new Map<number, number>();

  constructor(longest: number, costs: DraftCosts) {
    this.#longest = longest;
    this.#costs = costs;
  }

  /** The length for a round of `rows` branches. */
  choose(rows: number): number {
    const rates = this.#standing.rates(this.#longest);
    const costs = this.#roundCosts(rows);
    const value = (length: number): number => expectedTokens(rates, length) / costs[length]!;
    const best = bestDraftLength(rates, this.#longest, (length) => costs[length]!);
    const present = this.#present.get(rows);
    const chosen = present === undefined || value(best) > HYSTERESIS * value(present) ? best : present;
    this.#present.set(rows, chosen);
    return chosen;
  }

  /** What a round of `rows` branches with drafts of this length is expected to give each branch, and to take. */
  expect(rows: number, length: number): { readonly tokens: number; readonly milliseconds: number } {
    return { tokens: expectedTokens(this.#standing.rates(length), length), milliseconds: this.#roundCosts(rows)[length]! };
  }

  /** Takes how many tokens one branch's draft came to, of at most `limit`. */
  recordDraft(limit: number, drafted: number): void {
    this.#reach.record(limit, drafted);
  }

  /** Takes how many tokens of it stood, of the `limit` that could have. */
  recordOutcome(limit: number, accepted: number): void {
    this.#standing.record(limit, accepted);
  }

  /** Milliseconds of a round by length, `[longest + 1]`: a step is taken as far as any branch's draft goes. */
  #roundCosts(rows: number): number[] {
    const { draftMs, targetMs, isPadded } = this.#costs;
    let reach = 1;
    let draftingMs = 0;
    let width = 1;
    const costs = [targetMs(rows, width)];
    for (const rate of this.#reach.rates(this.#longest)) {
      reach *= rate;
      const someReach = 1 - (1 - reach) ** rows;
      draftingMs += someReach * draftMs(Math.max(1, Math.round((rows * reach) / someReach)));
      width += isPadded ? someReach : reach;
      costs.push(draftingMs + targetMs(rows, width));
    }
    return costs;
  }
}
