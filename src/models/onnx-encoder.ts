/**
 * Writes small ONNX graphs (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), as much of the format as they need.
 *
 * @module
 */

/** An operator of the default domain. */
export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Whole numbers, or lists of them, by name. */
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

export type OnnxType = 'float32' | 'float16' | 'int32';

export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  /** Names stand for sizes that are known when the graph runs. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly nodes: readonly OnnxNode[];
  /** Lists of int64, by name. */
  readonly constants: Readonly<Record<string, readonly number[]>>;
}

/** Newest version of the format, and of the operators, that every runtime in use reads. */
const FORMAT_VERSION = 8;
const OPERATOR_VERSION = 17;
const TYPES = { float32: 1, int32: 6, int64: 7, float16: 10 };
const ATTRIBUTE_TYPES = { number: 2, list: 7 };

/** The graph as the bytes of an ONNX file. */
export function encodeOnnx({ inputs, outputs, nodes, constants }: OnnxGraph): Uint8Array<ArrayBuffer> {
  const graph = message([
    ...nodes.map((node) => bytes(1, encodeNode(node))),
    text(2, 'graph'),
    ...Object.entries(constants).map(([name, values]) => bytes(5, encodeConstant(name, values))),
    ...inputs.map((value) => bytes(11, encodeValue(value))),
    ...outputs.map((value) => bytes(12, encodeValue(value))),
  ]);
  return Uint8Array.from(message([number(1, FORMAT_VERSION), bytes(7, graph), bytes(8, message([number(2, OPERATOR_VERSION)]))]));
}

function encodeNode({ operator, inputs, outputs, attributes = {} }: OnnxNode): number[] {
  return message([
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => bytes(5, encodeAttribute(name, value))),
  ]);
}

function encodeAttribute(name: string, value: number | readonly number[]): number[] {
  if (typeof value === 'number') return message([text(1, name), number(3, value), number(20, ATTRIBUTE_TYPES.number)]);
  return message([text(1, name), ...value.map((item) => number(8, item)), number(20, ATTRIBUTE_TYPES.list)]);
}

function encodeConstant(name: string, values: readonly number[]): number[] {
  return message([number(1, values.length), number(2, TYPES.int64), ...values.map((value) => number(7, value)), text(8, name)]);
}

function encodeValue({ name, type, shape }: OnnxValue): number[] {
  const sizes = shape.map((size) => bytes(1, typeof size === 'number' ? number(1, size) : text(2, size)));
  return message([text(1, name), bytes(2, bytes(1, message([number(1, TYPES[type]), bytes(2, message(sizes))])))]);
}

function message(fields: readonly (readonly number[])[]): number[] {
  return fields.flat();
}

function number(field: number, value: number): number[] {
  return [...varint(BigInt(field << 3)), ...varint(BigInt(value))];
}

function text(field: number, value: string): number[] {
  return bytes(field, [...new TextEncoder().encode(value)]);
}

function bytes(field: number, value: readonly number[]): number[] {
  return [...varint(BigInt((field << 3) | 2)), ...varint(BigInt(value.length)), ...value];
}

/** Seven bits a byte, low ones first; negative numbers as 64-bit two's complement. */
function varint(value: bigint): number[] {
  const result: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) result.push(Number(rest & 0x7fn) | 0x80);
  return [...result, Number(rest)];
}
