import { join } from 'node:path';
import { Worker, type MessagePort } from 'node:worker_threads';
import type { EnginePort, EngineWorker } from '../models/local-model.ts';
import { packageRoot } from './package-root.ts';
import { webgpuTurn } from './webgpu-turns.ts';

/** Starts a worker thread that hosts the engine a `Decoder` asks it for. */
export function startEngineWorker(): EngineWorker {
  // Without the flags of the process: some, like `--input-type`, are refused with a file.
  const worker = new Worker(join(packageRoot(), 'dist', 'decode-worker.js'), { execArgv: [], workerData: { webgpuTurn: webgpuTurn() } });
  // A worker that waits for work must not keep the process alive; an open call does.
  worker.unref();
  let openCalls = 0;
  let isEnding = false;
  return {
    port: {
      post(message) {
        if (isCall(message) && openCalls++ === 0) worker.ref();
        worker.postMessage(message);
      },
      onMessage(listener) {
        worker.on('message', (message) => {
          if (isCall(message) && --openCalls === 0 && !isEnding) worker.unref();
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

/** Requests and answers carry the number of their call. */
function isCall(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'call' in message;
}

/** The worker's own side of its port. */
export function portToParent(parent: MessagePort): EnginePort {
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
