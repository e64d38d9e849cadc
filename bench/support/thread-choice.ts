import type { Candidate, DecodeRequest, DecodeRun } from './candidate.ts';
import { usefulRates } from './rates.ts';
import type { Setting } from './speculative-roster.ts';

/** A number of threads that starts at less than this share of the best rate is not tried further. */
const HOPELESS = 0.3;

/** A candidate at several numbers of threads: each setting gets the one that is fastest there. */
export class ThreadChoice implements Candidate {
  readonly name: string;
  readonly #byThreads: ReadonlyMap<number, Candidate>;
  readonly #chosen = new Map<string, number>();

  /** @param byThreads - The same candidate by its number of threads. At least one. */
  constructor(byThreads: ReadonlyMap<number, Candidate>) {
    const [first] = byThreads.values();
    this.name = first!.name;
    this.#byThreads = byThreads;
  }

  /** Tries each number of threads on requests of one setting, the first of which warms up, and keeps the fastest. */
  async choose(requests: readonly DecodeRequest[]): Promise<void> {
    let bestRate = 0;
    for (const [threads, candidate] of this.#byThreads) {
      if ((await rateOf(candidate, requests[0]!)) < HOPELESS * bestRate) continue;
      const rates: number[] = [];
      for (const request of requests) rates.push(await rateOf(candidate, request));
      // The best of few: what disturbs a run only ever makes it slower.
      const rate = Math.max(...rates);
      if (rate <= bestRate) continue;
      bestRate = rate;
      this.#chosen.set(keyOf(requests[0]!), threads);
    }
  }

  /** The number of threads of a setting: as chosen, else the first there is. */
  threadsFor(setting: Setting): number {
    const [first] = this.#byThreads.keys();
    return this.#chosen.get(keyOf(setting)) ?? first!;
  }

  run(request: DecodeRequest): Promise<DecodeRun> {
    return this.#byThreads.get(this.threadsFor(request))!.run(request);
  }

  async dispose(): Promise<void> {
    for (const candidate of this.#byThreads.values()) await candidate.dispose();
  }
}

/** Useful tokens a second of one run. */
async function rateOf(candidate: Candidate, request: DecodeRequest): Promise<number> {
  const [rate] = usefulRates([[await candidate.run(request)]]);
  return rate!;
}

function keyOf({ branches, temperature }: Setting): string {
  return `${branches} ${temperature}`;
}
