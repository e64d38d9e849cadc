/**
 * Drafting that never costs: as much as measurements say will pay, and nothing while there are none.
 *
 * Costs are those of rounds that decoding made, fitted as it goes; how often drafts stand is counted. What is not known yet is
 * tried in a few rounds, and again now and then, for a bounded share of the time.
 *
 * @module
 */
import { draftCuts, evenDraftCuts, type DraftCut, type DraftCuts } from '../../maths/draft-cut.ts';
import { AdaptiveDraftLength } from './draft-length.ts';
import type { DraftPolicy, Round } from './draft-policy.ts';
import { PassCosts } from './pass-costs.ts';

/** Rounds without drafts before the first one with: what is to be saved must be known first. */
const WARM_ROUNDS = 6;
/** Rounds that are spent on finding out at the beginning, and the share of time later. */
const FIRST_PROBES = 3;
const PROBE_SHARE = 0.01;
/** Longest draft of a probe. */
const PROBE_LENGTH = 4;
/** Drafts must promise this much more than none. */
const WORTHWHILE = 1.01;
/** What drafts would have to bring if wider passes were free, for that to be found out. */
const WORTH_PROBING = 1.04;
/** What a token must bring, by what is believed of costs, is believed this low, and never above a half: beliefs change. */
const LOW = 0.6;
const MOST_LEAST_REACH = 0.5;
/** Rounds with drafts after which one without is due. */
const PLAIN_INTERVAL = 64;
/** Rounds with drafts of a draft model after which one is a token longer than seems best. */
const LONGER_INTERVAL = 12;
/** Of drafts that came with estimates, what is remembered; and the outcomes that trust in estimates begins with. */
const MEMORY = 0.995;
const TRUST_WEIGHT = 4;

export interface AdaptiveDraftingOptions {
  /** Most tokens of a draft. */
  readonly longest: number;
  /** Whether a pass of the target costs by its longest row. */
  readonly isPadded: boolean;
}

export class AdaptiveDrafting implements DraftPolicy {
  readonly longest: number;
  readonly #isPadded: boolean;
  readonly #target = new PassCosts();
  /** Steps of the draft model, by rows. */
  readonly #step = new PassCosts();
  readonly #length: AdaptiveDraftLength;
  #rounds = 0;
  #roundsSincePlain = 0;
  #drawnRounds = 0;
  #elapsedMs = 0;
  #probes = { estimated: 0, drafted: 0 };
  #probeMs = 0;
  /** What a round under way is tried for. */
  #trial: 'estimated' | 'drafted' | 'plain' | undefined;
  /** Of drafts with estimates, the decided tokens that stood, and how many were expected to. */
  #stood = 0;
  #promised = 0;
  /** Tokens of the round under way that stood. */
  #accepted = 0;

