import type { DecodeRequest } from './candidate.ts';
import type { Contestant } from './contestants.ts';
import { usefulRates } from './rates.ts';
import { takesPart, type Setting } from './speculative-roster.ts';

/** A number of threads that reaches less than this share of another's best rate is not worth measuring. */
const HOPELESS = 0.6;
/** One that starts with less than this share is not even tried further: on a busy machine it can be slow beyond measure. */
const HOPELESS_START = 0.2;

/** Who is measured in which setting. */
export type Admission = (contestant: Contestant, setting: Setting) => boolean;

/**
 * Warms everyone up in every setting they take part in, and leaves out numbers of threads that are clearly worse for a
 * candidate than another one. What is left is told apart by the measurement itself.
 *
 * @param requestsOf - What is tried in a setting; the first request warms up.
 */
export async function tryOut(
  contestants: readonly Contestant[],
  settings: readonly Setting[],
  requestsOf: (setting: Setting) => readonly DecodeRequest[],
): Promise<Admission> {
  const admitted = new Map<Contestant, Set<Setting>>(contestants.map((contestant) => [contestant, new Set()]));
  for (const setting of settings) {
    const bestRates = new Map<Contestant, number>();
    const rateToBeat = ({ entry }: Contestant): number =>
      Math.max(0, ...[...bestRates].filter(([rival]) => rival.entry.name === entry.name).map(([, rate]) => rate));
    for (const contestant of contestants) {
      if (!takesPart(contestant.entry, setting)) continue;
      bestRates.set(contestant, await bestRateOf(contestant, requestsOf(setting), HOPELESS_START * rateToBeat(contestant)));
    }
    for (const [contestant, rate] of bestRates) {
      if (rate >= HOPELESS * rateToBeat(contestant)) admitted.get(contestant)!.add(setting);
    }
  }
  return (contestant, setting) => admitted.get(contestant)!.has(setting);
}

/** The best of few: what disturbs a run only ever makes it slower. Or the first, warming up, where that is below `floor`. */
async function bestRateOf({ candidate }: Contestant, [first, ...others]: readonly DecodeRequest[], floor: number): Promise<number> {
  const rateOf = async (request: DecodeRequest): Promise<number> => usefulRates([[await candidate.run(request)]])[0]!;
  let best = await rateOf(first!);
  if (best < floor) return best;
  for (const request of [first!, ...others]) best = Math.max(best, await rateOf(request));
  return best;
}
