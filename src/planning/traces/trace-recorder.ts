import type { AnswerEquivalence, AnswerExtractor } from '../../contracts/answer.ts';
import type { Clock } from '../../contracts/clock.ts';
import type { Branch, DraftOutcome, Engine, SamplingOptions, Segment } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import type { OutcomeScorer, ScoredText, StepScorer } from '../../contracts/scorer.ts';
import type { BranchTrace, DraftRunTrace, ProbeTrace, ProblemTrace, TokenRecord, TraceProblem } from '../../contracts/trace.ts';
import { seedFor } from '../../maths/seed-for.ts';
import { requirePrompt } from '../../options.ts';
import { answerRequest, suffixAfter, writeAnswer, type AnswerRequest, type ForcedAnswer, type ForcedAnswerOptions } from '../../strategies/forced-answer.ts';
import { TokenEnds } from './token-ends.ts';

export interface RecordTracesOptions {
  readonly engine: Engine;
  readonly problems: readonly TraceProblem[];
  /**
   * Branches of each problem: the most that a plan can use. At temperature 0, where all are alike, one is recorded.
   * Whole number ≥ 1. @default 16
   */
  readonly branches?: number;
  /** Each problem has a seed of its own, made of this one and its `id`. @default 0 */
  readonly seed?: number;
  /**
   * Record the same problems with several ways of sampling, one after another, and plans choose among these.
   * @default the engine's
   */
  readonly sampling?: SamplingOptions;
  /** Most tokens of a branch. @default what the context holds */
  readonly maxTokens?: number;
  /** Scores every branch and probe; needed to plan strategies that go by scores. */
  readonly scorer?: StepScorer | OutcomeScorer;
  /**
   * How the model is asked for its answer in the middle of a branch, and after how many tokens each time. `false` records no
   * probes: then a replay knows no answer of a branch that the deadline cuts. @default every 12 tokens, as strategies ask
   */
  readonly probes?: (ForcedAnswerOptions & { readonly everyTokens?: number }) | false;
  /**
   * Lengths of drafts to try, where the engine speculates: for each, one branch is decoded once more with drafts of that length.
   * What becomes of them differs with the length. Empty tries none. @default 1, 2, 4, 8
   */
  readonly draftLengths?: readonly number[];
  /** @default after `####`, in `\boxed{}`, or the last number */
  readonly extract?: AnswerExtractor;
  /** Whether an answer is the reference. @default `equivalent` */
  readonly isSame?: AnswerEquivalence;
  /** @default the system clock */
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  /** Called before each problem and behind the last. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** How branches are probed. */
export interface ProbePolicy {
  readonly everyTokens: number;
  readonly forced: ForcedAnswer;
}

type RecorderOptions = RecordTracesOptions & {
  readonly branches: number;
  readonly draftLengths: readonly number[];
  readonly seed: number;
  readonly clock: Clock;
};

/** Decodes one problem after another and writes down what comes. */
export class TraceRecorder {
  readonly #options: RecorderOptions;
  readonly #probes: ProbePolicy | undefined;

  constructor(options: RecorderOptions, probes: ProbePolicy | undefined) {
    this.#options = options;
    this.#probes = probes;
  }

