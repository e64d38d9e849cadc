/**
 * Script of a Web Worker that decodes or scores for the page that starts it:
 * `new Decoder({ model, worker: () => new Worker(new URL('latency-tts/worker', import.meta.url), { type: 'module' }) })`.
 * Imported anywhere else it does nothing.
 *
 * @module
 */
import { portOfScope, type WebWorkerScope } from './port/web-worker.ts';
import { hostThreadedEngine } from './engines/threaded-engine.ts';
import { hostOnDemand } from './port/host-on-demand.ts';
import { hostLocalScorer } from './scoring/hosted-scorer.ts';
import { describedWebModel } from './web/described-model.ts';

const scope = globalThis as { readonly WorkerGlobalScope?: new () => object };

if (scope.WorkerGlobalScope && globalThis instanceof scope.WorkerGlobalScope) {
  const port = portOfScope(globalThis as unknown as WebWorkerScope);
  hostOnDemand(port, {
    engine: (start) => hostThreadedEngine(start, port, describedWebModel),
    scorer: (start) => hostLocalScorer(start, port, describedWebModel),
  });
}
