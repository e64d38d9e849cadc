import { anyAnswer, explicitAnswer } from '../answers/extract-answer.ts';
import type { AnswerExtractor } from '../contracts/answer.ts';
import type { SamplingOptions } from '../contracts/engine.ts';
import { resolveSampling } from '../maths/sampling.ts';
import { requireWholeNumber } from '../options.ts';
import type { BranchRecorder } from '../runtime/branch-recorder.ts';
import { isAnswerOpen, resolveForcedAnswer, type ForcedAnswer, type ForcedAnswerOptions } from './forced-answer.ts';

/** How strategies that sample whole solutions decode one. */
export interface SolutionOptions {
  /** Most tokens of one solution. Whole number ≥ 1. @default what the context holds */
  readonly maxTokens?: number;
  /** @default the engine's */
  readonly sampling?: SamplingOptions;
  /** Finds the answer of a finished branch. @default after `####`, in `\boxed{}`, or the last number */
  readonly extract?: AnswerExtractor;
  /** Finds an answer that an unfinished branch has written out already. @default after `####` or in `\boxed{}` */
  readonly extractUnfinished?: AnswerExtractor;
  /** How an unfinished branch is asked for its answer; `false` lets it abstain. @default `{}` */
  readonly forcedAnswer?: ForcedAnswerOptions | false;
}

/** `SolutionOptions` with every default filled in. */
export interface SolutionPolicy {
  readonly maxTokens: number | undefined;
  readonly sampling: SamplingOptions;
  readonly extract: AnswerExtractor;
  readonly extractUnfinished: AnswerExtractor;
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
    forced: forcedAnswer === false ? undefined : resolveForcedAnswer(forcedAnswer),
  };
}

/** The answer of a branch as it stands: an unfinished one has an answer only where it is written out whole. */
export function answerOf({ branch, finish, isForced }: BranchRecorder, { extract, extractUnfinished }: SolutionPolicy): string | undefined {
  if (finish === 'aborted' || finish === 'failed') return undefined;
  if (finish === 'end') return extract(branch.text);
  const isWhole = finish === 'stop' || (isForced && finish === 'length') || !isAnswerOpen(branch.text, extractUnfinished);
  return isWhole ? extractUnfinished(branch.text) : undefined;
}
