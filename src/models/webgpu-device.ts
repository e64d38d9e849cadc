import { DeviceLostError } from '../errors.ts';
import { pageTurns, type Turns } from './exclusive-session.ts';

/** What is used of WebGPU's own device. */
export interface WebGpuDevice {
  readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number };
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
}

/** Bytes. */
export function largestBuffer({ limits }: WebGpuDevice): number {
  return Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
}

const turnsByDevice = new WeakMap<WebGpuDevice, Turns>();

/** Turns of the page that end when the device is lost: the runtime would wait for ever. */
export function turnsOf(device: WebGpuDevice): Turns {
  const known = turnsByDevice.get(device);
  if (known) return known;
  let loss: DeviceLostError | undefined;
  const waiting = new Set<(error: DeviceLostError) => void>();
  void device.lost.then(({ reason, message }) => {
    const lost = new DeviceLostError(`The browser has given up the GPU (${message || reason})`);
    loss = lost;
    for (const reject of waiting) reject(lost);
  });
  const turns: Turns = (work) =>
    pageTurns(() => {
      if (loss) throw loss;
      return new Promise((resolve, reject) => {
        waiting.add(reject);
        void work()
          .then(resolve, reject)
          .finally(() => waiting.delete(reject));
      });
    });
  turnsByDevice.set(device, turns);
  return turns;
}
