/**
 * Plain autoregressive decoding with a local model: the engine without speculation.
 *
 * ONNX Runtime computes synchronously, so a decode loop holds up the thread it runs on. By default that is a worker.
 *
 * @module
 */
import type { Engine, Session, SessionOptions } from '../contracts/engine.ts';
import type { Prompt } from '../contracts/prompt.ts';
import { DisposedError, InvalidOptionError } from '../errors.ts';
import type { EnginePort, LocalModel } from '../models/local-model.ts';
import { requireWholeNumber } from '../options.ts';
import { hostEngine } from './port/host-engine.ts';
import { PortEngine } from './port/port-engine.ts';
import { LocalEngine } from './local/local-engine.ts';

export interface DecoderOptions {
  readonly model: LocalModel;
  /** Where decoding happens. `main` holds up the calling thread for the length of each model step. @default 'worker' where the platform has one */
  readonly thread?: 'worker' | 'main';
  /** Most branches decoded in one step; further ones wait their turn. Whole number ≥ 1. @default 64 */
  readonly maxRows?: number;
}

/** What a worker is told first; `startHostedDecoder` reads it. */
export interface DecoderStart {
  readonly model: unknown;
  readonly maxRows: number;
}

const DEFAULT_MAX_ROWS = 64;

/** Decodes branches of a local model together, by continuous batching. */
export class Decoder implements Engine {
  readonly name: string;
  readonly #model: LocalModel;
  readonly #thread: 'worker' | 'main';
  readonly #maxRows: number;
  #engine: Promise<Engine> | undefined;
  #isDisposed = false;

  /** Loads nothing yet. @throws {InvalidOptionError} */
  constructor({ model, thread = model.startWorker ? 'worker' : 'main', maxRows = DEFAULT_MAX_ROWS }: DecoderOptions) {
    requireWholeNumber('maxRows', maxRows, 1);
    if (thread === 'worker' && !model.startWorker) throw new InvalidOptionError('thread', "'main' for this model", thread, 'Its loader starts no workers.');
    this.name = model.name;
    this.#model = model;
    this.#thread = thread;
    this.#maxRows = maxRows;
  }

  get contextTokens(): number {
    return this.#model.contextTokens;
  }

  /** Loads the model. @throws {ModelLoadError} */
  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    options.signal?.throwIfAborted();
    await (await this.#started()).ready(options);
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    options.signal?.throwIfAborted();
    return (await this.#started()).open(prompt, options);
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const engine = await this.#engine?.catch(() => undefined);
    await engine?.dispose();
  }

  #started(): Promise<Engine> {
    if (this.#isDisposed) throw new DisposedError('decoder');
    this.#engine ??= this.#thread === 'worker' ? this.#startWorker() : loadLocalEngine(this.#model, this.#maxRows);
    return this.#engine;
  }

  async #startWorker(): Promise<Engine> {
    const worker = this.#model.startWorker!();
    const engine = new PortEngine(worker.port, () => worker.terminate());
    worker.port.post({ model: this.#model.description, maxRows: this.#maxRows } satisfies DecoderStart);
    return engine;
  }
}

async function loadLocalEngine(model: LocalModel, maxRows: number): Promise<LocalEngine> {
  const [tokenModel, tokenizer] = await Promise.all([model.load(), model.loadTokenizer()]);
  return new LocalEngine({ name: model.name, model: tokenModel, tokenizer, sampling: model.sampling, maxRows });
}

/**
 * The worker's side: waits for the first message of a `Decoder`, then hosts the engine it asks for.
 * A model that cannot be loaded fails the first call, not the worker.
 *
 * @param loadModel - Makes the model of a description in this thread.
 */
export function hostDecoder(port: EnginePort, loadModel: (description: unknown) => Promise<LocalModel>): void {
  port.onMessage((message) => {
    const { model, maxRows } = message as DecoderStart;
    hostEngine(new LazyEngine(async () => loadLocalEngine(await loadModel(model), maxRows)), port);
  });
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
    await this.#started?.dispose();
  }
}
