/**
 * What one caller asks of sampling, length and stop strings, put on top of whatever a strategy asks: the settings that every
 * chat interface has, for strategies whose own are fixed when they are made.
 *
 * @module
 */
import type {
  AdvanceOptions,
  Branch,
  BranchOptions,
  BranchProgress,
  Engine,
  EngineCapabilities,
  EngineUsage,
  SamplingOptions,
  Segment,
  Session,
  SessionOptions,
} from '../contracts/engine.ts';
import type { Prompt } from '../contracts/prompt.ts';
import { InvalidOptionError } from '../errors.ts';
import { resolveSampling } from '../maths/sampling.ts';
import { requireWholeNumber } from '../options.ts';
import { requireAdvanceOptions, requireBranchOptions, requireResting, requireSessionOptions } from './advance-options.ts';

export interface CallSettings {
  /** Takes the place of what the strategy and the engine say, field by field. */
  readonly sampling?: SamplingOptions;
  /**
   * Most tokens that one branch samples by itself. A branch that has spent them can still be asked for its answer: behind
   * text that the strategy forces, it may go on by at most 32 tokens. Whole number ≥ 1.
   */
  readonly maxTokens?: number;
  /** A branch is finished where its text comes to one of these; its text ends before it. */
  readonly stop?: readonly string[];
}

/** Most tokens with which a branch that has spent its own may answer. */
const ANSWER_TOKENS = 32;

/** The engine itself where nothing is asked for. The caller still owns it. @throws {InvalidOptionError} */
export function withCallSettings(engine: Engine, settings: CallSettings): Engine {
  const { sampling, maxTokens, stop = [] } = settings;
  resolveSampling(sampling);
  if (maxTokens !== undefined) requireWholeNumber('maxTokens', maxTokens, 1);
  if (stop.includes('')) throw new InvalidOptionError('stop', 'a list of strings that are not empty', stop);
  const asksNothing = maxTokens === undefined && stop.length === 0 && Object.keys(sampling ?? {}).length === 0;
  return asksNothing ? engine : new EngineWithSettings(engine, settings);
}

class EngineWithSettings implements Engine {
  readonly #engine: Engine;
  readonly #settings: CallSettings;

  constructor(engine: Engine, settings: CallSettings) {
    this.#engine = engine;
    this.#settings = settings;
  }

  get name(): string {
    return this.#engine.name;
  }

  get contextTokens(): number | undefined {
    return this.#engine.contextTokens;
  }

  get formats(): readonly string[] {
    return this.#engine.formats ?? [];
  }

  get capabilities(): EngineCapabilities | undefined {
    return this.#engine.capabilities;
  }

  ready(options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.#engine.ready(options);
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    requireSessionOptions(options);
    const { sampling, maxTokens = Infinity, stop = [] } = this.#settings;
    const { onProgress } = options;
    const session = await this.#engine.open(prompt, {
      ...options,
      sampling: { ...options.sampling, ...sampling },
      ...(onProgress && stop.length > 0 && { onProgress: (progress) => onProgress(progress.map((entry) => cutProgress(entry, stop))) }),
    });
    return new SessionWithSettings(session, sampling, { maxTokens, stop });
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }
}

function cutProgress(entry: BranchProgress, stop: readonly string[]): BranchProgress {
  return { ...entry, text: textBefore(entry.text, stop) ?? entry.text };
}

/** The text before the first stop string in it, or `undefined` where there is none. */
export function textBefore(text: string, stop: readonly string[], from = 0): string | undefined {
  const places = stop.map((string) => text.indexOf(string, from)).filter((place) => place >= 0);
  return places.length > 0 ? text.slice(0, Math.min(...places)) : undefined;
}

type Limits = Required<Omit<CallSettings, 'sampling'>>;

class SessionWithSettings implements Session {
  readonly #session: Session;
  readonly #sampling: SamplingOptions | undefined;
  readonly #limits: Limits;

  constructor(session: Session, sampling: SamplingOptions | undefined, limits: Limits) {
    this.#session = session;
    this.#sampling = sampling;
    this.#limits = limits;
  }

  get promptTokens(): number {
    return this.#session.promptTokens;
  }

  get answerSuffix(): string | undefined {
    return this.#session.answerSuffix;
  }

  get opensThought(): boolean {
    return this.#session.opensThought ?? false;
  }

