import type { GraphSession } from './graph-session.ts';

/** Where outputs go. */
export type DeviceOutputs = 'gpu-buffer' | Readonly<Record<string, 'gpu-buffer' | 'cpu'>>;

/** A GPU that small graphs run on beside a model's. */
export interface GraphDevice {
  /** A session over a graph's bytes; outputs stay on the device as far as named, and `undefined` brings all back. */
  open(graph: Uint8Array, outputs: DeviceOutputs | undefined): Promise<GraphSession>;
  /** Bytes of the largest buffer of the device, once a session is open. @default no limit */
  maxBufferBytes?(): Promise<number>;
}
