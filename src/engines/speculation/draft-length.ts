/**
 * How many tokens to draft: the length with the most expected tokens per millisecond at the current number of branches.
 *
 * Costs of drafts and of target passes are measured, so a target whose wide passes are dear ends at k = 0 by itself, and
 * drafts grow as branches finish and the batch thins.
 *
 * @module
 */
import { bestDraftLength, expectedTokens } from '../../maths/draft-rounds.ts';

/** Outcomes kept for each position. */
const WINDOW = 96;
/** What is believed of a position before it has been tried, worth this many outcomes. */
const PRIOR_RATE = 0.75;
const PRIOR_WEIGHT = 6;
/** A new length must promise this much more than the present one. */
const HYSTERESIS = 1.04;
/** After this many rounds without drafts, one is tried with a draft of 1, to see whether acceptance has changed. */
const PROBE_INTERVAL = 96;

/** Acceptance by position, over a sliding window of verified drafts. */
export class AcceptanceWindow {
  readonly #outcomes: boolean[][] = [];

  /** @param accepted - How many of the `proposed` tokens were accepted, counted from the front. */
  record(proposed: number, accepted: number): void {
    for (let position = 0; position < proposed && position <= accepted; position++) {
      const outcomes = (this.#outcomes[position] ??= []);
      outcomes.push(position < accepted);
      if (outcomes.length > WINDOW) outcomes.shift();
    }
  }

  /** Acceptance rate at each of the first `length` positions. An untried position is believed to be like the one before it. */
  rates(length: number): number[] {
    let belief = PRIOR_RATE;
    return Array.from({ length }, (_, position) => {
      const outcomes = this.#outcomes[position] ?? [];
      const accepted = outcomes.filter(Boolean).length;
      belief = (accepted + PRIOR_WEIGHT * belief) / (outcomes.length + PRIOR_WEIGHT);
      return belief;
    });
  }
}

export interface DraftCosts {
  /** Milliseconds to draft `length` tokens for `rows` branches. */
  draftMs(rows: number, length: number): number;
  /** Milliseconds of a target pass of `width` new tokens for `rows` branches. */
  targetMs(rows: number, width: number): number;
}

/** Chooses the draft length of every round. */
export interface DraftLengthPolicy {
  /** The length for a round of `rows` branches. */
  choose(rows: number): number;
  /** Takes the outcome of one branch's draft. */
  record(proposed: number, accepted: number): void;
}

/** Always the same length. */
export function fixedDraftLength(length: number): DraftLengthPolicy {
  return { choose: () => length, record: () => undefined };
}

/** The best length by measured costs and acceptance, with hysteresis. */
export class AdaptiveDraftLength implements DraftLengthPolicy {
  readonly #longest: number;
  readonly #costs: DraftCosts;
  readonly #window = new AcceptanceWindow();
  /** Present length by number of rows: costs differ so much between them that one memory would flutter. */
  readonly #present = new Map<number, number>();
  #idleRounds = 0;

  constructor(longest: number, costs: DraftCosts) {
    this.#longest = longest;
    this.#costs = costs;
  }

  choose(rows: number): number {
    const rates = this.#window.rates(this.#longest);
    const roundMs = (length: number): number => (length === 0 ? 0 : this.#costs.draftMs(rows, length)) + this.#costs.targetMs(rows, length + 1);
    const value = (length: number): number => expectedTokens(rates, length) / roundMs(length);
    const best = bestDraftLength(rates, this.#longest, roundMs);
    const present = this.#present.get(rows);
    const chosen = present === undefined || value(best) > HYSTERESIS * value(present) ? best : present;
    this.#present.set(rows, chosen);
    this.#idleRounds = chosen === 0 ? this.#idleRounds + 1 : 0;
    if (this.#idleRounds < PROBE_INTERVAL || this.#longest === 0) return chosen;
    this.#idleRounds = 0;
    return 1;
  }

  record(proposed: number, accepted: number): void {
    this.#window.record(proposed, accepted);
  }
}