  /** @throws what every branch failed with, if none was decoded. */
  async record(problem: TraceProblem): Promise<ProblemTrace> {
    const { engine, sampling, signal, clock, branches } = this.#options;
    const count = sampling?.temperature === 0 ? 1 : branches;
    const seed = seedFor(this.#options.seed, problem.id);
    const startedAt = clock.now();
    const ends = new TokenEnds();
    const session = await engine.open(problem.prompt, {
      seed,
      ...(sampling && { sampling }),
      ...(signal && { signal }),
      clock,
      onProgress: (progress) => ends.note(progress),
      progressIntervalMs: 0,
      readsWholePrompt: true,
    });
    try {
      const request = this.#probes && answerRequest(this.#probes.forced, requirePrompt(problem.prompt), session);
      const settled = await Promise.allSettled(session.branch(count).map((branch) => this.#decode(branch, ends, request)));
      signal?.throwIfAborted();
      const wallMs = clock.now() - startedAt;
      const decoded = settled.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      const failure = settled.find((outcome) => outcome.status === 'rejected');
      if (decoded.length === 0) throw failure?.reason;
      const scored = await this.#score(problem, decoded);
      const { speculation } = session.usage();
      // Without its failed branches the n-th is not the n-th of any run.
      return {
        ...problem,
        promptTokens: session.promptTokens,
        seed: failure ? -1 : seed,
        ...(sampling && { sampling }),
        branches: scored,
        ...(speculation && { drafts: speculation.byPosition, draftRuns: await this.#tryDrafts(problem, seed) }),
        wallMs,
      };
    } finally {
      await session.dispose();
    }
  }

  /** @param request - How it is asked for its answer on the way; `undefined` for not at all. */
  async #decode(branch: Branch, ends: TokenEnds, request: AnswerRequest | undefined): Promise<BranchTrace> {
    const { maxTokens = Infinity, signal } = this.#options;
    const probing: Promise<ProbeTrace | undefined>[] = [];
    const segments: Segment[] = [];
    for (;;) {
      const tokens = Math.min(request ? this.#probes!.everyTokens : Infinity, maxTokens - branch.tokenCount);
      const segment = await branch.advance({ ...(tokens < Infinity && { until: { tokens } }), ...(signal && { signal }) });
      segments.push(segment);
      if (segment.finish !== 'length' || branch.tokenCount >= maxTokens) break;
      if (request) probing.push(this.#probe(branch, request, ends));
    }
    const probes = (await Promise.all(probing)).filter((probe) => probe !== undefined);
    return { ...recordOf(branch.text, segments, ends.of(branch.number), 0), ...(probes.length > 0 && { probes }) };
  }

  /** What a fork of the branch says when it is asked for its answer now; `undefined` where the engine cannot tell. */
  async #probe(parent: Branch, request: AnswerRequest, ends: TokenEnds): Promise<ProbeTrace | undefined> {
    const { signal } = this.#options;
    const at = parent.tokenCount;
    const suffix = suffixAfter(parent.text, request);
    let branch: Branch | undefined;
    try {
      branch = parent.fork();
      await branch.force(suffix);
      const start = branch.tokenCount;
      const before = branch.text.length;
      const asked = branch;
      const segments: Segment[] = [];
      await writeAnswer(request, '', async (until) => {
        segments.push(await asked.advance({ until, ...(signal && { signal }) }));
        return segments.at(-1)!;
      });
      return { at, suffix, suffixTokens: start - at, ...recordOf(branch.text.slice(before), segments, ends.of(branch.number), start, before) };
    } catch {
      // An abort is thrown by `record`: nobody waits for this probe when its branch is aborted, too.
      return undefined;
    } finally {
      branch?.abort();
    }
  }

  /** What becomes of drafts of each length, each on a branch of its own, as far as they can be decoded: no problem is lost for them. */
  async #tryDrafts({ prompt }: TraceProblem, seed: number): Promise<DraftRunTrace[]> {
    const runs: DraftRunTrace[] = [];
    try {
      for (const length of this.#options.draftLengths) runs.push({ length, outcomes: await this.#draftsOf(prompt, seed, length) });
    } catch {
      this.#options.signal?.throwIfAborted();
    }
    return runs;
  }

  async #draftsOf(prompt: Prompt, seed: number, draftLength: number): Promise<DraftOutcome[]> {
    const { engine, sampling, signal, clock, maxTokens } = this.#options;
    const outcomes: DraftOutcome[] = [];
    const session = await engine.open(prompt, {
      seed,
      draftLength,
      ...(sampling && { sampling }),
      ...(signal && { signal }),
      clock,
      onDraft: (_, { proposed, accepted }) => void outcomes.push({ proposed, accepted }),
    });
    try {
      const { tokenCount } = await session
        .branch(1)[0]!
        .advance({ ...(maxTokens !== undefined && { until: { tokens: maxTokens } }), ...(signal && { signal }) });
      // A token comes before the first draft, and one with each. Where the last is missing the text ended within a draft that stood.
      const isCut = 1 + outcomes.reduce((sum, { accepted }) => sum + accepted + 1, 0) > tokenCount;
      return isCut ? [...outcomes.slice(0, -1), { proposed: draftLength, accepted: draftLength }] : outcomes;
    } finally {
      await session.dispose();
    }
  }

  async #score({ prompt }: TraceProblem, branches: readonly BranchTrace[]): Promise<readonly BranchTrace[]> {
    const { scorer, signal } = this.#options;
    if (!scorer) return branches;
    const texts: ScoredText[] = branches.flatMap(({ text, ends, finish, probes = [] }) => [
      { text, isFinished: finish === 'end' },
      ...probes.map((probe) => ({ text: text.slice(0, ends[probe.at - 1]) + probe.suffix + probe.text, isFinished: probe.finish === 'end' })),
    ]);
    const scores = (await scorer.score(prompt, texts, { ...(signal && { signal }) })).map((score) => (typeof score === 'number' ? [score] : score));
    let next = 0;
    const scored = <Record extends TokenRecord>(record: Record): Record => {
      const own = scores[next++];
      return own ? { ...record, scores: own } : record;
    };
    return branches.map((branch) => {
      const whole = scored(branch);
      return branch.probes ? { ...whole, probes: branch.probes.map((probe) => scored(probe)) } : whole;
    });
  }
}

/** @param offset - Tokens before the record. @param textOffset - Characters before it. */
function recordOf(text: string, segments: readonly Segment[], noted: ReadonlyMap<number, number>, offset: number, textOffset = 0): TokenRecord {
  const count = segments.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
  const { finish } = segments.at(-1)!;
  return {
    text,
    ends: TokenEnds.whole(text.length, count, (token) => {
      const end = noted.get(offset + token);
      return end === undefined ? undefined : end - textOffset;
    }),
    logprobs: segments.flatMap(({ logprobs }) => logprobs.map((logprob) => Number(logprob.toFixed(4)))),
    finish: finish === 'end' || finish === 'stop' || finish === 'context' ? finish : 'length',
  };
}
