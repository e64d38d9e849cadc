/**
 * One call of a framework's chat interface, answered by a run of a strategy.
 *
 * @module
 */
import * as v from 'valibot';
import type { Prompt } from '../contracts/prompt.ts';
import type { StrategyResult } from '../contracts/result.ts';
import { textBefore, withCallSettings, type CallSettings } from '../engines/with-call-settings.ts';
import { ModelError } from '../errors.ts';
import { deadlineSchema, func, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import { requireWholeNumber } from '../options.ts';
import { clockSchema } from '../runtime/call-options.ts';
import { RunEvents } from '../runtime/run-events.ts';
import { reasoningOf } from '../runtime/chosen-branch.ts';
import { engineSchema, strategySchema } from '../strategies/nested-runs.ts';
import { SelfConsistency } from '../strategies/self-consistency.ts';

/** How every adapter that answers by a strategy answers. */
export const callPolicyEntries = {
  /** Also an optimizer's plan, or anything else that runs as a strategy does. @default new SelfConsistency() */
  strategy: v.optional(strategySchema, () => new SelfConsistency()),
  /** Milliseconds from the call to the answer. Above 0. @default Infinity */
  deadlineMs: v.optional(deadlineSchema),
  /** Of calls that bring none. Equal calls with equal seeds give equal answers. Whole number ≥ 0. @default 0 */
  seed: v.optional(wholeNumber()),
  /** Tells the time. @default the system clock */
  clock: v.optional(clockSchema),
  /** Called at the start of every run with what it reports to. */
  onRun: v.optional(func<(events: RunEvents) => void>()),
};

/** What every adapter that answers by a strategy is made with. */
export const strategyCallEntries = {
  /** Owned by whoever made it: an adapter never disposes it. */
  engine: engineSchema,
  ...callPolicyEntries,
};

export interface StrategyCallOptions extends OptionsOf<typeof strategyCallEntries> {}

export type CallPolicy = SettingsOf<typeof strategyCallEntries>;

/** What one call brings. */
export interface Call {
  readonly prompt: Prompt;
  readonly settings: CallSettings;
  readonly signal: AbortSignal | undefined;
}

/** Listeners of one run. */
export interface RunListener {
  /** Text that the answer is sure to go on with; may be all of it at the end. */
  onText?(text: string): void;
  /** Further thoughts of the branch that answers, where a server keeps them apart; all of them, before the text, where it is known late. */
  onReasoning?(reasoning: string): void;
  /** Called with the run's events before it starts. */
  onEvents?(events: RunEvents): void;
}

/** A call that has been checked. Rejects as `Strategy.run` does. */
export type PreparedCall = (listener?: RunListener) => Promise<StrategyResult>;

/** @throws {InvalidOptionError} for a call that makes no sense, before any work. */
export function prepareCall(policy: CallPolicy, call: Call): PreparedCall {
  const { seed } = policy;
  if (seed !== undefined) requireWholeNumber('seed', seed);
  const engine = withCallSettings(policy.engine, call.settings);
  return (listener = {}) => runCall({ ...policy, engine }, call, listener);
}

async function runCall(policy: CallPolicy, { prompt, settings, signal }: Call, { onText, onReasoning, onEvents }: RunListener): Promise<StrategyResult> {
  const { engine, strategy, deadlineMs, seed, clock, onRun } = policy;
  const events = new RunEvents();
  const growing = new GrowingText(settings.stop ?? []);
  const tell = (part: string): void => {
    if (part !== '') onText?.(part);
  };
  // The text of one branch among several may turn out not to be the answer's.
  let thoughts = '';
  const think = (reasoning = ''): void => {
    if (reasoning.length > thoughts.length && reasoning.startsWith(thoughts)) onReasoning?.(reasoning.slice(thoughts.length));
    thoughts = reasoning;
  };
  if (onText && strategy.isSingleBranch) {
    events.on('branch-delta', ({ text, reasoning }) => {
      if (reasoning !== undefined) think(reasoning);
      tell(growing.grow(text));
    });
  }
  onEvents?.(events);
  onRun?.(events);
  const result = await strategy.run({
    engine,
    prompt,
    events,
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(seed !== undefined && { seed }),
    ...(clock && { clock }),
    ...(signal && { signal }),
  });
  if (!growing.hasBegun) think(reasoningOf(result));
  tell(growing.finish(result.text));
  return result;
}

/** A text that is handed on while it grows, less what may yet turn out to be a stop string. */
class GrowingText {
  readonly #stop: readonly string[];
  readonly #heldBack: number;
  #told = '';

  constructor(stop: readonly string[]) {
    this.#stop = stop;
    this.#heldBack = Math.max(0, ...stop.map((string) => string.length - 1));
  }

  /** Whether anything has been told. */
  get hasBegun(): boolean {
    return this.#told !== '';
  }

  /** What is new and sure of a text that has grown. */
  grow(text: string): string {
    const sure = textBefore(text, this.#stop) ?? text.slice(0, Math.max(0, text.length - this.#heldBack));
    if (sure.length <= this.#told.length || !sure.startsWith(this.#told)) return '';
    return this.#tell(sure);
  }

  /** What is left of the whole text. @throws {ModelError} where it is another one than was told. */
  finish(text: string): string {
    if (!text.startsWith(this.#told)) throw new ModelError('The text that was returned does not begin with the text that was streamed.');
    return this.#tell(text);
  }

  #tell(text: string): string {
    const part = text.slice(this.#told.length);
    this.#told = text;
    return part;
  }
}
