/** Entry of the worker thread; see `startModelWorker`. */
import { setImmediate } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { hostThreadedEngine } from '../engines/threaded-engine.ts';
import { claimThread } from '../models/denormals.ts';
import { hostOnDemand } from '../port/host-on-demand.ts';
import { hostLocalScorer } from '../scoring/hosted-scorer.ts';
import { atOnce } from './at-once.ts';
import { describedClassifier, describedModel } from './load-model.ts';
import { portToParent } from './start-worker.ts';

claimThread();
const port = portToParent(parentPort!);

hostOnDemand(port, {
  engine: (start) => hostThreadedEngine(start, port, describedModel, { takeTurn: () => setImmediate(), atOnce }),
  scorer: (start) => hostLocalScorer(start, port, describedModel, describedClassifier),
});