  constructor({ longest, isPadded }: AdaptiveDraftingOptions) {
    this.longest = longest;
    this.#isPadded = isPadded;
    this.#length = new AdaptiveDraftLength(longest, {
      isPadded,
      draftMs: (rows) => this.#step.estimate(rows) ?? 0,
      targetMs: (rows, width) => this.#target.estimate(rows * width) ?? 0,
    });
  }

  chooseLength(rows: number): number {
    const plainMs = this.#plainMs(rows);
    if (plainMs === undefined) return 0;
    const isTried = this.#probes.drafted > 0;
    const length = isTried ? this.#length.choose(rows) : 0;
    const saved = this.#savedMs(plainMs, this.#length.expect(rows, length));
    if (saved > (WORTHWHILE - 1) * plainMs) {
      if (this.#isPlainDue(saved)) return 0;
      // Drafts of a length say nothing of the positions after it.
      return Math.min(this.longest, ++this.#drawnRounds % LONGER_INTERVAL === 0 ? length + 1 : length);
    }
    const probe = Math.min(this.longest, PROBE_LENGTH);
    const lossMs = isTried ? -this.#savedMs(plainMs, this.#length.expect(rows, probe)) : 0;
    if (this.#probes.drafted >= FIRST_PROBES && !this.#affords(lossMs)) return 0;
    this.#trial = 'drafted';
    this.#probes.drafted++;
    return probe;
  }

  leastReach(rows: number): number {
    const plainMs = this.#plainMs(rows);
    // While nothing is verified, the first token says how good the drafts are.
    if (plainMs === undefined) return 1;
    const eachMs = (this.#target.estimate(2 * rows)! - plainMs) / rows;
    return Math.min(MOST_LEAST_REACH, (LOW * eachMs * rows) / plainMs);
  }

  cut(rows: number, estimates: readonly (readonly number[])[]): readonly number[] {
    const none = estimates.map(() => 0);
    const plainMs = this.#plainMs(rows);
    if (plainMs === undefined) return none;
    const choice = this.#cutsOf(estimates);
    let best = choice.cuts[0]!;
    let bestRate = 0;
    for (const cut of choice.cuts) {
      const rate = (1 + cut.expected / rows) / this.#target.estimate(this.#positions(rows, cut))!;
      if (rate > bestRate) [best, bestRate] = [cut, rate];
    }
    if (bestRate * plainMs > WORTHWHILE) return this.#isPlainDue(this.#savedMs(plainMs, this.#expect(rows, best))) ? none : choice.lengths(best);
    // The most that a pass of at most about twice the width could bring.
    const probe = choice.cuts.findLast((cut) => this.#positions(rows, cut) <= 2 * rows + PROBE_LENGTH)!;
    const expected = this.#expect(rows, probe);
    if (expected.tokens < WORTH_PROBING) return none;
    if (this.#probes.estimated >= FIRST_PROBES && !this.#affords(-this.#savedMs(plainMs, expected))) return none;
    this.#trial = 'estimated';
    this.#probes.estimated++;
    return choice.lengths(probe);
  }

  recordDraft(limit: number, drafted: number): void {
    this.#length.recordDraft(limit, drafted);
    // Where nothing was drafted nothing will be decided.
    if (drafted === 0) this.#length.recordOutcome(limit, 0);
  }

  recordStep(rows: number, milliseconds: number): void {
    this.#step.record(rows, milliseconds);
  }

  recordOutcome(limit: number, accepted: number): void {
    this.#accepted += accepted;
    this.#length.recordOutcome(limit, accepted);
  }

  recordEstimated(estimates: readonly number[], accepted: number): void {
    this.#accepted += accepted;
    this.#stood = MEMORY * this.#stood + accepted;
    // After the first token that fell nothing was decided.
    this.#promised = MEMORY * this.#promised + estimates.slice(0, accepted + 1).reduce((sum, estimate) => sum + estimate, 0);
  }

  recordRound({ rows, positions, widest, milliseconds, draftingMs }: Round): void {
    const accepted = this.#accepted;
    const trial = this.#trial;
    this.#accepted = 0;
    this.#trial = undefined;
    const plainMs = this.#plainMs(rows);
    this.#target.record(this.#isPadded ? rows * widest : positions, milliseconds);
    this.#rounds++;
    this.#roundsSincePlain = positions === rows ? 0 : this.#roundsSincePlain + 1;
    this.#elapsedMs += milliseconds + draftingMs;
    if (trial !== undefined && trial !== 'plain' && plainMs !== undefined) {
      this.#probeMs += Math.max(0, milliseconds + draftingMs - plainMs * (1 + accepted / rows));
    }
  }

  /** Of a round without drafts, as soon as enough of them are known. */
  #plainMs(rows: number): number | undefined {
    return this.#rounds < WARM_ROUNDS ? undefined : this.#target.estimate(rows);
  }

  #positions(rows: number, { longest, drafted }: DraftCut): number {
    return this.#isPadded ? rows * (1 + longest) : rows + drafted;
  }

  #expect(rows: number, cut: DraftCut): { readonly tokens: number; readonly milliseconds: number } {
    return { tokens: 1 + cut.expected / rows, milliseconds: this.#target.estimate(this.#positions(rows, cut))! };
  }

  #cutsOf(estimates: readonly (readonly number[])[]): DraftCuts {
    const trust = (this.#stood + TRUST_WEIGHT) / (this.#promised + TRUST_WEIGHT);
    const reaches = estimates.map((each) => reachesOf(each, trust));
    return this.#isPadded ? evenDraftCuts(reaches) : draftCuts(reaches);
  }

  #affords(lossMs: number): boolean {
    return this.#probeMs + Math.max(0, lossMs) <= PROBE_SHARE * this.#elapsedMs;
  }

  /** What a round saves over as many tokens without drafts. */
  #savedMs(plainMs: number, { tokens, milliseconds }: { readonly tokens: number; readonly milliseconds: number }): number {
    return plainMs * tokens - milliseconds;
  }

  /** Whether a round goes without drafts, for what they save to be known still. */
  #isPlainDue(lossMs: number): boolean {
    if (this.#roundsSincePlain < PLAIN_INTERVAL || !this.#affords(lossMs)) return false;
    this.#trial = 'plain';
    this.#probeMs += lossMs;
    return true;
  }
}

/** Of each token, the probability to stand together with all before it. @param trust - What estimates are multiplied by. */
function reachesOf(estimates: readonly number[], trust: number): number[] {
  let reach = 1;
  return estimates.map((estimate) => (reach *= Math.min(1, trust * estimate)));
}
