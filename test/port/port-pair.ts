import type { WorkerPort } from '../../src/models/local-model.ts';

export interface PortPair {
  readonly near: WorkerPort;
  readonly far: WorkerPort;
  /** Ends the far side, as the death of a worker does. */
  close(error: Error): void;
}

/** Two ends of a channel that copies messages as a worker's does and delivers them later, in order. */
export function portPair(): PortPair {
  const listeners: { near?: (message: unknown) => void; far?: (message: unknown) => void } = {};
  let closeListener: ((error: unknown) => void) | undefined;
  let isClosed = false;
  const end = (self: 'near' | 'far', other: 'near' | 'far'): WorkerPort => ({
    post(message) {
      const copy: unknown = structuredClone(message);
      setImmediate(() => {
        if (!isClosed) listeners[other]?.(copy);
      });
    },
    onMessage: (listener) => (listeners[self] = listener),
    onClose: (listener) => (closeListener = listener),
  });
  return {
    near: end('near', 'far'),
    far: end('far', 'near'),
    close(error) {
      isClosed = true;
      closeListener?.(error);
    },
  };
}
