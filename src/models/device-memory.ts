import { Tensor, type GraphSession } from './graph-session.ts';
import { DeviceMemoryError } from '../errors.ts';
import { CacheBlock, zeros, type CacheMemory, type Place } from './cache-memory.ts';
import { headsOf, type CachePart, type DecoderGraph } from './decoder-graph.ts';
import type { GraphDevice } from './graph-device.ts';
import { encodeGatherGraph, heldInput, moreInput, placesInput } from './gather-graph.ts';

interface Sessions {
  /** Gathers columns of one block. */
  readonly gather: GraphSession;
  /** Gathers columns of two. */
  readonly join: GraphSession;
}

const BYTES = { float32: 4, float16: 2 } as const;

/** Caches that stay on a GPU, where small graphs gather them. */
export class DeviceMemory implements CacheMemory {
  readonly #graph: DecoderGraph;
  readonly #sessions: Sessions;
  readonly #maxBufferBytes: number;
  /** One column of zeros: what rows without a past are made of. */
  readonly #nothing: CacheBlock;

  private constructor(graph: DecoderGraph, sessions: Sessions, maxBufferBytes: number) {
    this.#graph = graph;
    this.#sessions = sessions;
    this.#maxBufferBytes = maxBufferBytes;
    this.#nothing = zeros(graph, 1, 1);
  }

  /**
   * @param graph - With caches `[batch, kvHeads, positions, headWidth]`, and its outputs on the device.
   * @throws whatever the runtime does.
   */
  static async open(graph: DecoderGraph, device: GraphDevice): Promise<DeviceMemory> {
    const gather = await device.open(encodeGatherGraph(graph.parts, false), 'gpu-buffer');
    try {
      const join = await device.open(encodeGatherGraph(graph.parts, true), 'gpu-buffer');
      return new DeviceMemory(graph, { gather, join }, (await device.maxBufferBytes?.()) ?? Infinity);
    } catch (error) {
      await gather.release();
      throw error;
    }
  }

  empty(): CacheBlock {
    return zeros(this.#graph, 1, 0);
  }

  async gathered(places: readonly Place[], columns: number): Promise<CacheBlock> {
    if (columns === 0) return zeros(this.#graph, places.length, 0);
    this.requireRoom(places.length, columns);
    const [first = this.#nothing, ...others] = new Set(places.filter(({ length }) => length > 0).map(({ block }) => block));
    let block = await this.#gather(first, undefined, places, columns);
    for (const other of others) {
      try {
        const joined = await this.#gather(block, other, places, columns);
        block.release();
        block = joined;
      } catch (error) {
        block.release();
        throw error;
      }
    }
    return block;
  }

  requireRoom(rows: number, columns: number): void {
    const bytes = Math.max(...this.#graph.parts.map((part) => rows * columns * columnBytes(part)));
    if (bytes > this.#maxBufferBytes) {
      throw new DeviceMemoryError(`Caches of ${rows} rows need a buffer of ${bytes} bytes, and the device gives ${this.#maxBufferBytes} at most`);
    }
  }

  async release(): Promise<void> {
    for (const session of Object.values(this.#sessions)) await session.release();
  }

  /** The columns of places in one or two blocks; places in others become whatever is there. */
  async #gather(held: CacheBlock, more: CacheBlock | undefined, places: readonly Place[], columns: number): Promise<CacheBlock> {
    if (more) this.requireRoom(1, held.rows * held.columns + more.rows * more.columns);
    const feeds: Record<string, Tensor> = {};
    for (const part of this.#graph.parts) {
      const [kvHeads] = headsOf(part);
      feeds[heldInput(part.input)] = held.tensors[part.input]!;
      if (more) feeds[moreInput(part.input)] = more.tensors[part.input]!;
      feeds[placesInput(kvHeads)] ??= new Tensor('int32', indicesOf(places, { held, more, columns, kvHeads }), [places.length, kvHeads, columns]);
    }
    return new CacheBlock(await (more ? this.#sessions.join : this.#sessions.gather).run(feeds));
  }
}

function columnBytes(part: CachePart): number {
  const [kvHeads, width] = headsOf(part);
  return kvHeads * width * BYTES[part.type];
}

interface Gathering {
  readonly held: CacheBlock;
  /** Where given, what `held` has gathered already stays as it is. */
  readonly more: CacheBlock | undefined;
  readonly columns: number;
  readonly kvHeads: number;
}

/** `[places, kvHeads, columns]`: where each column lies. Columns of nobody are the first one: finite numbers, which no mask shows. */
function indicesOf(places: readonly Place[], { held, more, columns, kvHeads }: Gathering): Int32Array {
  const indices = new Int32Array(places.length * kvHeads * columns);
  const offset = more ? held.rows * kvHeads * held.columns : 0;
  for (const [row, place] of places.entries()) {
    for (let head = 0; head < kvHeads; head++) {
      const start = (row * kvHeads + head) * columns;
      if (place.block === (more ?? held)) {
        const from = offset + (place.row * kvHeads + head) * place.block.columns;
        for (const [index, column] of place.columns.entries()) indices[start + index] = from + column;
      } else if (more) {
        for (let index = 0; index < columns; index++) indices[start + index] = start + index;
      }
    }
  }
  return indices;
}
