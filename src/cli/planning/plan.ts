import { InvalidOptionError } from '../../errors.ts';
import { describeMachine } from '../../node/profile-engine.ts';
import { strategyOf } from '../../planning/optimizer/plan-spec.ts';
import type { Plan, PlanResult } from '../../planning/optimizer/plan.ts';
import type { MeasuredProfile } from '../../planning/profile/measured-profile.ts';
import { describeEngine } from '../../planning/profile/profile-engine.ts';
import { RunEvents } from '../../runtime/run-events.ts';
import { coloursFor, type Colours } from '../colours.ts';
import type { CliHost } from '../host.ts';
import type { ModelChoice } from '../model-options.ts';
import { showProgress } from '../progress.ts';
import { problemsOf } from '../result.ts';
import { counted, plainText } from '../terminal-text.ts';
import { readPrompt } from '../read-prompt.ts';
import { readPlanFile } from './plan-file.ts';
import { formatMs, formatPlan, percent } from './plan-text.ts';
import { choosePlanned } from './planned-engine.ts';

export interface PlanOptions extends ModelChoice {
  readonly from: string;
  readonly deadline?: number;
  readonly confidence: number;
  readonly maxTokens?: number;
  readonly minAccuracy?: number;
  readonly fastestBy?: 'quantile' | 'mean';
  readonly run?: string;
  readonly promptFile?: string;
  readonly seed: number;
  readonly json: boolean;
}

const WARM_UP = 'A baker sells 12 loaves in the morning and 35 in the afternoon. How many loaves does the baker sell?';
const WARM_UP_TOKENS = 24;

/** `latency-tts plan`: the best plan by a deadline out of a calibration, and if wanted a run of it. */
export async function plan(options: PlanOptions, host: CliHost, signal: AbortSignal): Promise<void> {
  const asksForRun = options.run !== undefined || options.promptFile !== undefined;
  const problem = asksForRun ? await readPrompt({ given: options.run, argument: 'run', promptFile: options.promptFile }, host, signal) : undefined;
  if (options.deadline === undefined && options.minAccuracy === undefined) {
    throw new InvalidOptionError('deadline', 'a time such as 500ms or 2s', undefined, 'Give one, or `--min-accuracy` for the fastest plan.');
  }
  const { optimizer, profile } = await readPlanFile(options.from);
  const chosen = optimizer.solve({
    confidence: options.confidence,
    ...(options.deadline !== undefined && { deadlineMs: options.deadline }),
    ...(options.maxTokens !== undefined && { maxTokens: options.maxTokens }),
    ...(options.minAccuracy !== undefined && { minAccuracy: options.minAccuracy }),
    ...(options.fastestBy !== undefined && { fastestBy: options.fastestBy }),
  });
  const result = problem === undefined ? undefined : await run(chosen, problem, profile, options, host, signal);
  host.stdout.write(
    options.json ? planAsJson(chosen, result) : `${formatPlan(chosen)}${result ? `\n${formatRun(result, coloursFor(host.stdout, host.env))}` : ''}`,
  );
}

async function run(
  chosen: Plan,
  prompt: string,
  profile: MeasuredProfile | undefined,
  options: PlanOptions,
  host: CliHost,
  signal: AbortSignal,
): Promise<PlanResult> {
  const { engine, scorer, dispose } = await choosePlanned(options, host, signal);
  try {
    const expect = { ...(await describeEngine(engine, { signal })), machine: describeMachine() };
    for (const difference of profile?.differencesFrom(expect) ?? []) host.stderr.write(`The calibration is of something else: ${difference}\n`);
    await scorer?.ready?.({ signal });
    const parts = scorer ? { scorer } : {};
    // The first run of a process is slower than those that the calibration timed.
    await strategyOf({ ...chosen.spec, maxTokens: WARM_UP_TOKENS }, parts).run({ engine, prompt: WARM_UP, signal });
    const events = new RunEvents();
    const hide = options.json ? () => undefined : showProgress(events, host);
    try {
      return await chosen.run({ engine, ...parts, prompt, seed: options.seed, signal, events });
    } finally {
      hide();
    }
  } finally {
    await dispose();
  }
}

function formatRun(result: PlanResult, colours: Colours): string {
  const { answer, text, confidence, stopReason, timing, usage, plan: planned } = result;
  const { predicted, changes } = planned;
  return [
    plainText(text).trim(),
    '',
    `answer: ${colours.bold(colours.green(answer === undefined ? '(none found)' : plainText(answer)))}`,
    `confidence: ${percent(confidence)}`,
    ...problemsOf(result).map((problem) => colours.yellow(`WARNING: ${plainText(problem)}`)),
    `took: ${formatMs(timing.totalMs)} (p50 ${formatMs(predicted.latencyMs.p50)} was predicted), ${counted(usage.completionTokens, 'token')}, ended by ${stopReason}`,
    ...changes.map(({ atMs, kind, from, to, reason }) => `changed after ${formatMs(atMs)}: ${kind}, ${from} to ${to}: ${reason}`),
    '',
  ].join('\n');
}

/** For programs. Infinite times become null; errors become their messages. */
function planAsJson(chosen: Plan, result: PlanResult | undefined): string {
  const { deadlineMs, runDeadlineMs } = chosen;
  const plain = { plan: String(chosen), runDeadlineMs, ...chosen.explain(), deadlineMs, ...(result && { result }) };
  return `${JSON.stringify(plain, (_, value: unknown) => (value instanceof Error ? value.message : value === Infinity ? null : value), 2)}\n`;
}
