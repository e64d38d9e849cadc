/**
 * Reads, changes and writes ONNX files (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 *
 * Only what a change needs is decoded: nodes, and the names of inputs and outputs. Everything else, weights above all, is kept as
 * the bytes it was read from, so that a large file is neither parsed nor copied before it is written.
 *
 * @module
 */
import { PbfWriter } from 'pbf';
import { readFields, readPacked, encodeFields, encodeHead, encodeText, sizeOf, joinChunks, bytesOf, textsOf, textOf, type Field } from './protobuf-fields.ts';

const MODEL = { graph: 7, opset: 8 } as const;
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 } as const;
const NODE = { input: 1, output: 2, name: 3, operator: 4, attribute: 5, domain: 7 } as const;
const ATTRIBUTE = { name: 1, float: 2, integer: 3, text: 4, tensor: 5, graph: 6, integers: 8, graphs: 11, type: 20 } as const;
const TENSOR = { dims: 1, type: 2, name: 8, raw: 9, location: 14 } as const;
const VALUE = { name: 1, type: 2 } as const;
const TYPE_TENSOR = 1;
const TENSOR_TYPE = { element: 1, shape: 2 } as const;
const DIMENSION = 1;
const SIZE = { value: 1, name: 2 } as const;
const OPSET = { domain: 1, version: 2 } as const;
const ATTRIBUTE_TYPES = { float: 1, integer: 2, tensor: 4, graph: 5, integers: 7 } as const;
const EXTERNAL = 1;

export const ONNX_TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11 } as const;
export type OnnxType = keyof typeof ONNX_TYPES;

/** A graph's input or output. */
export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  /** Names stand for sizes that are known when the graph runs. */
  readonly shape: readonly (number | string)[];
}

/** A new operator. */
export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** @default the standard operators */
  readonly domain?: string;
  /** By name. Numbers are whole numbers. */
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

type OnnxAttribute = number | readonly number[] | { readonly float: number } | OnnxSubgraph;

/** The branch of an `If`: nodes that see the values of the graph around them. */
export interface OnnxSubgraph {
  readonly nodes: readonly OnnxNode[];
  readonly outputs: readonly OnnxValue[];
}

const ARRAYS = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, uint8: Uint8Array, int8: Int8Array } as const;

/** A small tensor that is part of a graph. */
export interface OnnxConstant {
  readonly type: keyof typeof ARRAYS;
  readonly shape: readonly number[];
  readonly values: readonly number[] | Float32Array;
}

/** An operator that was read. Inputs and outputs may be changed; the rest stays as it is. */
export class ReadNode {
  readonly operator: string;
  readonly domain: string;
  inputs: string[];
  outputs: string[];
  #attributes: Uint8Array[];
  readonly #rest: readonly Field[];

  constructor(bytes: Uint8Array) {
    const fields = readFields(bytes);
    this.operator = textOf(fields, NODE.operator);
    this.domain = textOf(fields, NODE.domain);
    this.inputs = textsOf(fields, NODE.input);
    this.outputs = textsOf(fields, NODE.output);
    this.#attributes = bytesOf(fields, NODE.attribute);
    this.#rest = fields.filter(([tag]) => tag !== NODE.input && tag !== NODE.output && tag !== NODE.attribute);
  }

  /** A whole-number attribute. */
  integer(name: string): number | undefined {
    return this.#number(name, ATTRIBUTE.integer);
  }

  float(name: string): number | undefined {
    return this.#number(name, ATTRIBUTE.float);
  }

  /** Whether nodes inside it may take values from outside. */
  get hasGraph(): boolean {
    return this.#attributes.some((bytes) => readFields(bytes).some(([tag]) => tag === ATTRIBUTE.graph || tag === ATTRIBUTE.graphs));
  }

  setInteger(name: string, value: number): void {
    const others = this.#attributes.filter((bytes) => textOf(readFields(bytes), ATTRIBUTE.name) !== name);
    this.#attributes = [...others, joinChunks(encodeAttribute(name, value))];
  }

