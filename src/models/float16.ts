/**
 * IEEE 754 half precision as ONNX Runtime hands it over: 16-bit words, since `Float16Array` is not everywhere.
 *
 * @module
 */
import type { Tensor } from './graph-session.ts';
import { isNode } from './platform.ts';

let table: Float32Array | undefined;

/** Values of half-precision words. */
export function float16ToFloat32(words: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 65_536 }, (_, word) => valueOf(word));
  const values = new Float32Array(words.length);
  for (let index = 0; index < words.length; index++) values[index] = table[words[index]!]!;
  return values;
}

/** Numbers of a float32 or float16 tensor, half precision widened. */
export function float32Values(tensor: Tensor): Float32Array {
  return tensor.type === 'float16' ? float16ToFloat32(float16Words(tensor.data as ArrayBufferView)) : (tensor.data as Float32Array);
}

/** The words of a float16 tensor's data, which is a `Float16Array` where the platform has one. */
export function float16Words(data: ArrayBufferView): Uint16Array {
  return data instanceof Uint16Array ? data : new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
}

/** A tensor over these words, without copying them. */
export function float16Tensor(tensorClass: typeof Tensor, words: Uint16Array, dims: readonly number[]): Tensor {
  const tensor = new tensorClass('float16', words, dims);
  // Newer Node has Float16Array and the tensor then holds one; its native binding takes words only.
  if (isNode && !(tensor.data instanceof Uint16Array)) Object.defineProperty(tensor, 'cpuData', { value: words });
  return tensor;
}

function valueOf(word: number): number {
  const sign = word & 0x8000 ? -1 : 1;
  const exponent = (word >> 10) & 0x1f;
  const fraction = word & 0x3ff;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
