/**
 * Records what a model writes: several branches for each problem, token by token, with their answers, scores, and what the
 * model says when it is asked for its answer early. Everything the optimiser knows of accuracy and length comes from such
 * traces.
 *
 * @module
 */
import * as v from 'valibot';
import { equivalent } from '../../answers/equivalent.ts';
import { extractAnswer } from '../../answers/extract-answer.ts';
import type { AnswerEquivalence, AnswerExtractor } from '../../contracts/answer.ts';
import type { Engine, SamplingOptions } from '../../contracts/engine.ts';
import type { OutcomeScorer, StepScorer } from '../../contracts/scorer.ts';
import type { BranchTrace, ProblemTrace, TraceProblem } from '../../contracts/trace.ts';
import { func, objectWith, plainObject, readOptions, value, wholeNumber, type EntriesFor } from '../../option-schemas.ts';
import { isObject, requireWholeNumber } from '../../options.ts';
import { callEntries } from '../../runtime/call-options.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { forcedAnswerEntries } from '../../strategies/forced-answer.ts';
import { checkedProblems } from './problem-names.ts';
import { TraceRecorder, type ProbePolicy, type RecordTracesOptions } from './trace-recorder.ts';

export type { RecordTracesOptions } from './trace-recorder.ts';

const PROBE_TOKENS = 12;
const DRAFT_LENGTHS = [1, 2, 4, 8];

export const recordTracesEntries = {
  engine: objectWith<Engine>('open', 'an engine'),
  problems: value<readonly TraceProblem[]>(
    'a list of problems',
    (given) => Array.isArray(given) && given.every((one) => typeof one === 'object' && one !== null),
  ),
  branches: v.optional(wholeNumber(1)),
  seed: v.optional(wholeNumber()),
  sampling: v.optional(plainObject<SamplingOptions>()),
  maxTokens: v.optional(wholeNumber(1)),
  scorer: v.optional(objectWith<StepScorer | OutcomeScorer>('score', 'a scorer')),
  probes: v.optional(value<NonNullable<RecordTracesOptions['probes']>>('an object, or false', (given) => given === false || isObject(given))),
  draftLengths: v.optional(v.array(wholeNumber(1), 'a list of whole numbers')),
  extract: v.optional(func<AnswerExtractor>()),
  isSame: v.optional(func<AnswerEquivalence>()),
  onProgress: v.optional(func<NonNullable<RecordTracesOptions['onProgress']>>()),
  ...callEntries,
} satisfies EntriesFor<RecordTracesOptions>;

/**
 * Records problem by problem; leave problems out that have been recorded already to resume.
 *
 * @throws {InvalidOptionError} before any work starts.
 * @throws the signal's reason when it is aborted; what was yielded by then is whole.
 */
export async function* recordTraces(options: RecordTracesOptions): AsyncGenerator<ProblemTrace, void, undefined> {
  readOptions(recordTracesEntries, options);
  const { branches = 16, seed = 0, draftLengths = DRAFT_LENGTHS, signal, onProgress } = options;
  const problems = checkedProblems(options.problems);
  const recorder = new TraceRecorder({ ...options, branches, seed, draftLengths, clock: options.clock ?? systemClock }, probePolicy(options.probes ?? {}));
  for (const [done, problem] of problems.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ done, total: problems.length });
    const recorded = await recorder.record(problem);
    const judged = recorded.branches.map((branch) => judge(branch, problem, options));
    yield { ...recorded, branches: judged };
  }
  onProgress?.({ done: problems.length, total: problems.length });
}

/** @throws {InvalidOptionError} */
function probePolicy(probes: Exclude<RecordTracesOptions['probes'], undefined>): ProbePolicy | undefined {
  if (probes === false) return undefined;
  const { everyTokens = PROBE_TOKENS, ...forced } = probes;
  requireWholeNumber('probes.everyTokens', everyTokens, 1);
  return { everyTokens, forced: readOptions(forcedAnswerEntries, forced, 'probes') };
}

/** The branch with its answer, where it came to one. */
function judge(branch: BranchTrace, { reference }: TraceProblem, options: RecordTracesOptions): BranchTrace {
  const { extract = extractAnswer, isSame = equivalent } = options;
  const answer = branch.finish === 'end' ? extract(branch.text) : undefined;
  if (answer === undefined) return reference === undefined ? branch : { ...branch, isRight: false };
  return { ...branch, answer, ...(reference !== undefined && { isRight: isSame(answer, reference) }) };
}
