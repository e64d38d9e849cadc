/** Entry of the worker thread; see `startEngineWorker`. */
import { parentPort } from 'node:worker_threads';
import { hostThreadedEngine } from '../engines/threaded-engine.ts';
import { portToParent } from './engine-worker.ts';
import { describedModel } from './load-model.ts';

hostThreadedEngine(portToParent(parentPort!), describedModel);
