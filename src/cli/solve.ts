import { RunEvents } from '../runtime/run-events.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { StrategyResult } from '../contracts/result.ts';
import { bundledHint } from './bundled-hint.ts';
import { chooseEngine } from './choose-engine.ts';
import { chooseStrategy, usesScorer, type StrategyFlags } from './choose-strategy.ts';
import { coloursFor } from './colours.ts';
import type { CliHost } from './host.ts';
import type { ModelChoice } from './model-options.ts';
import { showProgress } from './progress.ts';
import { readPrompt } from './read-prompt.ts';
import { formatResult, resultAsJson } from './result.ts';

export interface SolveOptions extends ModelChoice, StrategyFlags {
  readonly promptFile?: string;
  readonly seed: number;
  readonly json: boolean;
}

/** `latency-tts solve`: loads a model, runs a strategy under the deadline, prints what it did. */
export async function solve(problem: string | undefined, options: SolveOptions, host: CliHost, signal: AbortSignal): Promise<void> {
  const prompt = await readPrompt({ given: problem, argument: 'problem', promptFile: options.promptFile }, host, signal);
  const { engine, scorer, isBundled, dispose } = await chooseEngine(options, host, signal);
  try {
    const strategy = chooseStrategy(options, scorer);
    const loadStartedAt = systemClock.now();
    await engine.ready({ signal });
    if (usesScorer(options)) await scorer?.ready?.({ signal });
    const loadMs = systemClock.now() - loadStartedAt;
    const events = new RunEvents();
    const hideProgress = options.json ? () => undefined : showProgress(events, host);
    let result: StrategyResult;
    try {
      result = await strategy.run({
        engine,
        prompt,
        seed: options.seed,
        signal,
        events,
        ...(options.deadline !== undefined && { deadlineMs: options.deadline }),
      });
    } finally {
      hideProgress();
    }
    const facts = { model: engine.name, loadMs, hint: isBundled ? bundledHint(prompt) : undefined };
    host.stdout.write(options.json ? `${resultAsJson(result, facts)}\n` : formatResult(result, facts, coloursFor(host.stdout, host.env)));
  } finally {
    await dispose();
  }
}
