import type { PlanChange } from '../../contracts/event.ts';
import type { StopReason, StrategyResult } from '../../contracts/result.ts';
import type { StrategyRequest } from '../../contracts/strategy.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { stepsToAnswer } from '../../strategies/forced-answer.ts';
import { strategyOf, type PlanParts, type PlanSpec } from '../optimizer/plan-spec.ts';
import { ControlledEngine } from './controlled-engine.ts';
import { PlanController } from './plan-controller.ts';
import { knowledgeIn, type PlanKnowledge } from './plan-knowledge.ts';

/** A plan's run, and how it was changed on the way. */
export interface ControlledRun {
  readonly result: StrategyResult;
  readonly changes: readonly (PlanChange & { readonly atMs: number })[];
}

export interface RunSpecOptions {
  readonly spec: PlanSpec;
  readonly parts: PlanParts;
  /** `undefined` runs the plan as it stands. */
  readonly knowledge: PlanKnowledge | undefined;
}

/** A controller may come to this many times the branches of the plan. */
const MOST_GROWTH = 2;

/** Runs a plan, on a model or on a replay alike. Rejects as `Strategy.run` does. */
export async function runSpec({ spec, parts, knowledge }: RunSpecOptions, request: StrategyRequest): Promise<ControlledRun> {
  const { deadlineMs = Infinity, clock = systemClock, events } = request;
  const sessions = { draftLength: spec.draftLength === 'adaptive' ? undefined : spec.draftLength, format: spec.format };
  if (!knowledge || spec.branches === 1 || deadlineMs === Infinity) {
    const engine = new ControlledEngine(request.engine, sessions);
    return { result: await strategyOf(spec, parts).run({ ...request, engine }), changes: [] };
  }
  const startedAt = clock.now();
  const changes: (PlanChange & { readonly atMs: number })[] = [];
  const isVote = spec.strategy === 'self-consistency' || spec.strategy === 'weighted-vote';
  const mostBranches = isVote ? Math.max(spec.branches, Math.min(MOST_GROWTH * spec.branches, knowledge.mostBranches)) : spec.branches;
  const controller = new PlanController({
    knowledge: knowledgeIn(knowledge, spec.format),
    branches: spec.branches,
    mostBranches,
    deadlineAt: startedAt + deadlineMs,
    reservedSteps: spec.answerTokens === 0 ? 1 : 1 + stepsToAnswer(spec.answerTokens),
    now: () => clock.now(),
    onChange: (change) => {
      const event = { ...change, atMs: clock.now() - startedAt };
      changes.push(event);
      events?.emit('plan-change', event);
    },
  });
  const engine = new ControlledEngine(request.engine, { ...sessions, observe: (progress) => controller.observe(progress) });
  const isControlledVote = isVote && (spec.earlyDecision ?? 'exact') === 'exact' && spec.strategy === 'self-consistency';
  const strategy = isControlledVote ? strategyOf({ ...spec, branches: mostBranches }, parts, controller) : strategyOf(spec, parts);
  const result = await strategy.run({ ...request, engine });
  return { result: { ...result, stopReason: stopReasonOf(result.stopReason, engine, changes) }, changes };
}

/** Branches that the controller dropped were cut for time, not by a consensus. */
function stopReasonOf(stopReason: StopReason, engine: ControlledEngine, changes: ControlledRun['changes']): StopReason {
  const hasDropped = changes.some(({ kind }) => kind === 'drop-branches');
  return stopReason === 'consensus' && hasDropped && !engine.hasStrategyAborted ? 'deadline' : stopReason;
}
