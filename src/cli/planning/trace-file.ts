import { appendFile, readFile, truncate } from 'node:fs/promises';
import type { SamplingOptions } from '../../contracts/engine.ts';
import type { ProblemTrace, TraceProblem } from '../../contracts/trace.ts';
import { InvalidOptionError } from '../../errors.ts';
import { formatTrace, parseTraces } from '../../planning/traces/trace-lines.ts';
import { wasSampled } from '../../planning/traces/was-sampled.ts';

/** A file of traces that grows line by line. */
export class TraceFile {
  readonly path: string;
  readonly #traces: ProblemTrace[];

  private constructor(path: string, traces: ProblemTrace[]) {
    this.path = path;
    this.#traces = traces;
  }

  /**
   * Reads what was recorded, and cuts off a last line that was being written when its writer stopped.
   *
   * @throws {InvalidOptionError} for a file that cannot be written or holds something else.
   */
  static async open(path: string): Promise<TraceFile> {
    try {
      await appendFile(path, '');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new InvalidOptionError('traces', 'a file that can be written, in a directory that exists', path, String(code ?? error));
    }
    const bytes = await readFile(path);
    const whole = bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
    const traces = parseTraces(whole.toString('utf8'));
    if (whole.length < bytes.length) await truncate(path, whole.length);
    return new TraceFile(path, traces);
  }

  get traces(): readonly ProblemTrace[] {
    return this.#traces;
  }

  /** What the file holds of some problems, sampled in one of some ways. */
  of(problems: readonly TraceProblem[], samplings: readonly (SamplingOptions | undefined)[]): ProblemTrace[] {
    const ids = new Set(problems.map(({ id }) => id));
    return this.#traces.filter((trace) => ids.has(trace.id) && samplings.some((sampling) => wasSampled(trace, sampling)));
  }

  /**
   * Problems that are not in the file yet, sampled in this way.
   *
   * @throws {InvalidOptionError} where the file holds another problem under one's id, or another number of branches.
   */
  missing(problems: readonly TraceProblem[], branches: number, sampling: SamplingOptions | undefined): TraceProblem[] {
    const prompts = new Map(this.#traces.map(({ id, prompt }) => [id, prompt]));
    const traces = this.#traces.filter((trace) => wasSampled(trace, sampling));
    const done = new Set(traces.map(({ id }) => id));
    const recorded = Math.max(0, ...traces.map((trace) => trace.branches.length));
    if (sampling?.temperature !== 0 && recorded !== 0 && recorded !== branches) {
      throw new InvalidOptionError('branches', `the ${recorded} that ${this.path} was recorded with`, branches, 'Or name another file with `--traces`.');
    }
    const other = problems.find(({ id, prompt }) => prompts.has(id) && prompts.get(id) !== prompt);
    if (other) throw new InvalidOptionError('traces', 'a file recorded of these problems', this.path, `Its problem ${other.id} is another one.`);
    return problems.filter(({ id }) => !done.has(id));
  }

  async append(trace: ProblemTrace): Promise<void> {
    await appendFile(this.path, formatTrace(trace));
    this.#traces.push(trace);
  }
}
