import { Worker } from 'node:worker_threads';

/** A competitor that keeps one core busy, until it is stopped. */
export function startCpuLoad(): { stop(): Promise<void> } {
  const worker = new Worker('for (;;) Math.sqrt(Math.random());', { eval: true });
  return { stop: async () => void (await worker.terminate()) };
}
