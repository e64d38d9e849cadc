import type { Tensor } from './graph-session.ts';

/** Tensors by name that several owners read, and that are freed with the last of them. */
export class SharedTensors {
  readonly tensors: Readonly<Record<string, Tensor>>;
  #holders = 1;

  /** Held once, by whoever makes it. */
  constructor(tensors: Readonly<Record<string, Tensor>>) {
    this.tensors = tensors;
  }

  /** Counts one more holder. */
  hold(): this {
    this.#holders++;
    return this;
  }

  /** Counts one holder less. */
  release(): void {
    if (--this.#holders === 0) freeTensors(Object.values(this.tensors));
  }
}

/** Frees what lies on a device. The rest is the garbage collector's. */
export function freeTensors(tensors: Iterable<Tensor>): void {
  for (const tensor of tensors) if (tensor.location === 'gpu-buffer') tensor.dispose();
}
