/**
 * The same runs on the real engine by the clock on the wall, to see how far simulated ones can be believed.
 *
 * @module
 */
import { median, quantile } from 'simple-statistics';
import { Decoder, PrmScorer, systemClock, type BundledModels } from 'latency-tts';
import { generateProblems, type Tier } from 'latency-tts/problems';
import type { StrategyRunRecord, WallCheck } from '../strategy-report.ts';
import { isWanted, ROSTER } from '../strategy-roster.ts';
import { FACTORS, runStrategy } from './run-strategies.ts';

export interface WallSettings {
  readonly tiers: readonly Tier[];
  /** Problems of each tier, in all; the first `checked` are solved. */
  readonly problems: number;
  readonly checked: number;
  readonly seed: number;
  readonly only: string;
  readonly branchMs: Readonly<Record<string, number>>;
  readonly branchTokens: Readonly<Record<string, number>>;
}

/** Strategies take turns on each problem, so that a machine that slows down slows all of them down. */
export async function runOnWall(
  models: BundledModels,
  settings: WallSettings,
  onProgress: (done: number, total: number) => void,
): Promise<StrategyRunRecord[]> {
  const engine = new Decoder({ model: models.target });
  const draft = new Decoder({ model: models.draft });
  const scorer = new PrmScorer({ model: models.prm });
  await Promise.all([engine.ready(), draft.ready(), scorer.ready()]);
  const roster = ROSTER.filter(isWanted(settings.only));
  const records: StrategyRunRecord[] = [];
  const total = settings.tiers.length * settings.checked;
  for (let index = 0; index < settings.checked; index++) {
    for (const [place, tier] of settings.tiers.entries()) {
      onProgress(index * settings.tiers.length + place, total);
      const parts = { scorer, draft, branchMs: settings.branchMs[tier]!, branchTokens: settings.branchTokens[tier]! };
      const problem = generateProblems({ seed: settings.seed, tier, count: settings.problems, split: 'test' })[index]!;
      for (const deadlineFactor of FACTORS) {
        const deadlineMs = (deadlineFactor ?? Infinity) * parts.branchMs;
        for (let turn = 0; turn < roster.length; turn++) {
          const { name, make } = roster[(index + turn) % roster.length]!;
          const outcome = await runStrategy(make(parts), { engine, clock: systemClock }, problem, { seed: settings.seed + index, deadlineMs });
          records.push({ strategy: name, tier, problem: index, deadlineFactor, ...outcome });
        }
      }
    }
  }
  await Promise.all([engine.dispose(), draft.dispose(), scorer.dispose()]);
  return records;
}

/** Compares runs on the wall with the same runs in simulated time. */
export function compareWithWall(wall: readonly StrategyRunRecord[], simulated: readonly StrategyRunRecord[]): WallCheck {
  const keyOf = ({ strategy, tier, problem, deadlineFactor }: StrategyRunRecord): string => `${strategy} ${tier} ${problem} ${deadlineFactor}`;
  const partners = new Map(simulated.map((record) => [keyOf(record), record]));
  const pairs = wall.flatMap((record) => {
    const partner = partners.get(keyOf(record));
    return partner ? [{ record, partner }] : [];
  });
  const strategies = [...new Set(wall.map(({ strategy }) => strategy))];
  const share = (passes: readonly boolean[]): number => passes.filter(Boolean).length / passes.length;
  const rows = strategies.map((strategy) => {
    const own = pairs.filter(({ record }) => record.strategy === strategy);
    const free = own.filter(({ record }) => record.deadlineFactor === undefined);
    return {
      strategy,
      runs: own.length,
      wallMs: median(free.map(({ record }) => record.milliseconds)),
      simulatedMs: median(free.map(({ partner }) => partner.milliseconds)),
      ratio: median(free.map(({ record, partner }) => record.milliseconds / partner.milliseconds)),
      sameAnswers: share(free.map(({ record, partner }) => record.answer === partner.answer)),
      wallAccuracy: share(own.map(({ record }) => record.isRight)),
      simulatedAccuracy: share(own.map(({ partner }) => partner.isRight)),
    };
  });
  const overshoots = wall.filter(({ deadlineFactor }) => deadlineFactor !== undefined).map(({ overshootMs }) => overshootMs);
  return { rows, runs: wall.length, overshootP99Ms: quantile(overshoots, 0.99), overshootMedianMs: median(overshoots) };
}
