import type { Branch, Segment } from '../contracts/engine.ts';
import type { BranchReport } from '../contracts/result.ts';
import type { ScoredText } from '../contracts/scorer.ts';
import { ModelError } from '../errors.ts';
import { randomAt } from '../maths/random.ts';
import { sampleIndex } from '../maths/sampling.ts';
import type { BranchRecorder } from '../runtime/branch-recorder.ts';
import type { SolutionPolicy } from './solution-policy.ts';
import type { StrategyRun } from './strategy-run.ts';

/** How steps are drafted and accepted, with every default filled in. */
export interface StepSpeculationPolicy {
  readonly solution: SolutionPolicy;
  /** Steps drafted at once, of which one is chosen. */
  readonly candidates: number;
  /** Least score of a step that is accepted. */
  readonly threshold: number;
  /** How much more likely a better step is chosen: the inverse temperature of its score. */
  readonly tilt: number;
  /** Whether the log-ratio of both models counts beside the score. */
  readonly logRatio: boolean;
  readonly stepStop: readonly string[];
  readonly maxStepTokens: number;
}

/** One step of a solution. */
export interface SpeculatedStep {
  readonly by: 'draft' | 'target';
  readonly text: string;
  /** Of the drafted step that was chosen, its log-ratio included where one is asked for; also where the target wrote another one; `undefined` where none was drafted or scored. */
  readonly score: number | undefined;
}

/** What a line needs of its run. */
export interface SpeculationContext {
  readonly run: StrategyRun;
  readonly policy: StepSpeculationPolicy;
  /** Scores a text by its last step; `undefined` without a score in time. */
  score(text: ScoredText, deadlineAt: number): Promise<number | undefined>;
  /** Drafting has failed. */
  onDraftError(error: unknown): void;
}

/** A step that a draft has written. */
interface Candidate {
  readonly branch: Branch;
  readonly segment: Segment;
  readonly score: number;
}

