import type { Prompt } from '../../contracts/prompt.ts';
import type { BranchTrace, ProblemTrace } from '../../contracts/trace.ts';
import { InvalidOptionError, NotRecordedError } from '../../errors.ts';

/** Traces by prompt, and the scores of their texts. */
export class ReplayBank {
  readonly #problems = new Map<string, ProblemTrace>();
  readonly #scores = new Map<string, readonly number[]>();
  /** Mean characters of a token, by problem. */
  readonly #tokenLengths = new Map<ProblemTrace, number>();

  /** @throws {InvalidOptionError} for no traces, or two of one prompt. */
  constructor(traces: readonly ProblemTrace[]) {
    if (traces.length === 0) throw new InvalidOptionError('traces', 'a list of at least one', traces);
    for (const trace of traces) {
      const key = keyOf(trace.prompt);
      if (this.#problems.has(key)) throw new InvalidOptionError('traces', 'of one problem each', trace.id, 'Two traces have the same prompt.');
      this.#problems.set(key, trace);
      for (const { text, scores } of trace.branches) if (scores) this.addScores(trace.prompt, text, scores);
    }
  }

  /** @throws {NotRecordedError} */
  problem(prompt: Prompt): ProblemTrace {
    const problem = this.#problems.get(keyOf(prompt));
    if (!problem) throw new NotRecordedError('a prompt that was recorded', 'Record traces of it first.');
    return problem;
  }

  /** About how many tokens a text has, by those of the problem's branches. */
  tokensIn(prompt: Prompt, text: string): number {
    const problem = this.problem(prompt);
    let length = this.#tokenLengths.get(problem);
    if (length === undefined) this.#tokenLengths.set(problem, (length = tokenLengthOf(problem)));
    return Math.ceil(text.length / length);
  }

  scoresOf(prompt: Prompt, text: string): readonly number[] | undefined {
    return this.#scores.get(scoreKey(prompt, text));
  }

  addScores(prompt: Prompt, text: string, scores: readonly number[]): void {
    this.#scores.set(scoreKey(prompt, text), scores);
  }
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
