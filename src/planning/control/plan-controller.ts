/**
 * Keeps a running plan in step with what is measured: drops branches that would keep the others from finishing when the
 * machine is slower than planned, launches more while the first ones disagree and time is left, and takes a probable winner in
 * place of a certain one when time runs short.
 *
 * Branch-wise parallelism is moved here; draft lengths follow measured costs and acceptance inside the engine.
 *
 * @module
 */
import type { BranchProgress } from '../../contracts/engine.ts';
import type { PlanChange } from '../../contracts/event.ts';
import type { EarlyDecision, LaunchSchedule, VoteState } from '../../contracts/vote.ts';
import { exactDecision } from '../../maths/early-decision.ts';
import { betaPosterior } from '../../maths/vote-evidence.ts';
import { chanceToEnd, shareWithin, stepMsAt, stepRatio, type PlanKnowledge } from './plan-knowledge.ts';

export interface ControllerOptions {
  readonly knowledge: PlanKnowledge;
  /** Branches of the plan. */
  readonly branches: number;
  /** Most branches the controller may come to. */
  readonly mostBranches: number;
  readonly deadlineAt: number;
  now(): number;
  onChange(change: PlanChange): void;
}

/** A smaller batch must promise so many times the finished branches. */
const DROP_GAIN = 1.2;
/** Further branches must be this likely to finish. */
const LAUNCH_CHANCE = 0.8;
/** Posterior of the leader up to which the first branches disagree. */
const DOUBT = 0.9;
/** A machine this many times slower than planned has its winner taken by probability. */
const SLOW = 1.5;
const SURE = 0.95;
/** Share of the time left that answers of cut branches may need. */
const ANSWER_SHARE = 0.15;
/** Newest measurement's weight. */
const NEWEST = 0.3;

export class PlanController {
  readonly #options: ControllerOptions;
  readonly #exact = exactDecision();
  #last: { readonly at: number; readonly tokens: number; readonly branches: number } | undefined;
  /** Milliseconds each branch takes for a token, and with how many branches that was measured. */
  #rate: { readonly msPerToken: number; readonly branches: number } | undefined;
  #isByProbability = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** Measured over planned time of a step; 1 as long as nothing was measured. Below 1 with drafts that are accepted. */
  get slowdown(): number {
    if (!this.#rate) return 1;
    return this.#rate.msPerToken / stepMsAt(this.#options.knowledge.stepMs, this.#rate.branches);
  }

  /** Takes what the open branches have written. @returns branches to drop. */
  observe(progress: readonly BranchProgress[]): number[] {
    this.#measure(progress);
    if (!this.#rate || progress.length < 2) return [];
    const byLength = [...progress].sort((left, right) => right.tokenCount - left.tokenCount || left.branch - right.branch);
    const present = this.#expectedToEnd(byLength, byLength.length);
    let best = { count: byLength.length, expected: present };
    for (let count = 1; count < byLength.length; count++) {
      const expected = this.#expectedToEnd(byLength, count);
      if (expected > best.expected) best = { count, expected };
    }
    if (best.count === byLength.length || best.expected < DROP_GAIN * present) return [];
    const { length } = byLength;
    this.#tell({
      kind: 'drop-branches',
      from: length,
      to: best.count,
      reason: `${length} branches would not finish in time at the measured ${this.#rate.msPerToken.toFixed(1)} ms a token`,
    });
    return byLength.slice(best.count).map(({ branch }) => branch);
  }

  /** When the vote ends: as soon as launched branches cannot change it, unless further ones are worth their time. */
  readonly decision: EarlyDecision = {
    name: 'controlled',
    decide: (state) => {
      const launched = { ...state, branches: state.launched };
      if (this.#furtherBranches(state) > 0) return false;
      return this.#exact.decide(launched) || this.#isProbable(state);
    },
  };

  readonly schedule: LaunchSchedule = {
    name: 'controlled',
    next: (state) => {
      if (state.launched === 0) return { launch: Math.min(this.#options.branches, state.branches) };
      const launch = this.#furtherBranches(state);
      if (launch > 0)
        this.#tell({
          kind: 'add-branches',
          from: state.launched,
          to: state.launched + launch,
          reason: `the first ${state.launched - state.pending.length} branches disagree and there is time`,
        });
      return { launch };
    },
  };

  /** How many branches more are worth launching now. */
  #furtherBranches({ tallies, launched, pending }: VoteState): number {
    const { branches, mostBranches, knowledge, deadlineAt, now } = this.#options;
    const room = Math.min(mostBranches - launched, branches);
    const voted = launched - pending.length;
    if (room < 1 || launched < branches || 2 * voted < launched || isSure(tallies, DOUBT)) return 0;
    if (deadlineAt === Infinity) return 0;
    for (let count = room; count >= 1; count = Math.floor(count / 2)) {
      const msPerToken = this.slowdown * stepMsAt(knowledge.stepMs, pending.length + count);
      if (shareWithin(knowledge, (deadlineAt - now()) / msPerToken) >= LAUNCH_CHANCE) return count;
    }
    return 0;
  }

  #isProbable({ tallies }: VoteState): boolean {
    if (!this.#isByProbability && this.slowdown > SLOW) {
      this.#isByProbability = true;
      this.#tell({ kind: 'decide-early', from: 1, to: SURE, reason: `steps take ${this.slowdown.toFixed(1)} times what was planned` });
    }
    return this.#isByProbability && isSure(tallies, SURE);
  }

  /** Branches likely to end in time if only the first `count` go on. */
  #expectedToEnd(byLength: readonly BranchProgress[], count: number): number {
    const { knowledge, deadlineAt, now } = this.#options;
    if (deadlineAt === Infinity) return byLength.length;
    const msPerToken = this.#rate!.msPerToken * stepRatio(knowledge, count, this.#rate!.branches);
    const more = ((1 - ANSWER_SHARE) * (deadlineAt - now())) / msPerToken;
    return byLength.slice(0, count).reduce((sum, { tokenCount }) => sum + chanceToEnd(knowledge, tokenCount, more), 0);
  }

  #measure(progress: readonly BranchProgress[]): void {
    if (progress.length === 0) return;
    const tokens = progress.reduce((sum, { tokenCount }) => sum + tokenCount, 0) / progress.length;
    const last = this.#last;
    const at = this.#options.now();
    this.#last = { at, tokens, branches: progress.length };
    // Only between two looks at the same branches does the mean grow by what was decoded.
    if (!last || last.branches !== progress.length || tokens <= last.tokens) return;
    const msPerToken = (at - last.at) / (tokens - last.tokens);
    const known = this.#rate?.branches === progress.length ? this.#rate.msPerToken : undefined;
    this.#rate = { msPerToken: known === undefined ? msPerToken : known + NEWEST * (msPerToken - known), branches: progress.length };
  }

  #tell(change: PlanChange): void {
    this.#options.onChange(change);
  }
}

function isSure(tallies: VoteState['tallies'], confidence: number): boolean {
  const [leader, rival] = tallies;
  return leader !== undefined && betaPosterior(leader.voters.length, rival?.voters.length ?? 0) >= confidence;
}
