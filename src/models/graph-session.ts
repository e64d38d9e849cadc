/**
 * What this library uses of ONNX Runtime, in types of its own: declarations that name the runtime's would ask everyone who compiles
 * against them for the runtime, and for the DOM.
 *
 * @module
 */

/** A tensor in memory, made here. Those that a runtime gives fit too, and may lie elsewhere (`location`). */
export class Tensor {
  readonly type: string;
  readonly data: ArrayBufferView | readonly string[];
  readonly dims: readonly number[];
  /** Where the data is: `'cpu'`, `'gpu-buffer'` and others of the runtime's. */
  readonly location: string = 'cpu';

  /** @param data - Kept, not copied. Its type is that of `type`; half precision as 16-bit words. */
  constructor(type: string, data: ArrayBufferView, dims: readonly number[]) {
    this.type = type;
    this.data = data;
    this.dims = dims;
  }

  /** Frees what lies on a device; memory is the garbage collector's. */
  dispose(): void {}
}

/** Tensors by the names of inputs or outputs. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** What a graph says about an input or output. Sizes that are known only when the graph runs have a name. */
export type ValueMetadata =
  | { readonly name: string; readonly isTensor: false }
  | { readonly name: string; readonly isTensor: true; readonly type: string; readonly shape: readonly (number | string)[] };

/** A loaded graph: ONNX Runtime's `InferenceSession`, whichever its build. */
export interface GraphSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];
  /** @param fetches - Names of the wanted outputs, or tensors to write them into; `null` for one that the runtime makes. @default all */
  run(feeds: Tensors, fetches?: readonly string[] | Readonly<Record<string, Tensor | null>>): Promise<Tensors>;
  release(): Promise<void>;
}
