import type { SamplingOptions } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import type { BranchTrace, ProblemTrace } from '../../contracts/trace.ts';
import { InvalidOptionError, NotRecordedError } from '../../errors.ts';
import { samplingKey } from '../../maths/sampling-key.ts';

/** Traces by prompt and by the way of sampling, and the scores of their texts. */
export class ReplayBank {
  /** By prompt, then by the way of sampling. */
  readonly #problems = new Map<string, Map<string, ProblemTrace>>();
  readonly #scores = new Map<string, readonly number[]>();
  /** Mean characters of a token, by problem. */
  readonly #tokenLengths = new Map<ProblemTrace, number>();

  /** @throws {InvalidOptionError} for no traces, or two of one prompt that were sampled alike. */
  constructor(traces: readonly ProblemTrace[]) {
    if (traces.length === 0) throw new InvalidOptionError('traces', 'a list of at least one', traces);
    for (const trace of traces) {
      const key = keyOf(trace.prompt);
      const recorded = this.#problems.get(key) ?? new Map<string, ProblemTrace>();
      const sampling = samplingKey(trace.sampling);
      if (recorded.has(sampling))
        throw new InvalidOptionError('traces', 'of one problem each', trace.id, 'Two traces have the same prompt, and were sampled alike.');
      this.#problems.set(key, recorded.set(sampling, trace));
      for (const { text, scores } of trace.branches) if (scores) this.addScores(trace.prompt, text, scores);
    }
  }

  /**
   * What was recorded of a prompt.
   *
   * @param sampling - As traces have it. Where a prompt was recorded in one way only, that is played whatever is asked for.
   * @throws {NotRecordedError}
   */
  problem(prompt: Prompt, sampling?: SamplingOptions): ProblemTrace {
    const recorded = this.#recorded(prompt);
    const problem = recorded.get(samplingKey(sampling)) ?? (recorded.size === 1 ? firstOf(recorded) : undefined);
    if (problem) return problem;
    const ways = [...recorded.values()].map((trace) => JSON.stringify(trace.sampling ?? {})).join(' or ');
    throw new NotRecordedError(`branches sampled with ${ways} but is asked for ${JSON.stringify(sampling ?? {})}`, 'Record traces sampled so, too.');
  }

  /** @throws {NotRecordedError} */
  promptTokens(prompt: Prompt): number {
    return firstOf(this.#recorded(prompt)).promptTokens;
  }

  /** About how many tokens a text has, by those of the problem's branches. */
  tokensIn(prompt: Prompt, text: string): number {
    const problem = firstOf(this.#recorded(prompt));
    let length = this.#tokenLengths.get(problem);
    if (length === undefined) this.#tokenLengths.set(problem, (length = tokenLengthOf(problem)));
    return Math.ceil(text.length / length);
  }

  #recorded(prompt: Prompt): ReadonlyMap<string, ProblemTrace> {
    const recorded = this.#problems.get(keyOf(prompt));
    if (!recorded) throw new NotRecordedError('a prompt that was recorded', 'Record traces of it first.');
    return recorded;
  }

  scoresOf(prompt: Prompt, text: string): readonly number[] | undefined {
    return this.#scores.get(scoreKey(prompt, text));
  }

  addScores(prompt: Prompt, text: string, scores: readonly number[]): void {
    this.#scores.set(scoreKey(prompt, text), scores);
  }
}

/** Of a map that is never empty. */
function firstOf(recorded: ReadonlyMap<string, ProblemTrace>): ProblemTrace {
  const [first] = recorded.values();
  return first!;
}

function tokenLengthOf({ branches }: ProblemTrace): number {
  const sum = (of: (branch: BranchTrace) => number): number =>
    Math.max(
      1,
      branches.reduce((total, branch) => total + of(branch), 0),
    );
  return sum(({ text }) => text.length) / sum(({ ends }) => ends.length);
}

function keyOf(prompt: Prompt): string {
  return typeof prompt === 'string' ? prompt : JSON.stringify(prompt);
}

function scoreKey(prompt: Prompt, text: string): string {
  return `${keyOf(prompt)}\n${text}`;
}
