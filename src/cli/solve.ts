import { addAbortSignal } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { InvalidOptionError } from '../errors.ts';
import { Decoder } from '../engines/decoder.ts';
import { RunEvents } from '../runtime/run-events.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { SelfConsistency, type SelfConsistencyResult } from '../strategies/self-consistency.ts';
import { chooseModel, type ModelChoice } from './choose-model.ts';
import type { CliHost } from './host.ts';
import { showProgress } from './progress.ts';
import { formatResult, resultAsJson } from './result.ts';

export interface SolveOptions extends ModelChoice {
  readonly deadline?: number;
  readonly branches: number;
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly seed: number;
  readonly json: boolean;
}

/** `latency-tts solve`: loads a model, runs self-consistency under the deadline, prints what it did. */
export async function solve(problem: string | undefined, options: SolveOptions, host: CliHost, signal: AbortSignal): Promise<void> {
  const prompt = await readProblem(problem, host, signal);
  const strategy = new SelfConsistency({
    branches: options.branches,
    ...(options.maxTokens !== undefined && { maxTokens: options.maxTokens }),
    ...(options.temperature !== undefined && { sampling: { temperature: options.temperature } }),
  });
  const engine = new Decoder({ model: await chooseModel(options) });
  try {
    const loadStartedAt = systemClock.now();
    await engine.ready({ signal });
    const loadMs = systemClock.now() - loadStartedAt;
    const events = new RunEvents();
    const hideProgress = options.json ? () => undefined : showProgress(events, host);
    let result: SelfConsistencyResult;
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
    host.stdout.write(options.json ? `${resultAsJson(result, engine.name, loadMs)}\n` : formatResult(result, engine.name, loadMs));
  } finally {
    await engine.dispose();
  }
}

async function readProblem(problem: string | undefined, { stdin }: CliHost, signal: AbortSignal): Promise<string> {
  const isPiped = problem === '-' || (problem === undefined && !stdin.isTTY);
  const text = isPiped ? await readAll(stdin, signal) : (problem ?? '');
  if (text.trim() === '') throw new InvalidOptionError('problem', 'text that is not empty', text, 'Pass it in quotes or on standard input.');
  return text.trim();
}

/** @throws the signal's reason when it is aborted before the stream ends. */
async function readAll(stdin: CliHost['stdin'], signal: AbortSignal): Promise<string> {
  try {
    return await readText(addAbortSignal(signal, stdin));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
