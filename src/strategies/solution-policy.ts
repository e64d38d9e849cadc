import * as v from 'valibot';
import { anyAnswer, explicitAnswer } from '../answers/extract-answer.ts';
import { isSameMeaning } from '../answers/same-meaning.ts';
import type { AnswerEquivalence, AnswerExtractor } from '../contracts/answer.ts';
import type { SamplingOptions } from '../contracts/engine.ts';
import { samplingSchema } from '../maths/sampling.ts';
import { func, texts, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import type { BranchRecorder } from '../runtime/branch-recorder.ts';
import { answerAsked, forcedAnswerSchema, isAnswerOpen, type AnswerRequest, type ForcedAnswer } from './forced-answer.ts';

/** How strategies that sample whole solutions decode one. */
export const solutionEntries = {
  /** Most tokens of one solution. Whole number ≥ 1. @default what the context holds */
  maxTokens: v.optional(wholeNumber(1)),
  /** How tokens are chosen. @default the engine's */
  sampling: v.optional(samplingSchema, {}),
  /** Finds the answer of a finished branch. @default after `####`, in `\boxed{}`, or the last number */
  extract: v.optional(func<AnswerExtractor>()),
  /**
   * Finds an answer that an unfinished branch has written out already, or that it was asked for.
   *
   * @default after `####` or in `\boxed{}`; an answer that was asked for is read by `extract`
   */
  extractUnfinished: v.optional(func<AnswerExtractor>()),
  /** How an unfinished branch is asked for its answer; `false` lets it abstain. @default as suits the model and the prompt */
  forcedAnswer: v.optional(v.union([v.literal(false), forcedAnswerSchema], 'false, or an object'), {}),
};

export interface SolutionOptions extends OptionsOf<typeof solutionEntries> {}

export const sameAnswerEntries = {
  /** Whether two answers count as one. @default by meaning, as `equivalent` says */
  isSame: v.optional(func<AnswerEquivalence>(), () => isSameMeaning),
};

/** Of strategies that go step by step. */
export const stepEntries = {
  /** Strings that end a step. At least one. @default ['\n'] */
  stepStop: v.optional(texts(1), ['\n']),
  /** Most tokens of one step. Whole number ≥ 1. @default 256 */
  maxStepTokens: v.optional(wholeNumber(1), 256),
};

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

/** Fills in what depends on other options. */
export function solutionPolicy({ maxTokens, sampling, extract, extractUnfinished, forcedAnswer }: SettingsOf<typeof solutionEntries>): SolutionPolicy {
  return {
    maxTokens,
    sampling,
    extract: extract ?? anyAnswer,
    extractUnfinished: extractUnfinished ?? explicitAnswer,
    extractAsked: extractUnfinished ?? extract,
    forced: forcedAnswer === false ? undefined : forcedAnswer,
  };
}

/** With the policy of one solution. */
export function withSolutionPolicy<Settings extends SettingsOf<typeof solutionEntries>>(settings: Settings): Settings & { readonly solution: SolutionPolicy } {
  return { ...settings, solution: solutionPolicy(settings) };
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
