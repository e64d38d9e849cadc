/** Entry of the worker thread; see `startEngineWorker`. */
import { parentPort } from 'node:worker_threads';
import { hostDecoder } from '../engines/decoder.ts';
import { portToParent } from './engine-worker.ts';
import { loadDescribedModel } from './load-model.ts';

hostDecoder(portToParent(parentPort!), loadDescribedModel);
