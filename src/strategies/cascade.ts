/**
 * A cascade (FrugalGPT, Chen et al. 2023, arXiv:2305.05176): the cheap strategy first, the next one only while the answer is
 * unsure and time remains. How sure a vote among a few samples is decides well when to stop (Yue et al. 2023, arXiv:2310.03094).
 *
 * What earlier stages have finished is kept: all stages vote together.
 *
 * @module
 */
import * as v from 'valibot';
import type { AnswerEquivalence } from '../contracts/answer.ts';
import type { StopReason, StrategyResult } from '../contracts/result.ts';
import type { Strategy } from '../contracts/strategy.ts';
import { listOf, number, oneOf, optionsSchema, readOptions, readValue, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import { engineSchema, NestedRuns, strategySchema, type NestedRun } from './nested-runs.ts';
import { sameAnswerEntries } from './solution-policy.ts';

export const cascadeStageEntries = {
  /** What the stage runs. */
  strategy: strategySchema,
  /** The engine it runs on. @default the request's */
  engine: v.optional(engineSchema),
  /** How many votes each of its branches has. Above 0. @default 1 */
  weight: v.optional(number(Number.MIN_VALUE), 1),
  /** Share of the time left at its start that the stage may take. In (0, 1]. @default 1 */
  deadlineShare: v.optional(number(Number.MIN_VALUE, 1), 1),
  /** With an answer at hand, the stage is not started with less time left than this many milliseconds. @default 0 */
  minMs: v.optional(number(0), 0),
};

export const cascadeEntries = {
  /** The next stage is asked while the confidence is below this. In [0, 1]. @default 0.75 */
  confidence: v.optional(number(0, 1), 0.75),
  /** `pool`: all stages vote together. `last`: the latest stage that found an answer decides. @default 'pool' */
  merge: v.optional(oneOf(['pool', 'last']), 'pool'),
  ...sameAnswerEntries,
};

export interface CascadeStage extends OptionsOf<typeof cascadeStageEntries> {}
export interface CascadeOptions extends OptionsOf<typeof cascadeEntries> {}

type Stage = SettingsOf<typeof cascadeStageEntries>;

/** `confidence` is the winner's share of the pooled votes or, with `merge: 'last'`, that of the stage that decided. */
export interface CascadeResult extends StrategyResult {
  /** The stages that were run, in order. */
  readonly stages: readonly NestedRun[];
}

/**
 * A strategy that runs `stages` in order until one is sure.
 *
 * A stage has as many votes as branches with an answer, times its weight. Its own answer has the share `confidence` of them,
 * its other answers share the rest by their numbers: for a plain vote these are just the votes of its branches, and a stage that
 * selects by score stands by its selection as far as it trusts it. Ties go to the answer that came first.
 *
 * @throws {InvalidOptionError}
 */
export function cascade(stages: readonly CascadeStage[], options: CascadeOptions = {}): Strategy<CascadeResult> {
  const { confidence: bar, merge, isSame } = readOptions(cascadeEntries, options);
  const plan = readValue(listOf(optionsSchema(cascadeStageEntries), 'stage'), stages, 'stages');
  const name = 'cascade';
  return {
    name,
    run: (request) =>
      NestedRuns.conduct(name, request, async (runs) => {
        let isOutOfTime = false;
        let merged: Merged | undefined;
        for (const { strategy, engine, deadlineShare, minMs } of plan) {
          const leftMs = runs.remainingMs();
          isOutOfTime = merged !== undefined && (leftMs < minMs || leftMs === 0);
          if (isOutOfTime) break;
          await runs.run(strategy, { engine, deadlineMs: leftMs * deadlineShare });
          merged = merge === 'last' ? latest(runs.all) : pool(runs.all, plan, isSame);
          if (merged?.answer !== undefined && merged.confidence >= bar) break;
        }
        if (!merged) throw runs.failure();
        const stopReason = isOutOfTime ? 'deadline' : lastStopReason(runs);
        return { ...runs.conclude({ ...merged, stopReason }), stages: runs.all };
      }),
  };
}

type Merged = Pick<StrategyResult, 'text' | 'answer' | 'confidence'>;

/** Of a stage that came to nothing, whether it was time that it lacked. */
function lastStopReason(runs: NestedRuns): StopReason {
  return runs.all.at(-1)?.result?.stopReason ?? (runs.remainingMs() === 0 ? 'deadline' : 'completed');
}

/** The latest result with an answer, else the latest one. */
function latest(runs: readonly NestedRun[]): Merged | undefined {
  const results = runs.flatMap(({ result }) => result ?? []).reverse();
  const decisive = results.find(({ answer }) => answer !== undefined) ?? results[0];
  return decisive && { text: decisive.text, answer: decisive.answer, confidence: decisive.confidence };
}

/** Less is rounding, not a lead. */
const LEAST_LEAD = 1e-9;

function pool(runs: readonly NestedRun[], stages: readonly Stage[], isSame: AnswerEquivalence): Merged | undefined {
  const groups: { readonly answer: string; votes: number }[] = [];
  const add = (answer: string, votes: number): void => {
    const group = groups.find((known) => isSame(known.answer, answer));
    if (group) group.votes += votes;
    else groups.push({ answer, votes });
  };
  let total = 0;
  for (const [index, { result }] of runs.entries()) {
    const answers = result?.branches.flatMap(({ answer }) => answer ?? []) ?? [];
    const voteCount = answers.length * stages[index]!.weight;
    total += voteCount;
    const others = answers.filter((answer) => result?.answer === undefined || !isSame(result.answer, answer));
    const ownVotes = others.length === answers.length ? 0 : voteCount * result!.confidence;
    for (const answer of answers) add(answer, 0);
    if (ownVotes > 0) add(result!.answer!, ownVotes);
    for (const answer of others) add(answer, (voteCount - ownVotes) / others.length);
  }
  const [first, ...rest] = groups;
  if (!first) return latest(runs);
  const winner = rest.reduce((best, group) => (group.votes > best.votes + LEAST_LEAD ? group : best), first);
  return { text: textOf(winner.answer, runs, isSame), answer: winner.answer, confidence: winner.votes / total };
}

/** What the first stage that chose the answer chose, else what the first branch that reached it wrote. */
function textOf(answer: string, runs: readonly NestedRun[], isSame: AnswerEquivalence): string {
  const reaches = (candidate: { readonly answer: string | undefined }): boolean => candidate.answer !== undefined && isSame(answer, candidate.answer);
  const results = runs.flatMap(({ result }) => result ?? []);
  return (results.find(reaches) ?? results.flatMap(({ branches }) => branches).find(reaches))!.text;
}
