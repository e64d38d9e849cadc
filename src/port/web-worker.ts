import type { WorkerPort, ModelWorker } from '../models/local-model.ts';

/** What is used of a browser's `Worker`. */
export interface WebWorker {
  postMessage(message: unknown): void;
  terminate(): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void): void;
  addEventListener(type: 'messageerror', listener: (event: unknown) => void): void;
}

/** What is used of a worker's own global object. */
export interface WebWorkerScope {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

/** A browser's worker as one that waits for an engine to host; its script is `latency-tts/worker`. */
export function modelWorkerOf(worker: WebWorker): ModelWorker {
  return {
    port: {
      ...portOf(worker),
      onClose(listener) {
        // Nothing that fails within the engine gets here, only what keeps the script from running.
        worker.addEventListener('error', ({ message }) => listener(new Error(message || 'Its script could not be loaded.')));
        worker.addEventListener('messageerror', () => listener(new Error('A message could not be read.')));
      },
    },
    async terminate() {
      worker.terminate();
    },
  };
}

/** The worker's own side of its port. Whoever ends a worker does not tell it. */
export function portOfScope(scope: WebWorkerScope): WorkerPort {
  return { ...portOf(scope), onClose: () => undefined };
}

function portOf(side: WebWorkerScope): Pick<WorkerPort, 'post' | 'onMessage'> {
  let current: ((message: unknown) => void) | undefined;
  // Once and for all: a browser delivers messages only after the script's first listener.
  side.addEventListener('message', ({ data }) => current?.(data));
  return {
    post: (message) => side.postMessage(message),
    onMessage(listener) {
      current = listener;
    },
  };
}
