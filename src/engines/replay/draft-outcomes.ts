import type { DraftOutcome } from '../../contracts/engine.ts';
import type { DraftRunTrace, ProblemTrace } from '../../contracts/trace.ts';
import { randomAt } from '../../maths/random.ts';
import { tracesBySampling } from './traces-by-sampling.ts';

/** Recorded drafts of a length that are enough to be believed. */
const ENOUGH = 30;
/** Separates these draws from those of the passes' times. */
const DRAFT = 1;

/** Whose draft it is. */
export interface DraftPlace {
  readonly seed: number;
  /** Of the branch. */
  readonly stream: number;
  /** Drafts of the branch before this one. */
  readonly round: number;
  /** How the branch was sampled, as `samplingKey` tells it. @default not known */
  readonly sampling?: string;
}

/** What becomes of a draft of at most `length` tokens. The same place always gives the same. */
export type DraftOutcomes = (length: number, place: DraftPlace) => DraftOutcome;

/** Drafts of always the wanted length. @param rates - Acceptance rate at each position, given that all before it were accepted; the last goes on. */
export function outcomesAtRates(rates: readonly number[]): DraftOutcomes {
  return (length, { seed, stream, round }) => {
    const draw = randomAt(seed, stream, round, DRAFT);
    let accepted = 0;
    let standing = 1;
    while (accepted < length && draw < (standing *= rates[accepted] ?? rates.at(-1) ?? 0)) accepted++;
    return { proposed: length, accepted };
  };
}

/**
 * Drafts as they were recorded. A branch goes through those of one recorded run in their order, since texts have easy and hard
 * stretches: drafts drawn one by one would let branches of a batch differ more than they do, and its slowest one take longer.
 *
 * Of a length that was not recorded, those of the next longer one are cut: a drafter that ends a draft early ends it there
 * whatever its limit. Lengths are told apart since longer drafts leave off at harder places: the longer they are, the seldomer
 * the first token of the next one stands. Branches that were sampled in another way have drafts of their own.
 *
 * @returns `undefined` where too few were recorded.
 */
export function recordedOutcomes(traces: readonly ProblemTrace[]): DraftOutcomes | undefined {
  const all = runsByLength(traces);
  if (all.length === 0) return undefined;
  const bySampling = new Map([...tracesBySampling(traces)].map(([key, alike]) => [key, runsByLength(alike)]));
  return (length, { seed, stream, round, sampling }) => {
    const own = sampling === undefined ? undefined : bySampling.get(sampling);
    const known = own && own.length > 0 ? own : all;
    const [, runs] = known.find(([recorded]) => recorded >= length) ?? known.at(-1)!;
    const run = runs[Math.floor(randomAt(seed, stream, 0, DRAFT) * runs.length)]!;
    const { proposed, accepted } = run[round % run.length]!;
    return { proposed: Math.min(length, proposed), accepted: Math.min(length, accepted) };
  };
}

/** Recorded runs by the length of their drafts, ascending, as far as enough were recorded. */
function runsByLength(traces: readonly ProblemTrace[]): (readonly [number, readonly DraftRunTrace['outcomes'][]])[] {
  const byLength = new Map<number, DraftRunTrace['outcomes'][]>();
  for (const { length, outcomes } of traces.flatMap(({ draftRuns = [] }) => draftRuns)) {
    if (outcomes.length > 0) byLength.set(length, [...(byLength.get(length) ?? []), outcomes]);
  }
  return [...byLength].filter(([, runs]) => runs.flat().length >= ENOUGH).sort(([left], [right]) => left - right);
}
