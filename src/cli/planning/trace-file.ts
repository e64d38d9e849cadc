import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import type { SamplingOptions } from '../../contracts/engine.ts';
import type { ProblemTrace, TraceProblem } from '../../contracts/trace.ts';
import { InvalidOptionError } from '../../errors.ts';
import { decodeText } from '../../node/read-text-file.ts';
import { completeLines, formatTrace, parseTraces } from '../../planning/traces/trace-lines.ts';
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
   * Reads what was recorded, and cuts off a last line that was being written when its writer stopped. A file to which lines
   * cannot be added as it is, for its encoding or line ends, is written again.
   *
   * @throws {InvalidOptionError} for a file that cannot be written or holds something else, and for a problem recorded twice.
   */
  static async open(path: string): Promise<TraceFile> {
    try {
      await appendFile(path, '');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new InvalidOptionError('traces', 'a file that can be written, in a directory that exists', path, String(code ?? error));
    }
    const bytes = await readFile(path);
    const text = textOf(bytes, path);
    const traces = parseTraces(text);
    requireOnce(traces, path);
    if (!canGrow(bytes)) {
      const lines = completeLines(text).filter((line) => line.trim() !== '');
      await writeFile(`${path}.new`, lines.map((line) => `${line}\n`).join(''));
      await rename(`${path}.new`, path);
    }
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

function textOf(bytes: Buffer, path: string): string {
  try {
    return decodeText(bytes);
  } catch {
    throw new InvalidOptionError('traces', 'a file of text in UTF-8', path);
  }
}

/** Whether another line may follow: plain UTF-8 that ends with a line. */
function canGrow(bytes: Buffer): boolean {
  const [first] = bytes;
  return first === undefined || (first === '{'.charCodeAt(0) && bytes[1] !== 0 && bytes.at(-1) === '\n'.charCodeAt(0));
}

/** @throws {InvalidOptionError} where a problem was recorded twice in one way. */
function requireOnce(traces: readonly ProblemTrace[], path: string): void {
  const seen = new Set<string>();
  for (const { id, sampling } of traces) {
    const key = JSON.stringify([id, sampling]);
    if (seen.has(key))
      throw new InvalidOptionError('traces', 'a file with every problem once for each way of sampling', path, `Its problem ${id} is there twice.`);
    seen.add(key);
  }
}
