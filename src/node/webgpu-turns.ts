import { isMainThread, workerData } from 'node:worker_threads';
import type { Turns } from '../models/exclusive-session.ts';

/** Older type declarations lack it; Node has had it since version 16. */
interface WaitAsync {
  waitAsync(words: Int32Array, index: number, value: number): { readonly async: boolean; readonly value: unknown };
}

const TURN = Symbol.for('latency-tts.webgpu-turn');
const realm = globalThis as { [TURN]?: Int32Array };
const [FREE, TAKEN] = [0, 1];

/** The word that says whether a thread of this process is using WebGPU; a worker gets its parent's in `workerData`. */
export function webgpuTurn(): Int32Array {
  const given: unknown = isMainThread ? undefined : (workerData as { readonly webgpuTurn?: unknown } | null)?.webgpuTurn;
  realm[TURN] ??= given instanceof Int32Array ? given : new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  return realm[TURN];
}

/** Turns over all threads: two sessions that use WebGPU at the same time end the process (ONNX Runtime issue 32561). */
export const webgpuTurns: Turns = async (work) => {
  const turn = webgpuTurn();
  while (Atomics.compareExchange(turn, 0, FREE!, TAKEN!) !== FREE) await (Atomics as unknown as WaitAsync).waitAsync(turn, 0, TAKEN!).value;
  try {
    return await work();
  } finally {
    Atomics.store(turn, 0, FREE!);
    Atomics.notify(turn, 0, 1);
  }
};