/** Natural-log probability of a step's text, without the end of the text behind it. */
function draftLogprob({ logprobs, finish }: Segment): number {
  return sumOf(finish === 'end' ? logprobs.slice(0, -1) : logprobs);
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Separates the choice among drafts from the draws of tokens. */
const CHOICE_PURPOSE = 0x73746570;

/** One solution that two engines write in turns. The target's branch holds all of its text. */
export class SpeculatedLine {
  readonly #context: SpeculationContext;
  readonly #target: BranchRecorder;
  /** The drafting engine's copy of the text; `undefined` once drafting has failed. */
  #draft: Branch | undefined;
  readonly #steps: SpeculatedStep[] = [];
  /** What a step of the target has taken lately, in milliseconds. */
  #targetStepMs: number | undefined;

  constructor(context: SpeculationContext, target: BranchRecorder, draft: Branch | undefined) {
    this.#context = context;
    this.#target = target;
    this.#draft = draft;
  }

  get steps(): readonly SpeculatedStep[] {
    return this.#steps;
  }

  /** Writes the solution. Only an abort by the caller rejects; a failure of the target is reported. */
  solve(): Promise<BranchReport> {
    const { run, policy } = this.#context;
    return run.guard(this.#target, policy.solution, async () => {
      for (;;) {
        const drafted = await this.#draftStep();
        const isAccepted = drafted !== undefined && drafted.score >= policy.threshold;
        const segment = isAccepted ? await this.#accept(drafted) : await this.#write(drafted?.score);
        if (segment.finish === 'end' || segment.finish === 'context' || segment.finish === 'aborted') return;
        if (segment.finish === 'deadline' || this.#tokensLeft() === 0) return run.force(this.#target, policy.solution);
      }
    });
  }

  /** Drafts the next step several times and chooses one by its score. */
  async #draftStep(): Promise<Candidate | undefined> {
    const base = this.#draft;
    const { run, policy } = this.#context;
    // How long the target takes has to be known before time can be kept free for its answer.
    if (!base || (run.scope.deadlineAt < Infinity && this.#targetStepMs === undefined)) return undefined;
    const deadlineAt = run.decodingDeadlineAt - (run.reservedSteps(policy.solution.forced) + 1) * (this.#targetStepMs ?? 0);
    if (run.scope.clock.now() >= deadlineAt) return undefined;
    const forks = Array.from({ length: policy.candidates }, () => base.fork());
    const written = await Promise.all(forks.map((branch) => this.#draftOne(branch, deadlineAt)));
    if (!this.#draft) return undefined;
    const scored = written.flatMap((candidate) => candidate ?? []);
    const candidates = policy.logRatio ? await this.#withLogRatios(scored) : scored;
    const chosen = this.#choose(candidates);
    for (const branch of forks) if (branch !== chosen?.branch) branch.abort();
    return chosen;
  }

  async #draftOne(branch: Branch, deadlineAt: number): Promise<Candidate | undefined> {
    const { run, policy, score: scoreOf, onDraftError } = this.#context;
    const { signal } = run.scope;
    const until = { stop: policy.stepStop, tokens: Math.min(policy.maxStepTokens, this.#tokensLeft()) };
    try {
      const segment = await branch.advance({ until, deadlineAt, ...(signal && { signal }) });
      // Half a step cannot be judged.
      if (segment.finish !== 'stop' && segment.finish !== 'end') return undefined;
      const text = this.#target.branch.text + segment.text;
      const score = await scoreOf({ text, isFinished: segment.finish === 'end' }, deadlineAt);
      return score === undefined ? undefined : { branch, segment, score };
    } catch (error) {
      signal?.throwIfAborted();
      this.#draft = undefined;
      onDraftError(error);
      return undefined;
    }
  }

  /** Scores with (log π_B − log π_S) / tilt; none where the large model cannot tell. All candidates are read in one pass. */
  async #withLogRatios(candidates: readonly Candidate[]): Promise<Candidate[]> {
    const { run, policy, onDraftError } = this.#context;
    const { signal } = run.scope;
    const readers = candidates.map(() => this.#target.branch.fork());
    try {
      const read = await Promise.all(readers.map((reader, index) => reader.logprobsOf!(candidates[index]!.segment.text, signal ? { signal } : {})));
      return candidates.map((candidate, index) => {
        const target = read[index];
        if (!target) throw new ModelError('The model cannot tell the log-probability of a text: it gives one row of logits a pass.');
        return { ...candidate, score: candidate.score + (sumOf(target) - draftLogprob(candidate.segment)) / policy.tilt };
      });
    } catch (error) {
      signal?.throwIfAborted();
      onDraftError(error);
      return [];
    } finally {
      for (const reader of readers) reader.abort();
    }
  }

  /** Draws one by the exponential of its score. */
  #choose(candidates: readonly Candidate[]): Candidate | undefined {
    if (candidates.length < 2) return candidates[0];
    const { run, policy } = this.#context;
    const best = Math.max(...candidates.map(({ score }) => score));
    const weights = candidates.map(({ score }) => Math.exp(policy.tilt * (score - best)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const point = randomAt(run.scope.seed, this.#target.branch.number, this.#steps.length, CHOICE_PURPOSE);
    const probs = Float32Array.from(weights, (weight) => weight / total);
    return candidates[sampleIndex(probs, point)];
  }

  /** Takes a drafted step over into the target's text, which the target reads when it next writes. */
  async #accept({ branch, segment, score }: Candidate): Promise<Segment> {
    await this.#target.branch.force(segment.text);
    if (this.#draft !== branch) this.#draft?.abort();
    this.#draft = branch;
    this.#steps.push({ by: 'draft', text: segment.text, score });
    const { finish, startedAt, endedAt } = segment;
    // Of its tokens the target has sampled none.
    return this.#target.add({ text: segment.text, tokenCount: 0, tokens: [], logprobs: [], finish, startedAt, endedAt });
  }

  /** Has the target write the step. */
  async #write(score: number | undefined): Promise<Segment> {
    const { run, policy } = this.#context;
    const { branch } = this.#target;
    const { signal } = run.scope;
    const isFirst = branch.tokenCount === 0;
    const segment = this.#target.add(
      await branch.advance({
        until: { stop: policy.stepStop, tokens: Math.min(policy.maxStepTokens, this.#tokensLeft()) },
        deadlineAt: run.decodingDeadlineAt,
        reserveSteps: run.reservedSteps(policy.solution.forced),
        ...(signal && { signal }),
      }),
    );
    // The first token of all comes from the pass that read the prompt.
    const passes = segment.tokenCount - (isFirst ? 1 : 0);
    if (passes > 0) this.#targetStepMs = (segment.endedAt - segment.startedAt) / passes;
    this.#steps.push({ by: 'target', text: segment.text, score });
    await this.#tellDraft(segment);
    return segment;
  }

  async #tellDraft({ text }: Segment): Promise<void> {
    try {
      await this.#draft?.force(text);
    } catch (error) {
      this.#draft = undefined;
      this.#context.onDraftError(error);
    }
  }

  #tokensLeft(): number {
    return Math.max(0, (this.#context.policy.solution.maxTokens ?? Infinity) - this.#target.branch.tokenCount);
  }
}
