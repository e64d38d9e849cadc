/**
 * A ladder of strategies, the best first: a run takes the first rung that its deadline has room for, and climbs down when a
 * rung comes to nothing. The result says which rung it was and why the ones above were not.
 *
 * @module
 */
import * as v from 'valibot';
import type { StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { func, listOf, number, optionsSchema, readValue, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import { requireNumber } from '../options.ts';
import { engineSchema, NestedRuns, strategySchema, type NestedRun } from './nested-runs.ts';

export const fallbackRungEntries = {
  /** What the rung runs. */
  strategy: strategySchema,
  /** The engine it runs on. @default the request's */
  engine: v.optional(engineSchema),
  /** Milliseconds the rung needs to be worth it, or an estimate from the request. The last rung is tried with less, too. @default 0 */
  minMs: v.optional(v.union([number(0), func<(request: StrategyRequest) => number>()], 'a number of milliseconds, or a function that estimates it'), 0),
};

export interface FallbackRung extends OptionsOf<typeof fallbackRungEntries> {}

type Rung = SettingsOf<typeof fallbackRungEntries>;

/** A rung that was passed over. */
export interface PassedRung {
  /** From 0, the first choice. */
  readonly rung: number;
  readonly strategy: string;
  readonly reason: 'too-short' | 'failed';
  /** Milliseconds the rung asked for, and those that were left. */
  readonly minMs: number;
  readonly leftMs: number;
  /** What made it fail. */
  readonly error?: unknown;
}

/** The result of the rung that was used. */
export interface FallbackResult extends StrategyResult {
  /** The rung that was used, from 0, the first choice. */
  readonly rung: number;
  /** Its run. */
  readonly used: NestedRun;
  /** The rungs above it, in order; empty when the first choice was used. */
  readonly passed: readonly PassedRung[];
}

/**
 * A strategy that runs the first of `rungs` with time enough, and the next ones where it fails.
 *
 * @throws {InvalidOptionError}
 */
export function withFallback(rungs: readonly FallbackRung[]): Strategy<FallbackResult> {
  const ladder = readValue(listOf(optionsSchema(fallbackRungEntries), 'rung'), rungs, 'rungs');
  const name = 'with-fallback';
  return { name, run: (request) => NestedRuns.conduct(name, request, (runs) => climbDown(runs, ladder, request)) };
}

async function climbDown(runs: NestedRuns, rungs: readonly Rung[], request: StrategyRequest): Promise<FallbackResult> {
  const passed: PassedRung[] = [];
  for (const [rung, { strategy, engine, minMs: least }] of rungs.entries()) {
    const minMs = typeof least === 'function' ? least(request) : least;
    requireNumber(`rungs[${rung}].minMs`, minMs, 0);
    const place = { rung, strategy: strategy.name, minMs, leftMs: runs.remainingMs() };
    if (place.leftMs < minMs && rung < rungs.length - 1) {
      passed.push({ ...place, reason: 'too-short' });
      continue;
    }
    const used = await runs.run(strategy, { engine });
    if (used.result) return { ...runs.conclude(used.result), rung, used, passed };
    passed.push({ ...place, reason: 'failed', error: used.error });
  }
  throw runs.failure();
}
