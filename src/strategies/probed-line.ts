import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { BranchReport } from '../contracts/result.ts';
import type { BranchRecorder } from '../runtime/branch-recorder.ts';
import { askForAnswer, type ForcedAnswer } from './forced-answer.ts';
import type { SolutionPolicy } from './solution-policy.ts';
import type { StrategyRun } from './strategy-run.ts';

/** When and how lines are probed, with every default filled in. */
export interface ProbePolicy {
  /** Tokens between two probes. */
  readonly interval: number;
  /** How many probes in a row have to agree. */
  readonly agreements: number;
  readonly probe: ForcedAnswer;
  /** Words, in lower case, by which a probe is told to be unsure. */
  readonly hedges: ReadonlySet<string>;
  readonly isSame: AnswerEquivalence;
}

/** What a line said when it was asked for its answer in the middle. */
export interface ProbeReport {
  /** The fork that was asked. */
  readonly branch: number;
  /** `undefined` where it had none, or hedged. */
  readonly answer: string | undefined;
}

/** How one line went. */
export interface ProbedLineReport {
  readonly branch: number;
  readonly probes: readonly ProbeReport[];
  /** Whether it was stopped because its probes agreed; the last of them is then its solution. */
  readonly hasExited: boolean;
}

/** One branch that is asked for its answer every so many tokens, and stopped once it keeps giving the same one. */
export class ProbedLine {
  readonly #run: StrategyRun;
  readonly #policy: SolutionPolicy;
  readonly #probing: ProbePolicy;
  readonly #recorder: BranchRecorder;
  readonly #probes: ProbeReport[] = [];
  #exit: BranchReport | undefined;
  #outcome: BranchReport | undefined;

  constructor(run: StrategyRun, recorder: BranchRecorder, policy: SolutionPolicy, probing: ProbePolicy) {
    this.#run = run;
    this.#recorder = recorder;
    this.#policy = policy;
    this.#probing = probing;
  }

  /** The solution of the line; `undefined` while it has none. */
  get outcome(): BranchReport | undefined {
    return this.#outcome;
  }

  get isCut(): boolean {
    return this.#recorder.isCut;
  }

  /** Decodes to the end or until its probes agree. Only an abort by the caller rejects; a failure is reported. */
  async solve(): Promise<void> {
    const report = await this.#run.guard(this.#recorder, this.#policy, () => this.#decode());
    this.#outcome = this.#exit ?? report;
  }

  /** Ends the line where it is. */
  stop(): void {
    this.#recorder.branch.abort();
  }

  report(): ProbedLineReport {
    return { branch: this.#recorder.branch.number, probes: this.#probes, hasExited: this.#exit !== undefined };
  }

  async #decode(): Promise<void> {
    const { branch } = this.#recorder;
    const { interval } = this.#probing;
    for (;;) {
      // The probe decodes beside the line, in the same batch.
      const probe = branch.tokenCount > 0 ? this.#run.fork(this.#recorder) : undefined;
      const probed = probe && this.#ask(probe);
      const left = (this.#policy.maxTokens ?? Infinity) - branch.tokenCount;
      const { finish } = await this.#advance(Math.min(interval, left), probed);
      if (finish !== 'length') probe?.branch.abort();
      await probed;
      if (branch.ended === 'aborted') return this.#recorder.drop();
      if (branch.ended) return;
      if (finish === 'deadline' || left <= interval) return this.#run.force(this.#recorder, this.#policy);
    }
  }

  /** Decodes the line; where that is rejected, the probe is not left alone. */
  async #advance(tokens: number, probed: Promise<void> | undefined): ReturnType<StrategyRun['advance']> {
    try {
      return await this.#run.advance(this.#recorder, this.#policy, tokens);
    } catch (error) {
      await probed;
      throw error;
    }
  }

  /** Has a fork answer at once, and stops the line where it has said so often enough. */
  async #ask(probe: BranchRecorder): Promise<void> {
    const { branch } = probe;
    const asked = this.#probing.probe;
    let said = '';
    // Only what is announced is an answer; a number somewhere in the thoughts is none.
    const report = await this.#run.guard(probe, { ...this.#policy, forced: asked, extract: this.#policy.extractUnfinished }, async () => {
      const { signal } = this.#run.scope;
      said = await askForAnswer(probe, this.#run.anyAnswerRequest(asked), { deadlineAt: this.#run.decodingDeadlineAt, signal });
    });
    this.#probes.push({ branch: branch.number, answer: this.#isHedged(said) ? undefined : report.answer });
    if (!this.#doProbesAgree() || this.#recorder.branch.ended) return;
    this.#exit = report;
    this.#recorder.branch.abort();
  }

  #doProbesAgree(): boolean {
    const { agreements, isSame } = this.#probing;
    const last = this.#probes.slice(-agreements).map(({ answer }) => answer);
    const [first] = last;
    return last.length === agreements && first !== undefined && last.every((answer) => answer !== undefined && isSame(first, answer));
  }

  #isHedged(said: string): boolean {
    return said
      .toLowerCase()
      .split(/[^\p{L}]+/u)
      .some((word) => this.#probing.hedges.has(word));
  }
}
