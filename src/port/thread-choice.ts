import * as v from 'valibot';
import { InvalidOptionError } from '../errors.ts';
import { func, oneOf, type OptionsOf } from '../option-schemas.ts';
import type { LoadableModel, ModelWorker } from '../models/local-model.ts';
import { modelWorkerOf, type WebWorker } from './web-worker.ts';

export const threadEntries = {
  /** Where the model computes. `main` holds up the calling thread for the length of each pass. @default 'worker' where the platform has one */
  thread: v.optional(oneOf(['worker', 'main'])),
  /**
   * Starts the worker to compute in, where the platform has no own way: in a browser, with a bundler,
   * `() => new Worker(new URL('latency-tts/worker', import.meta.url), { type: 'module' })`. Called once, on first use.
   *
   * @default a worker thread in Node; none elsewhere
   */
  worker: v.optional(func<() => WebWorker>('a function that starts a worker')),
};

export interface ThreadChoice extends OptionsOf<typeof threadEntries> {}

/**
 * What starts the worker that is to load a model; `undefined` where it is to compute in the calling thread.
 *
 * @throws {InvalidOptionError}
 */
export function chooseWorker(model: LoadableModel, { thread, worker }: ThreadChoice): (() => ModelWorker) | undefined {
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
