import { anyAnswer, explicitAnswer } from '../answers/extract-answer.ts';
import type { AnswerExtractor } from '../contracts/answer.ts';
import type { SamplingOptions } from '../contracts/engine.ts';
import { resolveSampling } from '../maths/sampling.ts';
import { requireWholeNumber, type OptionNames } from '../options.ts';
import type { BranchRecorder } from '../runtime/branch-recorder.ts';
import { answerAsked, isAnswerOpen, resolveForcedAnswer, type AnswerRequest, type ForcedAnswer, type ForcedAnswerOptions } from './forced-answer.ts';

/** How strategies that sample whole solutions decode one. */
export interface SolutionOptions {
  /** Most tokens of one solution. Whole number ≥ 1. @default what the context holds */
  readonly maxTokens?: number;
  /** @default the engine's */
  readonly sampling?: SamplingOptions;
  /** Finds the answer of a finished branch. @default after `####`, in `\boxed{}`, or the last number */
  readonly extract?: AnswerExtractor;
  /**
   * Finds an answer that an unfinished branch has written out already, or that it was asked for.
   *
   * @default after `####` or in `\boxed{}`; an answer that was asked for is read by `extract`
   */
  readonly extractUnfinished?: AnswerExtractor;
  /** How an unfinished branch is asked for its answer; `false` lets it abstain. @default `{}`, which suits the model and the prompt */
  readonly forcedAnswer?: ForcedAnswerOptions | false;
}

/** Names of the options of one solution, for the tables of strategies. */
export const SOLUTION_NAMES: OptionNames<SolutionOptions> = { maxTokens: true, sampling: true, extract: true, extractUnfinished: true, forcedAnswer: true };

/** `SolutionOptions` with every default filled in. */
export interface SolutionPolicy {
  readonly maxTokens: number | undefined;
  readonly sampling: SamplingOptions;
  readonly extract: AnswerExtractor;
  readonly extractUnfinished: AnswerExtractor;
  /** The caller's own way of reading answers that were asked for; `undefined` for the library's. */
  readonly extractAsked: AnswerExtractor | undefined;
  readonly forced: ForcedAnswer | undefined;
}

/** Fills defaults in and checks ranges. @throws {InvalidOptionError} */
export function resolveSolutionPolicy(options: SolutionOptions): SolutionPolicy {
  const { maxTokens, sampling = {}, forcedAnswer = {} } = options;
  if (maxTokens !== undefined) requireWholeNumber('maxTokens', maxTokens, 1);
  resolveSampling(sampling);
  return {
    maxTokens,
    sampling,
    extract: options.extract ?? anyAnswer,
    extractUnfinished: options.extractUnfinished ?? explicitAnswer,
    extractAsked: options.extractUnfinished ?? options.extract,
    forced: forcedAnswer === false ? undefined : resolveForcedAnswer(forcedAnswer),
  };
}

/** The answer of a branch as it stands: an unfinished one has an answer only where it is written out whole. */
export function answerOf(recorder: BranchRecorder, policy: SolutionPolicy, request: AnswerRequest | undefined): string | undefined {
  const { branch, finish, isForced, answerFrom } = recorder;
  const { extract, extractUnfinished, extractAsked } = policy;
  if (finish === 'aborted' || finish === 'failed') return undefined;
  // A branch that was asked and has said nothing has no answer; what its text says before that is not meant as one.
  if (finish === 'end' && answerFrom === undefined) return isForced ? extractUnfinished(branch.text) : extract(branch.text);
  const read =
    request && answerFrom !== undefined ? (extractAsked ?? ((text: string): string | undefined => answerAsked(text, answerFrom, request))) : extractUnfinished;
  const isWhole = finish === 'end' || finish === 'stop' || (isForced && finish === 'length') || !isAnswerOpen(branch.text, read);
  return isWhole ? read(branch.text) : undefined;
}
