import { join } from 'node:path';
import { Worker, type MessagePort } from 'node:worker_threads';
import type { WorkerPort, ModelWorker } from '../models/local-model.ts';
import { packageRoot } from './package-root.ts';
import { webgpuTurn } from './webgpu-turns.ts';

/** Starts a worker thread that hosts what it is asked for: the engine of a `Decoder`, or a scorer. */
export function startModelWorker(): ModelWorker {
  // Without the flags of the process: some, like `--input-type`, are refused with a file.
  const worker = new Worker(join(packageRoot(), 'dist', 'model-worker.js'), { execArgv: [], workerData: { webgpuTurn: webgpuTurn() } });
  // A worker that waits for work must not keep the process alive; an open call does.
  worker.unref();
  let openCalls = 0;
  let isEnding = false;
  return {
    port: {
      post(message) {
        worker.postMessage(message);
        // Counted only now: what could not be sent is never answered.
        const calls = callsIn(message);
        if (calls > 0 && openCalls === 0) worker.ref();
        openCalls += calls;
      },
      onMessage(listener) {
        worker.on('message', (message) => {
          const answered = callsIn(message);
          openCalls -= answered;
          if (answered > 0 && openCalls === 0 && !isEnding) worker.unref();
          listener(message);
        });
      },
      onClose(listener) {
        worker.once('error', listener);
        worker.once('exit', (code) => listener(new Error(`exit code ${code}`)));
      },
    },
    async terminate() {
      // Keeps the process alive until the thread has ended, whatever answers still arrive.
      isEnding = true;
      await worker.terminate();
    },
  };
}

/** Requests and answers come in lists and carry the number of their call. */
function callsIn(message: unknown): number {
  return Array.isArray(message) ? message.filter((part: object) => 'call' in part).length : 0;
}

/** The worker's own side of its port. */
export function portToParent(parent: MessagePort): WorkerPort {
  let current: ((message: unknown) => void) | undefined;
  parent.on('message', (message) => current?.(message));
  return {
    post: (message) => parent.postMessage(message),
    onMessage(listener) {
      current = listener;
    },
    onClose(listener) {
      parent.once('close', () => listener(undefined));
    },
  };
}
