import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Machine } from '../machine.ts';
import type { StrategyRunRecord } from '../strategy-report.ts';
import type { PassTimes } from './pass-times.ts';

/** What all records of a file were made with. */
export interface RecordHead {
  readonly seed: number;
  readonly only: string;
  readonly machine: Machine;
  readonly times: PassTimes;
  /** Median simulated milliseconds of one branch, by tier: what deadlines are counted in. */
  readonly branchMs: Readonly<Record<string, number>>;
  /** Median tokens of one branch, by tier: what strategies are told to expect. */
  readonly branchTokens: Readonly<Record<string, number>>;
}

interface SolvedLine {
  readonly tier: number;
  readonly problem: number;
  readonly records: readonly StrategyRunRecord[];
}

/** Records of runs as JSON Lines, the first of which is the head: measuring can stop anywhere and go on. */
export class RecordFile {
  readonly head: RecordHead;
  readonly #path: string;
  readonly #solved: SolvedLine[];

  private constructor(path: string, head: RecordHead, solved: SolvedLine[]) {
    this.#path = path;
    this.head = head;
    this.#solved = solved;
  }

  /** Goes on with a file of the same seed, tiers and strategies, or starts one. */
  static async open(
    path: string,
    wanted: { readonly seed: number; readonly only: string; readonly tiers: readonly number[] },
    measure: () => Promise<RecordHead>,
  ): Promise<RecordFile> {
    if (existsSync(path)) {
      const [first = '', ...lines] = readFileSync(path, 'utf8').split('\n');
      const head = JSON.parse(first) as RecordHead;
      if (head.seed !== wanted.seed || head.only !== wanted.only || wanted.tiers.some((tier) => head.branchMs[tier] === undefined)) {
        throw new Error(`${path} holds records of other settings. Finish them with the command they were begun with, or give --fresh.`);
      }
      return new RecordFile(path, head, lines.flatMap(parseLine));
    }
    const head = await measure();
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${JSON.stringify(head)}\n`);
    return new RecordFile(path, head, []);
  }

  has(tier: number, problem: number): boolean {
    return this.#solved.some((line) => line.tier === tier && line.problem === problem);
  }

  add(line: SolvedLine): void {
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
    this.#solved.push(line);
  }

  /** Of the first problems of some tiers. */
  records(tiers: readonly number[], problems: number): StrategyRunRecord[] {
    const lines = this.#solved.filter(({ tier, problem }) => tiers.includes(tier) && problem < problems);
    return lines.flatMap(({ records }) => records.map((record) => ({ ...record, deadlineFactor: record.deadlineFactor ?? undefined })));
  }
}

/** Nothing of a line that was cut off while it was written. */
function parseLine(line: string): SolvedLine[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as SolvedLine];
  } catch {
    return [];
  }
}
