/**
 * A run as it stood at some moment, built from its events: the same code draws a run under way and one that is watched again.
 *
 * @module
 */
import {
  countVotes,
  type AnswerVotes,
  type BranchReport,
  type EngineUsage,
  type PlanChange,
  type RunEventMap,
  type RunTiming,
  type StopReason,
} from 'latency-tts';

/** An event of a run with its name. */
export type RunEvent = { [Name in keyof RunEventMap]: { readonly name: Name } & Parameters<RunEventMap[Name]>[0] }[keyof RunEventMap];

/** A draft that was decided in a branch. */
export interface DraftView {
  /** Characters of the branch's text before it. */
  readonly offset: number;
  readonly drafted: readonly string[];
  readonly accepted: number;
}

export interface BranchView {
  readonly branch: number;
  text: string;
  tokenCount: number;
  readonly drafts: DraftView[];
  report: BranchReport | undefined;
  isCut: boolean;
}

/** Drafted tokens at one position of a draft. */
export interface PositionTally {
  proposed: number;
  accepted: number;
}

export class RunView {
  /** Milliseconds since the start of the run. */
  atMs = 0;
  deadlineMs = Infinity;
  readonly branches: BranchView[] = [];
  readonly positions: PositionTally[] = [];
  /** How the plan was changed on the way. */
  readonly changes: PlanChange[] = [];
  leader: { readonly answer: string; readonly votes: number; readonly of: number } | undefined;
  end: { readonly stopReason: StopReason; readonly usage: EngineUsage; readonly timing: RunTiming; readonly atMs: number } | undefined;
  /** Grows with every event. */
  version = 0;

  apply(event: RunEvent): void {
    this.version++;
    this.atMs = Math.max(this.atMs, event.atMs);
    switch (event.name) {
      case 'run-start':
        this.deadlineMs = event.deadlineMs;
        return;
      case 'branch-delta':
        return this.#grow(event.branch, event.text, event.tokenCount);
      case 'draft-verify':
        return this.#addDraft(event);
      case 'branch-end':
        return this.#finish(event.report);
      case 'vote-change':
        this.leader = event;
        return;
      case 'deadline-reach':
        for (const branch of event.unfinished) this.branchAt(branch).isCut = true;
        return;
      case 'plan-change':
        this.changes.push(event);
        return;
      case 'run-end':
        this.end = event;
    }
  }

  /** Votes so far, the most first. */
  votes(): AnswerVotes[] {
    return countVotes(new Map(this.branches.map(({ branch, report }) => [branch, report?.answer])));
  }

  /** Drafted tokens that were decided, and those that stood. */
  acceptance(): PositionTally {
    const sum = (of: (tally: PositionTally) => number): number => this.positions.reduce((total, tally) => total + of(tally), 0);
    return { proposed: sum(({ proposed }) => proposed), accepted: sum(({ accepted }) => accepted) };
  }

  branchAt(number: number): BranchView {
    for (let branch = this.branches.length; branch <= number; branch++) {
      this.branches.push({ branch, text: '', tokenCount: 0, drafts: [], report: undefined, isCut: false });
    }
    return this.branches[number]!;
  }

  #grow(number: number, text: string, tokenCount: number): void {
    const branch = this.branchAt(number);
    if (branch.report || text.length < branch.text.length) return;
    branch.text = text;
    branch.tokenCount = tokenCount;
  }

  #finish(report: BranchReport): void {
    const branch = this.branchAt(report.branch);
    branch.report = report;
    branch.text = report.text;
    branch.tokenCount = report.tokenCount;
  }

  #addDraft({ branch: number, offset, drafted, accepted }: Extract<RunEvent, { name: 'draft-verify' }>): void {
    const branch = this.branchAt(number);
    branch.drafts.push({ offset, drafted, accepted });
    drafted.forEach((_, position) => {
      const tally = (this.positions[position] ??= { proposed: 0, accepted: 0 });
      // Behind the first that fell nothing was decided.
      if (position <= accepted) tally.proposed++;
      if (position < accepted) tally.accepted++;
    });
  }
}