  #number(name: string, kind: number): number | undefined {
    const found = this.#attributes.map((bytes) => readFields(bytes)).find((fields) => textOf(fields, ATTRIBUTE.name) === name);
    return found?.find(([tag]) => tag === kind)?.[1] as number | undefined;
  }

  encode(): Uint8Array[] {
    return encodeFields([
      ...this.inputs.map((name): Field => [NODE.input, encodeText(name)]),
      ...this.outputs.map((name): Field => [NODE.output, encodeText(name)]),
      ...this.#attributes.map((bytes): Field => [NODE.attribute, bytes]),
      ...this.#rest,
    ]);
  }
}

/** A model that was read from a file. */
export class OnnxModelFile {
  nodes: ReadNode[];
  /** Version of the standard operators. */
  readonly operatorVersion: number;
  readonly #model: readonly Field[];
  readonly #graph: readonly Field[];
  #added: OnnxNode[] = [];
  readonly #addedConstants: Uint8Array[][] = [];
  #inputs: (readonly [name: string, bytes: Uint8Array])[];
  #outputs: (readonly [name: string, bytes: Uint8Array])[];

  /** @throws {Error} when the bytes are not a model. */
  constructor(bytes: Uint8Array) {
    this.#model = readFields(bytes);
    const graph = this.#model.find(([tag]) => tag === MODEL.graph)?.[1];
    if (!(graph instanceof Uint8Array)) throw new Error('The file holds no graph.');
    const fields = readFields(graph);
    this.nodes = bytesOf(fields, GRAPH.node).map((node) => new ReadNode(node));
    this.#inputs = bytesOf(fields, GRAPH.input).map((value) => [textOf(readFields(value), VALUE.name), value]);
    this.#outputs = bytesOf(fields, GRAPH.output).map((value) => [textOf(readFields(value), VALUE.name), value]);
    this.#graph = fields.filter(([tag]) => tag !== GRAPH.node && tag !== GRAPH.input && tag !== GRAPH.output);
    const opsets = bytesOf(this.#model, MODEL.opset).map((opset) => readFields(opset));
    const standard = opsets.find((opset) => ['', 'ai.onnx'].includes(textOf(opset, OPSET.domain)));
    this.operatorVersion = (standard?.find(([tag]) => tag === OPSET.version)?.[1] as number | undefined) ?? 1;
  }

  get inputNames(): readonly string[] {
    return this.#inputs.map(([name]) => name);
  }

  get outputNames(): readonly string[] {
    return this.#outputs.map(([name]) => name);
  }

  /** Type and shape of an input or output, as far as they are known here. */
  describe(name: string): OnnxValue | undefined {
    const bytes = [...this.#inputs, ...this.#outputs].find(([value]) => value === name)?.[1];
    return bytes && decodeValue(bytes);
  }

  /** Whether weights lie in files of their own. */
  get hasExternalData(): boolean {
    return bytesOf(this.#graph, GRAPH.initializer).some((tensor) => readFields(tensor).some(([tag, value]) => tag === TENSOR.location && value === EXTERNAL));
  }

  addInput(value: OnnxValue): void {
    this.#inputs.push([value.name, joinChunks(encodeValue(value))]);
  }

  addOutput(value: OnnxValue): void {
    this.#outputs.push([value.name, joinChunks(encodeValue(value))]);
  }

  removeInputs(names: ReadonlySet<string>): void {
    this.#inputs = this.#inputs.filter(([name]) => !names.has(name));
  }

  removeOutputs(names: ReadonlySet<string>): void {
    this.#outputs = this.#outputs.filter(([name]) => !names.has(name));
  }

  addNode(node: OnnxNode): void {
    this.#added.push(node);
  }

  removeNode(node: ReadNode): void {
    this.nodes = this.nodes.filter((other) => other !== node);
  }

  /** Removes what no output depends on: nodes, then inputs that no node takes. Nothing, where nodes that were read have graphs inside. */
  prune(): void {
    if (this.nodes.some((node) => node.hasGraph)) return;
    const [producers, used] = [new Map<string, ReadNode | OnnxNode>(), new Set<string>()];
    for (const node of [...this.nodes, ...this.#added]) for (const output of node.outputs) producers.set(output, node);
    const open = [...this.outputNames];
    const reached = new Set<ReadNode | OnnxNode>();
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      used.add(name);
      const node = producers.get(name);
      if (!node || reached.has(node)) continue;
      reached.add(node);
      open.push(...(node instanceof ReadNode ? node.inputs : inputsOf(node)));
    }
    this.nodes = this.nodes.filter((node) => reached.has(node));
    this.#added = this.#added.filter((node) => reached.has(node));
    this.#inputs = this.#inputs.filter(([name]) => used.has(name));
  }

  /** Sizes of a weight. */
  constantShape(name: string): readonly number[] | undefined {
    const found = bytesOf(this.#graph, GRAPH.initializer)
      .map((tensor) => readFields(tensor))
      .find((tensor) => textOf(tensor, TENSOR.name) === name);
    return found?.flatMap(([tag, value]) => (tag !== TENSOR.dims ? [] : typeof value === 'number' ? [value] : readPacked(value)));
  }

  addConstant(name: string, constant: OnnxConstant): void {
    this.#addedConstants.push(encodeConstant(name, constant));
  }

  /** The file with its changes. */
  encode(): Uint8Array<ArrayBuffer> {
    const graph = encodeFields([
      ...this.nodes.map((node): Field => [GRAPH.node, joinChunks(node.encode())]),
      ...this.#added.map((node): Field => [GRAPH.node, joinChunks(encodeNode(node))]),
      ...this.#addedConstants.map((chunks): Field => [GRAPH.initializer, joinChunks(chunks)]),
      ...this.#inputs.map(([, bytes]): Field => [GRAPH.input, bytes]),
      ...this.#outputs.map(([, bytes]): Field => [GRAPH.output, bytes]),
      ...this.#graph,
    ]);
    const size = sizeOf(graph);
    const parts = this.#model.flatMap((field) => (field[0] === MODEL.graph ? [encodeHead(MODEL.graph, size), ...graph] : encodeFields([field])));
    return joinChunks(parts);
  }
}

/** What a node takes, with what is taken by nodes inside it. */
function inputsOf({ inputs, attributes = {} }: OnnxNode): readonly string[] {
  const graphs = Object.values(attributes).filter((value): value is OnnxSubgraph => typeof value === 'object' && 'nodes' in value);
  return [...inputs, ...graphs.flatMap((graph) => graph.nodes.flatMap(inputsOf).concat(graph.outputs.map((output) => output.name)))];
}

/** A graph of new operators as the bytes of an ONNX file. */
export function encodeOnnx({
  inputs,
  outputs,
  nodes,
  constants,
}: {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly nodes: readonly OnnxNode[];
  /** By name; a list alone is of int64. */
  readonly constants: Readonly<Record<string, readonly number[] | OnnxConstant>>;
}): Uint8Array<ArrayBuffer> {
  const graph = encodeFields([
    ...nodes.map((node): Field => [GRAPH.node, joinChunks(encodeNode(node))]),
    [2, encodeText('graph')],
    ...Object.entries(constants).map(([name, values]): Field => [
      GRAPH.initializer,
      joinChunks(encodeConstant(name, 'type' in values ? values : { type: 'int64', shape: [values.length], values })),
    ]),
    ...inputs.map((value): Field => [GRAPH.input, joinChunks(encodeValue(value))]),
    ...outputs.map((value): Field => [GRAPH.output, joinChunks(encodeValue(value))]),
  ]);
  return joinChunks(
    encodeFields([
      [1, FORMAT_VERSION],
      [MODEL.graph, joinChunks(graph)],
      [MODEL.opset, joinChunks(encodeFields([[OPSET.version, OPERATOR_VERSION]]))],
      ...domainsOf(nodes).map((domain): Field => [
        MODEL.opset,
        joinChunks(
          encodeFields([
            [OPSET.domain, encodeText(domain)],
            [OPSET.version, 1],
          ]),
        ),
      ]),
    ]),
  );
}

function domainsOf(nodes: readonly OnnxNode[]): string[] {
  return [...new Set(nodes.flatMap(({ domain }) => (domain === undefined ? [] : [domain])))];
}

/** Newest version of the format, and of the operators, that every runtime in use reads. */
const FORMAT_VERSION = 8;
const OPERATOR_VERSION = 17;

function encodeNode({ operator, domain, inputs, outputs, attributes = {} }: OnnxNode): Uint8Array[] {
  return encodeFields([
    ...inputs.map((name): Field => [NODE.input, encodeText(name)]),
    ...outputs.map((name): Field => [NODE.output, encodeText(name)]),
    [NODE.operator, encodeText(operator)],
    ...Object.entries(attributes).map(([name, value]): Field => [NODE.attribute, joinChunks(encodeAttribute(name, value))]),
    ...(domain === undefined ? [] : [[NODE.domain, encodeText(domain)] as const]),
  ]);
}

function encodeAttribute(name: string, value: OnnxAttribute): Uint8Array[] {
  const named: Field = [ATTRIBUTE.name, encodeText(name)];
  if (typeof value === 'number') return encodeFields([named, [ATTRIBUTE.integer, value], [ATTRIBUTE.type, ATTRIBUTE_TYPES.integer]]);
  if ('float' in value) return encodeFloatAttribute(named, value.float);
  if ('nodes' in value) return encodeFields([named, [ATTRIBUTE.graph, encodeSubgraph(name, value)], [ATTRIBUTE.type, ATTRIBUTE_TYPES.graph]]);
  return encodeFields([named, ...value.map((item): Field => [ATTRIBUTE.integers, item]), [ATTRIBUTE.type, ATTRIBUTE_TYPES.integers]]);
}

function encodeFloatAttribute(named: Field, value: number): Uint8Array[] {
  const writer = new PbfWriter();
  writer.writeFloatField(ATTRIBUTE.float, value);
  return encodeFields([named, [ATTRIBUTE.type, ATTRIBUTE_TYPES.float]]).concat(writer.finish());
}

function encodeSubgraph(name: string, { nodes, outputs }: OnnxSubgraph): Uint8Array {
  return joinChunks(
    encodeFields([
      ...nodes.map((node): Field => [GRAPH.node, joinChunks(encodeNode(node))]),
      [2, encodeText(name)],
      ...outputs.map((value): Field => [GRAPH.output, joinChunks(encodeValue(value))]),
    ]),
  );
}

function encodeConstant(name: string, { type, shape, values }: OnnxConstant): Uint8Array[] {
  const data = type === 'int64' ? BigInt64Array.from(values as readonly number[], BigInt) : ARRAYS[type].from(values);
  return encodeFields([
    ...shape.map((size): Field => [TENSOR.dims, size]),
    [TENSOR.type, ONNX_TYPES[type]],
    [TENSOR.name, encodeText(name)],
    [TENSOR.raw, new Uint8Array(data.buffer)],
  ]);
}

function encodeValue({ name, type, shape }: OnnxValue): Uint8Array[] {
  const sizes = shape.map((size): Field => [
    DIMENSION,
    joinChunks(encodeFields([typeof size === 'number' ? [SIZE.value, size] : [SIZE.name, encodeText(size)]])),
  ]);
  const tensor = encodeFields([
    [TENSOR_TYPE.element, ONNX_TYPES[type]],
    [TENSOR_TYPE.shape, joinChunks(encodeFields(sizes))],
  ]);
  return encodeFields([
    [VALUE.name, encodeText(name)],
    [VALUE.type, joinChunks(encodeFields([[TYPE_TENSOR, joinChunks(tensor)]]))],
  ]);
}

function decodeValue(bytes: Uint8Array): OnnxValue | undefined {
  const fields = readFields(bytes);
  const [type] = bytesOf(fields, VALUE.type).map((message) => readFields(message));
  const [tensor] = type ? bytesOf(type, TYPE_TENSOR).map((message) => readFields(message)) : [];
  const element = tensor?.find(([tag]) => tag === TENSOR_TYPE.element)?.[1];
  const known = Object.entries(ONNX_TYPES).find(([, number]) => number === element)?.[0] as OnnxType | undefined;
  if (!tensor || !known) return undefined;
  const dimensions = bytesOf(tensor, TENSOR_TYPE.shape).flatMap((shape) => bytesOf(readFields(shape), DIMENSION).map((size) => readFields(size)));
  const shape = dimensions.map((size) => (size.find(([tag]) => tag === SIZE.value)?.[1] as number | undefined) ?? textOf(size, SIZE.name));
  return { name: textOf(fields, VALUE.name), type: known, shape };
}
