/**
 * Script of a Web Worker that decodes for the page that starts it:
 * `new Decoder({ model, worker: () => new Worker(new URL('latency-tts/worker', import.meta.url), { type: 'module' }) })`.
 * Imported anywhere else it does nothing.
 *
 * @module
 */
import { portOfScope, type WebWorkerScope } from './engines/port/web-worker.ts';
import { hostThreadedEngine } from './engines/threaded-engine.ts';
import { describedWebModel } from './web/described-model.ts';

const scope = globalThis as { readonly WorkerGlobalScope?: new () => object };

if (scope.WorkerGlobalScope && globalThis instanceof scope.WorkerGlobalScope) {
  hostThreadedEngine(portOfScope(globalThis as unknown as WebWorkerScope), describedWebModel);
}
