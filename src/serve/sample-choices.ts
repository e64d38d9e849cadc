/** Plain sampling: every choice of the reply is a branch of one session. */
import type { Branch, Engine, Segment, Session } from '../contracts/engine.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { NoCandidateError } from '../errors.ts';
import { branchWarnings } from '../strategies/warnings.ts';
import type { Choice, Completion, ServedBranch, WorkContext } from './completion.ts';
import type { CompletionTask } from './completion-task.ts';
import { SINGLE } from './served-model.ts';
import { StopCutter } from './stop-cutter.ts';
import { TokenTexts, type NamedToken } from './token-texts.ts';

/** How often streamed text is looked at. */
const PROGRESS_INTERVAL_MS = 20;
/** Streamed log-probabilities come with whole segments: about as many tokens as are decoded in this time, and at most so many. */
const PIECE_MS = 40;
const MOST_PIECE_TOKENS = 32;

/**
 * @throws {NoCandidateError} when no branch has anything to return.
 * @throws the signal's reason when it is aborted.
 */
export async function sampleChoices(task: CompletionTask, context: WorkContext): Promise<Completion> {
  const { clock, seed, signal } = context;
  const startedAt = clock.now();
  const cutter = new StopCutter(task.stop, task.keepsStop);
  const session = await openSession(task.model.engine, task, context, cutter);
  try {
    const openMs = clock.now() - startedAt;
    const samplers = session.branch(task.choices).map((branch) => new ChoiceSampler(branch, task, context, cutter, startedAt));
    await Promise.all(samplers.map((sampler) => sampler.run()));
    signal.throwIfAborted();
    const reports = samplers.map((sampler) => sampler.report());
    const choices = samplers.flatMap((sampler) => sampler.choice() ?? []);
    const isCut = reports.some(({ finish }) => finish === 'deadline');
    if (choices.length === 0) {
      throw new NoCandidateError(
        isCut ? 'deadline' : 'completed',
        reports.flatMap(({ error }) => error ?? []),
      );
    }
    return {
      choices,
      usage: session.usage(),
      report: {
        strategy: SINGLE,
        seed,
        stopReason: isCut ? 'deadline' : 'completed',
        confidence: undefined,
        answer: undefined,
        votes: undefined,
        branches: reports,
        warnings: branchWarnings(reports),
        openMs,
        workMs: clock.now() - startedAt,
      },
    };
  } finally {
    await session.dispose();
  }
}

function openSession(engine: Engine, task: CompletionTask, context: WorkContext, cutter: StopCutter): Promise<Session> {
  const { clock, deadlineAt, seed, signal, listener } = context;
  return engine.open(task.prompt, {
    sampling: task.sampling,
    seed,
    clock,
    deadlineAt,
    signal,
    expectedBranches: task.choices,
    ...(task.topLogprobs > 0 && { topLogprobs: task.topLogprobs }),
    ...(listener &&
      !namesTokens(task) && {
        progressIntervalMs: PROGRESS_INTERVAL_MS,
        onProgress: (progress) => {
          for (const { branch, text, reasoning } of progress) {
            if (reasoning !== undefined) listener.onReasoning(branch, reasoning);
            listener.onText(branch, cutter.cutGrowing(text).text);
          }
        },
      }),
  });
}

/** Decodes one choice and knows how it ended. */
class ChoiceSampler {
  readonly #branch: Branch;
  readonly #task: CompletionTask;
  readonly #context: WorkContext;
  readonly #cutter: StopCutter;
  readonly #startedAt: number;
  readonly #startMs: number;
  readonly #names: TokenTexts | undefined;
  readonly #tokens: NamedToken[] = [];
  #reasoning = '';
  #logprobSum = 0;
  #logprobCount = 0;
  #finish: ServedBranch['finish'] = 'aborted';
  #stop: string | undefined;
  #error: unknown;
  #endMs = 0;

