import type { BranchReport, StrategyResult } from '../contracts/result.ts';
import type { Strategy } from '../contracts/strategy.ts';
import { InvalidOptionError } from '../errors.ts';
import { RunEvents } from '../runtime/run-events.ts';
import { reasoningOf } from '../runtime/chosen-branch.ts';
import { badRequest } from './api-error.ts';
import type { Completion, VoteReport, WorkContext, WorkListener } from './completion.ts';
import type { CompletionTask } from './completion-task.ts';
import { rounded } from './reply-body.ts';
import { SINGLE, type StrategyRegistry } from './served-model.ts';
import { StopCutter } from './stop-cutter.ts';

/** A strategy and whether its first branch's text may be sent as it is written. */
export interface ReadyStrategy {
  readonly strategy: Strategy;
  readonly streamsText: boolean;
}

/** Makes the strategy a task names. @throws {ApiError} */
export function makeStrategy({ strategy: { name, options = {} }, maxTokens, sampling, deadlineMs }: CompletionTask, registry: StrategyRegistry): ReadyStrategy {
  if (!Object.hasOwn(registry, name)) {
    const names = [SINGLE, ...Object.keys(registry)].join(', ');
    throw badRequest(`There is no strategy \`${name}\` here. There is: ${names}.`, 'strategy');
  }
  const served = registry[name]!;
  if ('run' in served) {
    const idle = Object.keys(options).length > 0 ? 'strategy.options' : Object.keys(sampling).length > 0 ? 'temperature' : undefined;
    if (idle) throw badRequest(`The strategy \`${name}\` is fixed by the server and takes no \`${idle}\`. Leave it out.`, idle, 'unsupported_parameter');
    return { strategy: served, streamsText: false };
  }
  const call = { options, maxTokens, sampling, deadlineMs };
  try {
    return { strategy: served.create(call), streamsText: served.streamsText?.(call) ?? false };
  } catch (error) {
    if (error instanceof InvalidOptionError) throw badRequest(error.message, `strategy.options.${error.option}`);
    throw error;
  }
}

/** Runs a strategy for a task. Rejects as `Strategy.run` does. */
export async function runStrategy({ strategy, streamsText }: ReadyStrategy, task: CompletionTask, context: WorkContext): Promise<Completion> {
  const { clock, deadlineAt, seed, signal, listener } = context;
  const events = new RunEvents();
  const cutter = new StopCutter(task.stop, task.keepsStop);
  if (listener) follow(events, listener, streamsText ? cutter : undefined);
  const startedAt = clock.now();
  const result = await strategy.run({
    engine: task.model.engine,
    prompt: task.prompt,
    seed,
    signal,
    clock,
    events,
    ...(deadlineAt < Infinity && { deadlineMs: Math.max(deadlineAt - startedAt, Number.MIN_VALUE) }),
  });
  const { text, stop } = cutter.cut(result.text);
  return {
    choices: [{ index: 0, text, reasoning: reasoningOf(result), finish: stop === undefined ? finishOf(result) : 'stop', stop, tokens: undefined }],
    usage: result.usage,
    report: {
      strategy: task.strategy.name,
      seed,
      stopReason: result.stopReason,
      confidence: result.confidence,
      answer: result.answer,
      votes: votesOf(result),
      branches: result.branches,
      // Strategies of users in JavaScript may leave it out.
      warnings: (result as Partial<StrategyResult>).warnings ?? [],
      openMs: result.timing.openMs,
      workMs: result.timing.totalMs,
    },
  };
}

/** @param cutter - Of the text, where that may be sent as it is written. */
function follow(events: RunEvents, listener: WorkListener, cutter: StopCutter | undefined): void {
  if (cutter) {
    events.on('branch-delta', ({ branch, text, reasoning }) => {
      if (branch !== 0) return;
      if (reasoning !== undefined) listener.onReasoning(0, reasoning);
      listener.onText(0, cutter.cutGrowing(text).text);
    });
  }
  events.on('branch-end', ({ report, atMs }) => {
    const { branch, answer, finish, tokenCount } = report;
    listener.onNote('branch-end', { branch, answer: answer ?? null, finish, token_count: tokenCount, at_ms: rounded(atMs) });
  });
  events.on('vote-change', ({ answer, votes, of, atMs }) => listener.onNote('vote-change', { answer, votes, of, at_ms: rounded(atMs) }));
  events.on('deadline-reach', ({ unfinished, atMs }) => listener.onNote('deadline-reach', { unfinished, at_ms: rounded(atMs) }));
}

/** `length` where the text returned was cut and not brought to an answer. */
function finishOf({ text, branches }: StrategyResult): 'stop' | 'length' {
  const chosen = branches.find((report) => report.text === text);
  return chosen && isCut(chosen) ? 'length' : 'stop';
}

function isCut({ finish, answer }: BranchReport): boolean {
  return (finish === 'length' || finish === 'context' || finish === 'deadline') && answer === undefined;
}

/** The votes of strategies that vote. */
function votesOf(result: StrategyResult): VoteReport[] | undefined {
  if (!('votes' in result) || !Array.isArray(result.votes)) return undefined;
  return (result.votes as readonly VoteReport[]).map(({ answer, weight, voters }) => ({ answer, weight, voters }));
}
