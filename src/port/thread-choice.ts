import { InvalidOptionError } from '../errors.ts';
import type { LoadableModel, ModelWorker } from '../models/local-model.ts';
import { modelWorkerOf, type WebWorker } from './web-worker.ts';

export interface ThreadChoice {
  /** Where the model computes. `main` holds up the calling thread for the length of each pass. @default 'worker' where the platform has one */
  readonly thread?: 'worker' | 'main';
  /**
   * Starts the worker to compute in, where the platform has no own way: in a browser, with a bundler,
   * `() => new Worker(new URL('latency-tts/worker', import.meta.url), { type: 'module' })`. Called once, on first use.
   *
   * @default a worker thread in Node; none elsewhere
   */
  readonly worker?: () => WebWorker;
}

/**
 * What starts the worker that is to load a model; `undefined` where it is to compute in the calling thread.
 *
 * @throws {InvalidOptionError}
 */
export function chooseWorker(model: LoadableModel, { thread, worker }: ThreadChoice): (() => ModelWorker) | undefined {
  if (thread !== undefined && thread !== 'worker' && thread !== 'main') throw new InvalidOptionError('thread', "'worker' or 'main'", thread);
  if (worker !== undefined && typeof worker !== 'function') throw new InvalidOptionError('worker', 'a function that starts a worker', worker);
  if (thread === 'main') return undefined;
  if (worker) {
    if (model.description !== undefined) return () => modelWorkerOf(worker());
    throw new InvalidOptionError('worker', 'left out for this model', worker, `Nothing describes ${model.name} to another thread.`);
  }
  if (thread === 'worker' && !model.startWorker) {
    throw new InvalidOptionError('thread', "'main' for this model", thread, 'Its loader starts no workers. Pass `worker` to start one.');
  }
  return model.startWorker;
}
