import type { GraphSession } from './graph-session.ts';
import type { TokenModel } from '../contracts/token-model.ts';
import { encodeCacheGraph } from './cache-graph.ts';
import { openHubModel, type TokenModelFacts } from './detect-layout.ts';
import { DeviceTokenModel } from './device-token-model.ts';
import type { DeviceOutputs, GraphDevice } from './graph-device.ts';
import { describeNativeGraph } from './native-token-model.ts';

/** Makes sessions on a device, of a model's graph and of small ones. */
export interface DeviceSessionFactory<Graph> extends GraphDevice {
  open(graph: Graph | Uint8Array, outputs: DeviceOutputs | undefined): Promise<GraphSession>;
}

const NEW_CACHE = 'new_cache';

/**
 * Makes the model for a graph on a device, with its cache there.
 *
 * @param graph - For the factory; its path, or its bytes.
 * @param bytes - The graph's bytes, which name its outputs. A runtime refuses to place outputs that are not there.
 * @throws {ModelLoadError}
 */
export async function openDeviceModel<Graph>(
  graph: Graph,
  bytes: Uint8Array,
  { queryHeadsPerGroup, ...facts }: TokenModelFacts,
  factory: DeviceSessionFactory<Graph>,
): Promise<TokenModel> {
  if (queryHeadsPerGroup === undefined || !names(bytes, NEW_CACHE)) return openHubModel(await factory.open(graph, 'gpu-buffer'), facts, factory);
  const model = await factory.open(graph, { logits: 'cpu', [NEW_CACHE]: 'gpu-buffer' });
  try {
    const { layers, headWidth } = describeNativeGraph(model);
    const maxBufferBytes = await factory.maxBufferBytes?.();
    const cache = await factory.open(encodeCacheGraph(layers, headWidth), 'gpu-buffer');
    return new DeviceTokenModel({ model, cache }, queryHeadsPerGroup, { ...facts, ...(maxBufferBytes !== undefined && { maxBufferBytes }) });
  } catch (error) {
    await model.release();
    throw error;
  }
}

/** Whether a name occurs in a file's bytes. */
function names(bytes: Uint8Array, name: string): boolean {
  const wanted = new TextEncoder().encode(name);
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return true;
  }
  return false;
}
