/**
 * Local engines in a worker thread or in the calling one.
 *
 * ONNX Runtime computes synchronously, so a decode loop holds up the thread it runs on. By default that is a worker.
 *
 * @module
 */
import * as v from 'valibot';
import type { Engine, Session, SessionOptions } from '../contracts/engine.ts';
import type { PassMeter } from '../contracts/profile.ts';
import type { Prompt } from '../contracts/prompt.ts';
import { DisposedError } from '../errors.ts';
import { nextTask } from '../models/exclusive-session.ts';
import type { LocalModel, ModelWorker, WorkerPort } from '../models/local-model.ts';
import { wholeNumber, type OptionsOf } from '../option-schemas.ts';
import type { StartMessage } from '../port/host-on-demand.ts';
import { chooseWorker, threadEntries, type ThreadChoice } from '../port/thread-choice.ts';
import { hostEngine } from './port/host-engine.ts';
import type { EngineNotice } from './port/messages.ts';
import { PortEngine } from './port/port-engine.ts';
import { loadEngine, type EnginePlan, type EngineSurroundings, type SpeculationPlan } from './load-engine.ts';
import { requireCallOptions } from '../runtime/call-options.ts';
import { requireSessionOptions } from './advance-options.ts';

export const threadedEntries = {
  ...threadEntries,
  /** Most branches decoded in one step; further ones wait their turn. Whole number ≥ 1. @default 64 */
  maxRows: v.optional(wholeNumber(1), 64),
  /**
   * Most memory, in bytes, for what has been read of earlier prompts, so that a prompt that begins like one of them is read from
   * where they differ. 0 reads every prompt as a whole. Whole number ≥ 0. @default 268_435_456: 256 MiB
   */
  prefixCacheBytes: v.optional(wholeNumber()),
};

export interface ThreadOptions extends OptionsOf<typeof threadedEntries> {}

/** What a worker is told first: an engine plan with descriptions for models. */
interface EngineStart extends StartMessage {
  readonly hosts: 'engine';
  readonly target: unknown;
  readonly draft: unknown;
  readonly maxRows: number;
  readonly prefixCacheBytes: number | undefined;
  readonly speculation: SpeculationPlan | undefined;
}

/** An engine that starts where its options say, on first use. */
export class ThreadedEngine implements Engine {
  readonly #plan: EnginePlan;
  readonly #startsWorker: (() => ModelWorker) | undefined;
  readonly passes: PassMeter = {
    anatomy: async (options) => (await this.#meter(options?.signal)).anatomy(options),
    measure: async (part, shapes, options) => (await this.#meter(options.signal)).measure(part, shapes, options),
  };
  #engine: Promise<Engine> | undefined;
  #isDisposed = false;

  /** Loads nothing yet. @throws {InvalidOptionError} for a thread that the model cannot compute in. */
  constructor(plan: EnginePlan, threads: ThreadChoice) {
    this.#plan = plan;
    this.#startsWorker = chooseWorker(plan.target, threads);
  }

  get name(): string {
    return this.#plan.target.name;
  }

  get contextTokens(): number {
    return this.#plan.target.contextTokens;
  }

  /** Loads the models. @throws {ModelLoadError | VocabularyMismatchError} */
  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    requireCallOptions(options);
    options.signal?.throwIfAborted();
    await (await this.#started()).ready(options);
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    requireSessionOptions(options);
    options.signal?.throwIfAborted();
    return (await this.#started()).open(prompt, options);
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const engine = await this.#engine?.catch(() => undefined);
    await engine?.dispose();
  }

  /** Local engines have one, known once they are ready. */
  async #meter(signal: AbortSignal | undefined): Promise<PassMeter> {
    const engine = await this.#started();
    await engine.ready(signal ? { signal } : {});
    return engine.passes!;
  }

  #started(): Promise<Engine> {
    if (this.#isDisposed) throw new DisposedError('decoder');
    this.#engine ??= this.#startsWorker ? this.#inWorker(this.#startsWorker) : loadEngine(this.#plan);
    return this.#engine;
  }

  async #inWorker(startWorker: () => ModelWorker): Promise<Engine> {
    const { target, draft, maxRows, prefixCacheBytes, speculation } = this.#plan;
    const worker = startWorker();
    const engine = new PortEngine(
      worker.port,
      () => worker.terminate(),
      ({ model, progress }) => this.#plan[model]?.onLoadProgress?.(progress),
    );
    const models = { target: target.description, draft: draft?.description };
    worker.port.post({ hosts: 'engine', ...models, maxRows, prefixCacheBytes, speculation } satisfies EngineStart);
    return engine;
  }
}

/** @param onLoadProgress - Hears what the loader tells. */
type DescribeModel = (description: unknown, onLoadProgress: (progress: unknown) => void) => Promise<LocalModel>;

/**
 * The worker's side: hosts the engine that a `ThreadedEngine` asks for. A model that cannot be loaded fails the first call,
 * not the worker.
 *
 * @param start - The first message.
 * @param describeModel - Makes the model of a description in this thread.
 * @param surroundings - What the platform's threads can do: a faster way to let the event loop deliver what has arrived, and to go on
 *   without.
 */
export function hostThreadedEngine(
  start: StartMessage,
  port: WorkerPort,
  describeModel: DescribeModel,
  surroundings: Pick<EngineSurroundings, 'takeTurn' | 'atOnce'> = {},
): void {
  const { target, draft, maxRows, prefixCacheBytes, speculation } = start as EngineStart;
  const load = async (): Promise<Engine> => {
    const describe = (model: 'target' | 'draft', description: unknown): Promise<LocalModel> =>
      describeModel(description, (progress) => port.post([{ type: 'load-progress', model, progress }] satisfies EngineNotice[]));
    const [targetModel, draftModel] = await Promise.all([describe('target', target), draft === undefined ? undefined : describe('draft', draft)]);
    const plan = {
      target: targetModel,
      maxRows,
      ...(draftModel && { draft: draftModel }),
      ...(prefixCacheBytes !== undefined && { prefixCacheBytes }),
      ...(speculation && { speculation }),
    };
    return loadEngine(plan, { takeTurn: nextTask, ...surroundings });
  };
  hostEngine(new LazyEngine(load), port);
}

/** Starts an engine on first use. */
class LazyEngine implements Engine {
  readonly #start: () => Promise<Engine>;
  #engine: Promise<Engine> | undefined;
  #started: Engine | undefined;

  constructor(start: () => Promise<Engine>) {
    this.#start = start;
  }

  get name(): string {
    return this.#started?.name ?? 'loading';
  }

  get contextTokens(): number | undefined {
    return this.#started?.contextTokens;
  }

  get passes(): PassMeter | undefined {
    return this.#started?.passes;
  }

  async ready(options?: { readonly signal?: AbortSignal }): Promise<void> {
    this.#engine ??= this.#start();
    this.#started = await this.#engine;
    await this.#started.ready(options);
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    await this.ready(options);
    return this.#started!.open(prompt, options);
  }

  async dispose(): Promise<void> {
    // Also one that is still being loaded.
    const engine = await this.#engine?.catch(() => undefined);
    await engine?.dispose();
  }
}
