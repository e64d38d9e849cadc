/** Engines, and plans on them, whose caller has one signal for all of its life. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Engine } from '../../../src/contracts/engine.ts';
import type { Strategy, StrategyRequest } from '../../../src/contracts/strategy.ts';
import { Decoder } from '../../../src/engines/decoder.ts';
import { openaiCompatibleEngine } from '../../../src/engines/remote/openai-compatible-engine.ts';
import { SpeculativeDecoder } from '../../../src/engines/speculative-decoder.ts';
import { NoCandidateError } from '../../../src/errors.ts';
import { bundledModels } from '../../../src/node/bundled-models.ts';
import { LatencyOptimizer } from '../../../src/planning/optimizer/latency-optimizer.ts';
import { SelfConsistency } from '../../../src/strategies/self-consistency.ts';
import { ConformanceServer } from '../../../test/engines/remote/conformance-server.ts';
import { portDecoder, scriptedModel, speculativeDecoder } from '../../../test/engines/scripted-engines.ts';
import { PROFILE } from '../../../test/planning/optimizer/recorded-problems.ts';
import { openSolver } from '../../../test/strategies/solver.ts';
import type { RunningWorkload, Workload } from './workload.ts';

const PROBLEM = 'Mia has 34 apples. She buys 7 boxes with 12 apples in each. How many apples does Mia have now?';
const PRIORS = { accuracy: 0.5, tokens: { mean: 100, deviation: 40 }, promptTokens: 20, acceptance: 0.8 };
const vote = new SelfConsistency({ branches: 4, maxTokens: 24 });

interface Subject {
  readonly engine: Engine;
  readonly prompt: string;
  /** Called after every request. */
  readonly rest?: () => void;
  readonly stop?: () => Promise<void>;
}

/** Engines that answer at once, so that thousands of requests take seconds. */
export const scriptedWorkloads: readonly Workload[] = [
  { name: 'local engine', start: () => startRuns(solver) },
  { name: 'local engine, signals of AbortSignal.any', start: () => startRuns(solver, { isComposed: true }) },
  { name: 'local engine, aborted', start: () => startRuns(solver, { isAborted: true }) },
  { name: 'local engine with drafts', start: () => startRuns(() => scripted((model) => speculativeDecoder(model))) },
  { name: 'local engine behind a port', start: () => startRuns(() => scripted((model) => portDecoder(model))) },
  { name: 'local engine behind a port, aborted', start: () => startRuns(() => scripted((model) => portDecoder(model)), { isAborted: true }) },
  { name: 'server engine', start: () => startRuns(server) },
  { name: 'server engine, signals of AbortSignal.any', start: () => startRuns(server, { isComposed: true }) },
  { name: 'server engine, aborted', start: () => startRuns(server, { isAborted: true }) },
  { name: 'Plan.run', start: () => startRuns(solver, { isPlanned: true }) },
];

/** The bundled models, in the worker thread where they are by default. */
export const bundledWorkloads: readonly Workload[] = [
  {
    name: 'Decoder in a worker thread',
    start: () => startRuns(async () => ({ engine: new Decoder({ model: (await bundledModels()).target }), prompt: PROBLEM })),
  },
  {
    name: 'SpeculativeDecoder in a worker thread',
    start: () => startRuns(async () => ({ engine: new SpeculativeDecoder(await bundledModels()), prompt: PROBLEM })),
  },
];

interface RunOptions {
  /** Whether each request comes with a signal of its own, made from the long-lived one. */
  readonly isComposed?: boolean;
  readonly isAborted?: boolean;
  readonly isPlanned?: boolean;
}

async function startRuns(open: () => Promise<Subject>, options: RunOptions = {}): Promise<RunningWorkload> {
  const { engine, prompt, rest, stop } = await open();
  await engine.ready();
  const strategy: Pick<Strategy, 'run'> = options.isPlanned ? LatencyOptimizer.fromPriors(PROFILE, PRIORS).solve({ deadlineMs: 400 }) : vote;
  const { signal } = new AbortController();
  return {
    request: async (index) => {
      const leaving = new AbortController();
      const own = options.isComposed || options.isAborted ? AbortSignal.any([signal, leaving.signal]) : signal;
      const request: StrategyRequest = { engine, prompt, seed: index, signal: own, ...(!options.isPlanned && { deadlineMs: 60_000 }) };
      const run = strategy.run(request);
      if (options.isAborted) await abortedSoon(run, leaving);
      else if (options.isPlanned) await run.catch(lateAtMost);
      else await run;
      rest?.();
    },
    close: async () => {
      await engine.dispose();
      await stop?.();
    },
  };
}

/** Plans have real deadlines: on a busy machine one may pass before there is any text. */
function lateAtMost(error: unknown): void {
  if (!(error instanceof NoCandidateError)) throw error;
}

async function abortedSoon(run: Promise<unknown>, leaving: AbortController): Promise<void> {
  const ended = run.catch((error: unknown) => {
    if (error !== leaving.signal.reason) throw error;
  });
  await nextTurn();
  leaving.abort();
  await ended;
}

async function solver(): Promise<Subject> {
  const { engine, model } = await openSolver();
  return { engine, prompt: 'how many?', rest: () => void (model.forwards.length = 0) };
}

async function scripted(engineOf: (model: ReturnType<typeof scriptedModel>) => Engine): Promise<Subject> {
  const model = scriptedModel();
  return { engine: engineOf(model), prompt: 'abc', rest: () => void (model.forwards.length = 0) };
}

async function server(): Promise<Subject> {
  const conformance = await ConformanceServer.start();
  return {
    engine: openaiCompatibleEngine({ baseURL: conformance.url, model: 'scripted' }),
    prompt: 'abc',
    // The scripted server remembers what it was asked.
    rest: () => void (conformance.requests.length = 0),
    stop: () => conformance.stop(),
  };
}
