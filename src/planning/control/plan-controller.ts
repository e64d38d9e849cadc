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
import { chanceToEnd, shareWithin, stepMsAt, type PlanKnowledge } from './plan-knowledge.ts';

export interface ControllerOptions {
  readonly knowledge: PlanKnowledge;
  /** Branches of the plan. */
  readonly branches: number;
  /** Most branches the controller may come to. */
  readonly mostBranches: number;
  readonly deadlineAt: number;
  /** Steps that the strategy keeps free to ask cut branches for their answers; a branch must end before them. */
  readonly reservedSteps: number;
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
/** Newest measurement's weight. */
const NEWEST = 0.5;

/** The open branches at a moment. */
interface Look {
  readonly at: number;
  /** Mean number of tokens. */
  readonly tokens: number;
  readonly branches: number;
}

export class PlanController {
  readonly #options: ControllerOptions;
  readonly #exact = exactDecision();
  #last: Look | undefined;
  /** Measured over planned time of a token; `undefined` as long as nothing was measured. */
  #slowdown: number | undefined;
  #isByProbability = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /** Measured over planned time of a token; 1 as long as nothing was measured. Below 1 with drafts that are accepted. */
  get slowdown(): number {
    return this.#slowdown ?? 1;
  }

  /** Takes what the open branches have written. @returns branches to drop. */
  observe(progress: readonly BranchProgress[]): number[] {
    this.#measure(progress);
    if (this.#slowdown === undefined || progress.length < 2) return [];
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
      reason: `${length} branches would not finish in time now that a token takes ${this.slowdown.toFixed(1)} times what was planned`,
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
    const { branches, mostBranches, knowledge, deadlineAt, reservedSteps, now } = this.#options;
    const room = Math.min(mostBranches - launched, branches);
    const voted = launched - pending.length;
    if (room < 1 || launched < branches || 2 * voted < launched || isSure(tallies, DOUBT)) return 0;
    if (deadlineAt === Infinity) return 0;
    for (let count = room; count >= 1; count = Math.floor(count / 2)) {
      const msPerToken = this.slowdown * stepMsAt(knowledge.stepMs, pending.length + count);
      if (shareWithin(knowledge, (deadlineAt - now()) / msPerToken - reservedSteps) >= LAUNCH_CHANCE) return count;
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
    const { knowledge, deadlineAt, reservedSteps, now } = this.#options;
    if (deadlineAt === Infinity) return byLength.length;
    const more = (deadlineAt - now()) / (this.slowdown * stepMsAt(knowledge.stepMs, count)) - reservedSteps;
    return byLength.slice(0, count).reduce((sum, { tokenCount }) => sum + chanceToEnd(knowledge, tokenCount, more), 0);
  }

  #measure(progress: readonly BranchProgress[]): void {
    if (progress.length === 0) return;
    const last = this.#last;
    const { at, tokens, branches } = this.#look(progress);
    // Only between two looks at the same branches does the mean grow by what was decoded.
    if (!last || last.branches !== branches || tokens <= last.tokens) return;
    const slowdown = (at - last.at) / (tokens - last.tokens) / stepMsAt(this.#options.knowledge.stepMs, branches);
    this.#slowdown = this.#slowdown === undefined ? slowdown : this.#slowdown + NEWEST * (slowdown - this.#slowdown);
  }

  #look(progress: readonly BranchProgress[]): Look {
    const tokens = progress.reduce((sum, { tokenCount }) => sum + tokenCount, 0) / progress.length;
    this.#last = { at: this.#options.now(), tokens, branches: progress.length };
    return this.#last;
  }

  #tell(change: PlanChange): void {
    this.#options.onChange(change);
  }
}

function isSure(tallies: VoteState['tallies'], confidence: number): boolean {
  const [leader, rival] = tallies;
  return leader !== undefined && betaPosterior(leader.voters.length, rival?.voters.length ?? 0) >= confidence;
}
