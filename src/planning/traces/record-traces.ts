/**
 * Records what a model writes: several branches for each problem, token by token, with their answers, scores, and what the
 * model says when it is asked for its answer early. Everything the optimiser knows of accuracy and length comes from such
 * traces.
 *
 * @module
 */
import { equivalent } from '../../answers/equivalent.ts';
import { extractAnswer } from '../../answers/extract-answer.ts';
import type { BranchTrace, ProblemTrace, TraceProblem } from '../../contracts/trace.ts';
import { readOptions } from '../../option-schemas.ts';
import { requireWholeNumber } from '../../options.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { forcedAnswerEntries } from '../../strategies/forced-answer.ts';
import { checkedProblems } from './problem-names.ts';
import { TraceRecorder, type ProbePolicy, type RecordTracesOptions } from './trace-recorder.ts';

export type { RecordTracesOptions } from './trace-recorder.ts';

const PROBE_TOKENS = 12;
const DRAFT_LENGTHS = [1, 2, 4, 8];

/**
 * Records problem by problem; leave problems out that have been recorded already to resume.
 *
 * @throws {InvalidOptionError} before any work starts.
 * @throws the signal's reason when it is aborted; what was yielded by then is whole.
 */
export async function* recordTraces(options: RecordTracesOptions): AsyncGenerator<ProblemTrace, void, undefined> {
  const { branches = 16, seed = 0, maxTokens, draftLengths = DRAFT_LENGTHS, signal, onProgress } = options;
  requireWholeNumber('branches', branches, 1);
  requireWholeNumber('seed', seed);
  if (maxTokens !== undefined) requireWholeNumber('maxTokens', maxTokens, 1);
  for (const length of draftLengths) requireWholeNumber('draftLengths', length, 1);
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
