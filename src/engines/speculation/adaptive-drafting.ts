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
/** Time that finding out may cost: so many rounds without drafts, and a share of all time. One probe takes half of what is left. */
const PROBE_ROUNDS = 1;
const PROBE_SHARE = 0.01;
const SHARE_OF_ONE_PROBE = 0.5;
/** Rounds with a draft model that are tried at the beginning, and the most tokens of such a round; of a free probe, beyond two a branch. */
const FIRST_PROBES = 3;
const PROBE_LENGTH = 4;
/** Drafts must promise this much more than none. */
const WORTHWHILE = 1.01;
/** What drafts would have to bring if wider passes were free, for that to be found out. */
const WORTH_PROBING = 1.04;
/** What a token must bring, by what is believed of costs, is believed this low, and never above a half: beliefs change. */
const LOW = 0.6;
const MOST_LEAST_REACH = 0.5;
/** Share of time that rounds without drafts may cost while drafting, and the fewest and most rounds between them. */
const PLAIN_SHARE = 0.004;
const [LEAST_INTERVAL, MOST_INTERVAL] = [4, 64];
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
  #drawnProbes = 0;
  #probeMs = 0;
  /** Whether the round under way is one for finding out. */
  #isTrial = false;
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
    const isTried = this.#drawnProbes > 0;
    const length = isTried ? this.#length.choose(rows) : 0;
    const saved = this.#savedMs(plainMs, this.#length.expect(rows, length));
    if (saved > (WORTHWHILE - 1) * plainMs) {
      if (this.#isPlainDue(plainMs, saved)) return 0;
      // Drafts of a length say nothing of the positions after it.
      return Math.min(this.longest, ++this.#drawnRounds % LONGER_INTERVAL === 0 ? length + 1 : length);
    }
    const probe = Math.max(1, Math.min(this.longest, Math.floor(PROBE_LENGTH / rows)));
    if (this.#drawnProbes >= FIRST_PROBES && -this.#savedMs(plainMs, this.#length.expect(rows, probe)) > this.#budgetMs(plainMs)) return 0;
    this.#isTrial = true;
    this.#drawnProbes++;
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
    // Costs are believed up to four times as far from a plain round as they have been measured.
    const widest = rows + Math.max(4, 4 * (this.#target.widest - rows));
    for (const cut of choice.cuts) {
      if (this.#positions(rows, cut) > widest) break;
      const rate = (1 + cut.expected / rows) / this.#target.estimate(this.#positions(rows, cut))!;
      if (rate > bestRate) [best, bestRate] = [cut, rate];
    }
    if (bestRate * plainMs > WORTHWHILE) return this.#isPlainDue(plainMs, this.#savedMs(plainMs, this.#expect(rows, best))) ? none : choice.lengths(best);
    // The widest pass that is affordable, and at most about twice as wide: likely tokens lose little at any price.
    const budgetMs = SHARE_OF_ONE_PROBE * this.#budgetMs(plainMs);
    const probe = choice.cuts.findLast(
      (cut) => this.#positions(rows, cut) <= 2 * rows + PROBE_LENGTH && -this.#savedMs(plainMs, this.#expect(rows, cut)) <= budgetMs,
    );
    if (!probe || probe.drafted === 0 || 1 + probe.expected / rows < WORTH_PROBING) return none;
    this.#isTrial = true;
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
    const isTrial = this.#isTrial;
    this.#accepted = 0;
    this.#isTrial = false;
    const plainMs = this.#plainMs(rows);
    this.#target.record(this.#isPadded ? rows * widest : positions, milliseconds);
    this.#rounds++;
    this.#roundsSincePlain = positions === rows ? 0 : this.#roundsSincePlain + 1;
    this.#elapsedMs += milliseconds + draftingMs;
    if (isTrial && plainMs !== undefined) {
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

  /** What finding out may still cost. */
  #budgetMs(plainMs: number): number {
    return PROBE_ROUNDS * plainMs + PROBE_SHARE * this.#elapsedMs - this.#probeMs;
  }

  /** What a round saves over as many tokens without drafts. */
  #savedMs(plainMs: number, { tokens, milliseconds }: { readonly tokens: number; readonly milliseconds: number }): number {
    return plainMs * tokens - milliseconds;
  }

  /** Whether a round goes without drafts, for what they save to be known still. */
  #isPlainDue(plainMs: number, lossMs: number): boolean {
    const interval = Math.max(LEAST_INTERVAL, Math.min(MOST_INTERVAL, lossMs / (PLAIN_SHARE * plainMs)));
    return this.#roundsSincePlain >= interval;
  }
}

/** Of each token, the probability to stand together with all before it. @param trust - What estimates are multiplied by. */
function reachesOf(estimates: readonly number[], trust: number): number[] {
  let reach = 1;
  return estimates.map((estimate) => (reach *= Math.min(1, trust * estimate)));
}