  constructor(branch: Branch, task: CompletionTask, context: WorkContext, cutter: StopCutter, startedAt: number) {
    this.#branch = branch;
    this.#task = task;
    this.#context = context;
    this.#cutter = cutter;
    this.#startedAt = startedAt;
    this.#startMs = context.clock.now() - startedAt;
    const tokenizer: Tokenizer | undefined = namesTokens(task) ? task.model.tokenizer : undefined;
    this.#names = tokenizer && new TokenTexts(tokenizer);
  }

  /** Decodes to the end. A failure is reported, not thrown: other choices go on. */
  async run(): Promise<void> {
    try {
      await this.#decode();
    } catch (error) {
      this.#context.signal.throwIfAborted();
      this.#finish = 'failed';
      this.#error = error;
    }
    this.#endMs = this.#context.clock.now() - this.#startedAt;
  }

  /** The choice to return; `undefined` for a branch that failed or has written nothing in time. */
  choice(): Choice | undefined {
    if (this.#finish === 'failed' || (this.#finish === 'deadline' && this.#branch.tokenCount === 0)) return undefined;
    const { text } = this.#cutter.cut(this.#branch.text);
    return {
      index: this.#branch.number,
      text,
      reasoning: this.#reasoning === '' ? undefined : this.#reasoning,
      finish: this.#finish === 'end' || this.#finish === 'stop' ? 'stop' : 'length',
      stop: this.#stop,
      tokens: this.#names && this.#tokens.filter(({ offset }) => offset < text.length),
    };
  }

  report(): ServedBranch {
    return {
      branch: this.#branch.number,
      text: this.#branch.text,
      answer: undefined,
      tokenCount: this.#branch.tokenCount,
      meanLogprob: this.#logprobCount > 0 ? this.#logprobSum / this.#logprobCount : undefined,
      finish: this.#finish,
      isForced: false,
      ...(this.#error !== undefined && { error: this.#error }),
      startMs: this.#startMs,
      endMs: this.#endMs,
    };
  }

  async #decode(): Promise<void> {
    let left = this.#task.maxTokens ?? Infinity;
    let piece = this.#names && this.#context.listener ? 1 : Infinity;
    for (;;) {
      const limit = Math.min(piece, left);
      const segment = await this.#advance(limit);
      left -= segment.tokenCount;
      this.#finish = segment.finish;
      this.#reasoning += segment.reasoning ?? '';
      this.#take(segment);
      const cut = this.#cutter.cut(this.#branch.text);
      if (cut.stop !== undefined) {
        // A stop string may lie across two segments, or end the text by chance.
        if (segment.finish === 'length') this.#branch.abort();
        this.#finish = 'stop';
        this.#stop = cut.stop;
        return;
      }
      if (segment.finish !== 'length' || left <= 0) return;
      piece = nextPiece(segment);
    }
  }

  #advance(tokens: number): Promise<Segment> {
    const { stop } = this.#task;
    const { deadlineAt, signal } = this.#context;
    const until = { ...(stop.length > 0 && { stop }), ...(tokens < Infinity && { tokens }) };
    return this.#branch.advance({ until, deadlineAt, signal });
  }

  #take(segment: Segment): void {
    const { logprobs } = segment;
    for (const logprob of logprobs) this.#logprobSum += logprob;
    this.#logprobCount += logprobs.length;
    if (!this.#names) return;
    this.#tokens.push(...this.#names.add(segment));
    const { listener } = this.#context;
    if (!listener) return;
    const { text } = this.#cutter.cutGrowing(this.#branch.text);
    listener.onTokens(
      this.#branch.number,
      this.#tokens.filter(({ offset }) => offset < text.length),
    );
    listener.onText(this.#branch.number, text);
  }
}

function namesTokens({ logprobs, tokenIds }: CompletionTask): boolean {
  return logprobs || tokenIds;
}

/** Many tokens where they are fast, few where they are slow. */
function nextPiece({ tokenCount, startedAt, endedAt }: Segment): number {
  const perToken = (endedAt - startedAt) / Math.max(1, tokenCount);
  return Math.max(1, Math.min(MOST_PIECE_TOKENS, Math.floor(PIECE_MS / Math.max(perToken, 0.1))));
}
