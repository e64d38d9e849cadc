/**
 * Asking an unfinished branch for its answer: the cap of budget forcing (s1, Muennighoff et al. 2025, arXiv:2501.19393),
 * with the cap set by time. Text that announces the answer is appended and a few more tokens are decoded.
 *
 * @module
 */
import type { AnswerExtractor } from '../contracts/answer.ts';
import { InvalidOptionError } from '../errors.ts';
import { requireWholeNumber } from '../options.ts';
import type { BranchRecorder } from '../runtime/branch-recorder.ts';
import type { RunScope } from '../runtime/run-scope.ts';

export interface ForcedAnswerOptions {
  /** Appended to the unfinished text. A leading line break is left out where the text ends with one. @default '\n#### ' */
  readonly suffix?: string;
  /** Most tokens of the answer; also how many model steps are kept in reserve for it. Whole number ≥ 1. @default 8 */
  readonly maxTokens?: number;
  /** The answer ends here. @default ['\n'] */
  readonly stop?: readonly string[];
}

export type ForcedAnswer = Required<ForcedAnswerOptions>;

/** Fills defaults in and checks ranges. @throws {InvalidOptionError} */
export function resolveForcedAnswer({ suffix = '\n#### ', maxTokens = 8, stop = ['\n'] }: ForcedAnswerOptions): ForcedAnswer {
  if (suffix.trim() === '') throw new InvalidOptionError('forcedAnswer.suffix', 'text that is not empty', suffix);
  requireWholeNumber('forcedAnswer.maxTokens', maxTokens, 1);
  if (stop.includes('')) throw new InvalidOptionError('forcedAnswer.stop', 'a list of strings that are not empty', stop);
  return { suffix, maxTokens, stop };
}

/** Model steps to keep in reserve: the appended text is one, and one more covers a slow one. */
export function reservedSteps(forced: ForcedAnswer | undefined): number {
  return forced ? forced.maxTokens + 2 : 0;
}

/** Whether one more character could change the answer: a text cut behind `#### 4` may have been about to say 42. */
export function isAnswerOpen(text: string, extract: AnswerExtractor): boolean {
  return extract(`${text}0`) !== extract(text);
}

/** What announces the answer behind a text: the suffix, without a line break where the text has one. */
export function suffixBehind(text: string, { suffix }: ForcedAnswer): string {
  return text === '' || text.endsWith('\n') ? suffix.replace(/^\n+/, '') : suffix;
}

/**
 * Brings an unfinished branch to its answer: announces it, or lets one go on that has begun. An answer that is whole needs neither.
 *
 * @param extract - Finds an answer that is written out.
 */
export async function forceAnswer(
  recorder: BranchRecorder,
  forced: ForcedAnswer,
  extract: AnswerExtractor,
  { deadlineAt, signal }: Pick<RunScope, 'deadlineAt' | 'signal'>,
): Promise<void> {
  const { branch } = recorder;
  if (extract(branch.text) === undefined) {
    await branch.force(suffixBehind(branch.text, forced));
    recorder.markForced();
  } else if (!isAnswerOpen(branch.text, extract)) {
    return;
  }
  recorder.add(
    await branch.advance({
      until: { tokens: forced.maxTokens, stop: forced.stop },
      deadlineAt,
      ...(signal && { signal }),
    }),
  );
}
