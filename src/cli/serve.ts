import { randomInt } from 'node:crypto';
import { InvalidOptionError } from '../errors.ts';
import { listen, type Listener } from '../node/listen.ts';
import { readTextFile } from '../node/read-text-file.ts';
import { prometheusMetrics } from '../node/prometheus-metrics.ts';
import { onAbort } from '../runtime/on-abort.ts';
import { createHandler, type ServeHandler } from '../serve/handler.ts';
import type { RequestRecord } from '../serve/metrics.ts';
import type { ServedModel } from '../serve/served-model.ts';
import { chooseEngine } from './choose-engine.ts';
import type { CliHost } from './host.ts';
import type { ModelChoice } from './model-options.ts';

export interface ServeOptions extends ModelChoice {
  readonly port: number;
  readonly host: string;
  readonly name?: string;
  readonly apiKey?: string;
  readonly apiKeyFile?: string;
  readonly withoutKey: boolean;
  readonly strategy?: string;
  readonly deadline?: number;
  readonly maxDeadline?: number;
  readonly maxRunning: number;
  readonly maxQueued: number;
  readonly maxTokens?: number;
  readonly seed?: number;
  readonly grace: number;
  readonly quiet: boolean;
}

const MOST_SEEDS = 2 ** 31;

/** `latency-tts serve`: serves a model until it is told to stop; then lets requests under way end, as far as the grace goes. */
export async function serve(options: ServeOptions, host: CliHost, signal: AbortSignal): Promise<void> {
  const apiKey = await apiKeyOf(options);
  requireKeyBeyondLoopback(options, apiKey);
  const served = await chooseServed(options, host, signal);
  try {
    const handler = handlerOf(options, served, apiKey, host);
    const listener = await listenOn(handler, options);
    try {
      host.stderr.write(`Loading ${served.model.engine.name} …\n`);
      if (!(await isLoaded(handler, signal))) return;
      host.stdout.write(`Serving ${served.id} at ${listener.url}/v1\n`);
      await aborted(signal);
      const { queued, running } = handler.load;
      host.stderr.write(`Shutting down; ${running + queued} requests are under way.\n`);
    } finally {
      await listener.close({ graceMs: signal.aborted ? options.grace : 0 });
    }
  } finally {
    await served.dispose();
  }
}

/** Whether the models are loaded: not where the server is stopped before. */
async function isLoaded(handler: ServeHandler, signal: AbortSignal): Promise<boolean> {
  try {
    await handler.ready({ signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

interface Served {
  readonly id: string;
  readonly model: ServedModel;
  dispose(): Promise<void>;
}

/** The model with what strategies need of it. */
async function chooseServed(options: ServeOptions, host: CliHost, signal: AbortSignal): Promise<Served> {
  const { engine, id, scorer, loadTokenizer, dispose } = await chooseEngine(options, host, signal);
  try {
    const model: ServedModel = {
      engine,
      ...(loadTokenizer && { tokenizer: await loadTokenizer() }),
      ...(scorer && { scorer }),
      ...(options.strategy !== undefined && { defaultStrategy: { name: options.strategy } }),
    };
    return { id: options.name ?? id, model, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function handlerOf(options: ServeOptions, { id, model }: Served, apiKey: string | undefined, { stderr }: CliHost): ServeHandler {
  const { deadline, maxDeadline, maxTokens, maxRunning, maxQueued, seed, quiet } = options;
  return createHandler({
    models: { [id]: model },
    maxRunning,
    maxQueued,
    metrics: prometheusMetrics(),
    // Two starts of a server are not meant to give the same samples, unless they are told to.
    seed: seed ?? randomInt(MOST_SEEDS),
    ...(apiKey !== undefined && { apiKey }),
    ...(deadline !== undefined && { defaultDeadlineMs: deadline }),
    ...(maxDeadline !== undefined && { maxDeadlineMs: maxDeadline }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(!quiet && { onRequest: (record: RequestRecord) => stderr.write(`${new Date().toISOString()} ${lineOf(record)}\n`) }),
  });
}

async function listenOn(handler: ServeHandler, { port, host }: ServeOptions): Promise<Listener> {
  try {
    return await listen(handler, { port, hostname: host });
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') throw error;
    throw new InvalidOptionError('port', 'one that is free', port, 'Stop what listens on it, or give --port 0 to take any.');
  }
}

/** One request in one line, without a word of what was asked or answered. */
function lineOf({ id, endpoint, model, strategy, outcome, status, totalMs, queuedMs, usage, warnings, error }: RequestRecord): string {
  const tokens = usage ? ` ${usage.promptTokens}+${usage.completionTokens} tokens` : '';
  const failure = status >= 500 && error instanceof Error ? ` (${error.message.replace(/\s+/g, ' ')})` : '';
  return `${endpoint} ${model ?? '-'} ${strategy ?? '-'} ${outcome} ${status} ${totalMs.toFixed(0)} ms, ${queuedMs.toFixed(0)} ms of it queued${tokens} ${id}${failure}${warnings.map((warning) => ` WARNING: ${warning.replace(/\s+/g, ' ')}`).join('')}`;
}

async function apiKeyOf({ apiKey, apiKeyFile }: ServeOptions): Promise<string | undefined> {
  if (apiKeyFile === undefined) return apiKey;
  if (apiKey !== undefined) throw new InvalidOptionError('apiKeyFile', 'left out together with an API key', apiKeyFile);
  try {
    return (await readTextFile(apiKeyFile)).trim();
  } catch {
    throw new InvalidOptionError('apiKeyFile', 'a file that can be read', apiKeyFile);
  }
}

/** @throws {InvalidOptionError} where anyone who reaches the machine could use it. */
function requireKeyBeyondLoopback({ host, withoutKey }: ServeOptions, apiKey: string | undefined): void {
  if (apiKey !== undefined || withoutKey || /^(?:localhost|::1|127\..*)$/.test(host)) return;
  throw new InvalidOptionError('host', 'a loopback address where there is no API key', host, 'Set LATENCY_TTS_API_KEY, or say --without-key.');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => void onAbort(signal, resolve));
}