  branch(count: number, options: BranchOptions = {}): Branch[] {
    requireBranchOptions(count, options);
    const asked = options.sampling && { ...options, sampling: { ...options.sampling, ...this.#sampling } };
    return this.#session.branch(count, asked).map((branch) => new BranchWithSettings(branch, this.#limits));
  }

  usage(): EngineUsage {
    return this.#session.usage();
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

/** What a branch has used of its limits. A fork goes on from its parent's. */
interface Spent {
  /** Tokens it may still sample by itself. */
  left: number;
  /** Whether text was forced since they were spent, so that an answer is due. */
  isAsked: boolean;
  /** Tokens it may yet answer with once it is asked. */
  answerLeft: number;
}

class BranchWithSettings implements Branch {
  readonly #branch: Branch;
  readonly #limits: Limits;
  readonly #spent: Spent;
  /** How it has ended by the caller's settings. */
  #ended: 'end' | 'context' | undefined;
  /** Its text up to a stop string of the caller. */
  #cutText: string | undefined;
  #isAdvancing = false;

  constructor(branch: Branch, limits: Limits, spent: Spent = { left: limits.maxTokens, isAsked: false, answerLeft: ANSWER_TOKENS }) {
    this.#branch = branch;
    this.#limits = limits;
    this.#spent = { ...spent };
  }

  get number(): number {
    return this.#branch.number;
  }

  get text(): string {
    return this.#cutText ?? this.#branch.text;
  }

  get tokenCount(): number {
    return this.#branch.tokenCount;
  }

  get ended(): Branch['ended'] {
    return this.#ended ?? this.#branch.ended;
  }

  async advance(options: AdvanceOptions = {}): Promise<Segment> {
    requireAdvanceOptions(options);
    this.#requireResting('advance');
    const { until } = options;
    const stop = [...this.#limits.stop, ...(until?.stop ?? [])];
    const tokens = Math.min(until?.tokens ?? Infinity, this.#allowance());
    const before = { text: this.#branch.text, tokenCount: this.#branch.tokenCount };
    this.#isAdvancing = true;
    try {
      // A branch without room asks the engine for one token at a time that is past: an empty segment, with times of its clock.
      const segment = await this.#branch.advance(
        tokens === 0
          ? { ...options, until: { tokens: 1 }, deadlineAt: -Infinity }
          : { ...options, until: { ...(stop.length > 0 && { stop }), ...(tokens < Infinity && { tokens }) } },
      );
      if (tokens === 0) return this.#fill(segment);
      this.#spend(this.#branch.tokenCount - before.tokenCount);
      return this.#cut(segment, before.text);
    } finally {
      this.#isAdvancing = false;
    }
  }

  fork(): Branch {
    this.#requireResting('fork');
    return new BranchWithSettings(this.#branch.fork(), this.#limits, this.#spent);
  }

  async force(text: string): Promise<void> {
    this.#requireResting('force');
    await this.#branch.force(text);
    if (text === '') return;
    const spent = this.#spent;
    // One answer, in as many segments as its form takes; not a second one.
    if (spent.isAsked && spent.answerLeft < ANSWER_TOKENS) spent.answerLeft = 0;
    spent.isAsked = spent.left === 0;
  }

  abort(): void {
    if (!this.#ended) this.#branch.abort();
  }

  /** Most tokens of the next segment. */
  #allowance(): number {
    const { left, isAsked, answerLeft } = this.#spent;
    if (left > 0) return left;
    return isAsked ? answerLeft : 0;
  }

  #spend(count: number): void {
    const spent = this.#spent;
    if (spent.left === 0) spent.answerLeft = Math.max(0, spent.answerLeft - count);
    spent.left = Math.max(0, spent.left - count);
  }

  /** The end of a branch whose tokens are spent: to a strategy, a full context. */
  #fill(segment: Segment): Segment {
    if (segment.finish === 'aborted') return segment;
    this.#end('context');
    return { ...segment, finish: 'context' };
  }

  /** Ends the branch where its text has come to a stop string of the caller, also one that an earlier segment began. */
  #cut(segment: Segment, textBeforehand: string): Segment {
    const { stop } = this.#limits;
    if (stop.length === 0) return segment;
    const longest = Math.max(...stop.map((string) => string.length));
    const cutText = textBefore(this.#branch.text, stop, Math.max(0, textBeforehand.length - longest + 1));
    if (cutText === undefined) return segment;
    this.#cutText = cutText;
    this.#end('end');
    const cut: { -readonly [Field in keyof Segment]: Segment[Field] } = { ...segment, text: cutText.slice(textBeforehand.length), finish: 'end' };
    delete cut.stop;
    return cut;
  }

  #end(ended: 'end' | 'context'): void {
    this.#ended = ended;
    this.#branch.abort();
  }

  #requireResting(verb: string): void {
    requireResting(verb, { number: this.number, ended: this.ended, isAdvancing: this.#isAdvancing });
  }
}
