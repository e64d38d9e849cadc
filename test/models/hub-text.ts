/** One row on a graph with the inputs of a hub export: the calls to onnxruntime-node and nothing else. */
import { InferenceSession, Tensor } from 'onnxruntime-node';

const OPTIONS = { intraOpNumThreads: 1, logSeverityLevel: 3 } as const;

export interface Appending {
  /** Added to every position. @default 0 */
  readonly positionShift?: number;
  /** Columns whose mask is 0. @default none */
  readonly hidden?: readonly number[];
  /** Value of `num_logits_to_keep`. @default 0 */
  readonly keep?: number;
  /** Value of `use_cache_branch`. @default whether there is a past */
  readonly usesPast?: boolean;
}

export class HubText {
  readonly #session: InferenceSession;
  readonly #past = new Map<string, Tensor>();
  #length = 0;

  private constructor(session: InferenceSession) {
    this.#session = session;
    this.clear();
  }

  static async open(path: string): Promise<HubText> {
    return new HubText(await InferenceSession.create(path, OPTIONS));
  }

  clear(): void {
    this.#length = 0;
    const sizes: Readonly<Record<string, number>> = { batch_size: 1, 'batch_size x num_heads': 4, kv_cache_dim: 16 };
    for (const input of this.#session.inputMetadata) {
      if (!input.isTensor || !input.name.startsWith('past')) continue;
      const dims = input.shape.map((axis) => (typeof axis === 'number' ? axis : (sizes[axis] ?? 0)));
      const count = dims.reduce((product, size) => product * size, 1);
      const data = input.type === 'float16' ? new Uint16Array(count) : new Float32Array(count);
      this.#past.set(input.name, new Tensor(input.type, data, dims));
    }
  }

  /** Logits behind each of the tokens, or behind the last `keep`. */
  async append(tokens: readonly number[], { positionShift = 0, hidden = [], keep = 0, usesPast = this.#length > 0 }: Appending = {}): Promise<Float32Array[]> {
    const start = usesPast ? this.#length : 0;
    const mask = Array.from({ length: start + tokens.length }, (_, column) => (hidden.includes(column) ? 0 : 1));
    const visibleBefore = (column: number): number => mask.slice(0, column).reduce<number>((sum, bit) => sum + bit, 0);
    const feeds: Record<string, Tensor> = {
      input_ids: integers(tokens, [1, tokens.length]),
      attention_mask: integers(mask, [1, mask.length]),
      position_ids: integers(
        tokens.map((_, index) => visibleBefore(start + index) + positionShift),
        [1, tokens.length],
      ),
      num_logits_to_keep: integers([keep], []),
      use_cache_branch: new Tensor('bool', [usesPast], [1]),
    };
    const taken = Object.entries(feeds).filter(([name]) => this.#session.inputNames.includes(name));
    const outputs = await this.#session.run({ ...Object.fromEntries(taken), ...Object.fromEntries(this.#past) });
    for (const name of this.#past.keys()) this.#past.set(name, outputs[name.replace(/^past(_key_values)?/, 'present')] as Tensor);
    this.#length = start + tokens.length;
    return rowsOf(outputs['logits'] as Tensor);
  }

  /** Logits behind the last token of a new text in these pieces. */
  async lastOf(...pieces: readonly (readonly number[])[]): Promise<Float32Array> {
    this.clear();
    let rows: Float32Array[] = [];
    for (const piece of pieces) rows = await this.append(piece);
    return rows.at(-1)!;
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}

function integers(values: readonly number[], dims: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
}

function rowsOf({ type, data, dims }: Tensor): Float32Array[] {
  const [, count, size] = dims as [number, number, number];
  // Without a Float16Array of the platform's own, onnxruntime hands out the bits.
  const values = type === 'float16' && data instanceof Uint16Array ? Float32Array.from(data, numberOfHalf) : Float32Array.from(data as Float32Array);
  return Array.from({ length: count }, (_, row) => values.subarray(row * size, (row + 1) * size));
}

/** The value of the bits of a finite IEEE 754 half. */
function numberOfHalf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits >> 15 === 1 ? -magnitude : magnitude;
}
