/**
 * A decoder graph with `GroupQueryAttention` and random weights: in small what onnxruntime-genai's builder exports, with a vocabulary
 * as large as that of a real model.
 */
import { randomSequence } from '../../src/maths/random.ts';
import { encodeOnnx, ONNX_TYPES, type OnnxConstant, type OnnxNode } from '../../src/models/onnx-graph.ts';

export interface RandomGraphOptions {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly layers?: number;
  readonly queryHeads?: number;
  readonly kvHeads?: number;
  readonly headWidth?: number;
  /** Queries, keys and values come as three inputs. */
  readonly isSeparate?: boolean;
  /** Share of a head that positions turn. @default 1 */
  readonly rotaryShare?: number;
  /** Whether neighbours are turned together, not halves. */
  readonly isInterleaved?: boolean;
  /** Whether attention and caches are in half precision. */
  readonly isHalf?: boolean;
  /** Whether products are of int8 weights, with activations quantised in each pass. */
  readonly isQuantised?: boolean;
  /** Whether the head is a product with 4-bit weights. */
  readonly hasInt4Head?: boolean;
}

export function encodeRandomGqaGraph({
  vocabularySize,
  contextTokens,
  layers = 2,
  queryHeads = 4,
  kvHeads = 2,
  headWidth = 16,
  isSeparate = false,
  rotaryShare = 1,
  isInterleaved = false,
  isHalf = false,
  isQuantised = false,
  hasInt4Head = false,
}: RandomGraphOptions): Uint8Array<ArrayBuffer> {
  const hidden = queryHeads * headWidth;
  const packed = (queryHeads + 2 * kvHeads) * headWidth;
  const rotaryPairs = (rotaryShare * headWidth) / 2;
  const random = randomSequence(11);
  const weights = (rows: number, columns: number, scale = 1 / Math.sqrt(rows)): OnnxConstant => ({
    type: 'float32',
    shape: [rows, columns],
    values: Float32Array.from({ length: rows * columns }, () => 3.4 * scale * (random() - 0.5)),
  });
  const angles = (of: (angle: number) => number): OnnxConstant => ({
    type: 'float32',
    shape: [contextTokens, rotaryPairs],
    values: Float32Array.from({ length: contextTokens * rotaryPairs }, (_, index) => {
      const [position, pair] = [Math.floor(index / rotaryPairs), index % rotaryPairs];
      return of(position / 100 ** ((2 * pair) / headWidth));
    }),
  });
  const ones: OnnxConstant = { type: 'float32', shape: [hidden], values: Array.from({ length: hidden }, () => 1) };
  const constants: Record<string, readonly number[] | OnnxConstant> = {
    embedding: weights(vocabularySize, hidden, 1),
    cos: angles(Math.cos),
    sin: angles(Math.sin),
    head: weights(hidden, vocabularySize, 4 / Math.sqrt(hidden)),
    norm: ones,
    one: [1],
    last_axis: [1],
    widths: [queryHeads, kvHeads, kvHeads].map((heads) => heads * headWidth),
    second: { type: 'int64', shape: [], values: [1] },
  };
  const nodes: OnnxNode[] = [
    { operator: 'ReduceSum', inputs: ['attention_mask', 'last_axis'], outputs: ['held'], attributes: { keepdims: 1 } },
    { operator: 'Sub', inputs: ['held', 'one'], outputs: ['last'] },
    { operator: 'Cast', inputs: ['last'], outputs: ['seqlens'], attributes: { to: 6 } },
    { operator: 'Shape', inputs: ['attention_mask'], outputs: ['mask_shape'] },
    { operator: 'Gather', inputs: ['mask_shape', 'second'], outputs: ['total_long'] },
    { operator: 'Cast', inputs: ['total_long'], outputs: ['total'], attributes: { to: 6 } },
    { operator: 'Gather', inputs: ['embedding', 'input_ids'], outputs: ['state.0'], attributes: { axis: 0 } },
  ];
  const product = (input: string, weight: string, output: string): OnnxNode[] => {
    if (!isQuantised) return [{ operator: 'MatMul', inputs: [input, weight], outputs: [output] }];
    Object.assign(constants, quantised(weight, constants[weight] as OnnxConstant));
    return dynamicProduct(input, weight, output);
  };
  const half = (name: string): string => (isHalf ? `${name}.half` : name);
  const toHalf = (name: string): void => {
    if (isHalf) nodes.push({ operator: 'Cast', inputs: [name], outputs: [half(name)], attributes: { to: ONNX_TYPES.float16 } });
  };
  const attentionInputs = (layer: number): string[] => {
    if (!isSeparate) return [half(`packed.${layer}`), '', ''];
    return ['query', 'key', 'value'].map((part) => `${part}.${layer}`);
  };
  for (const table of ['cos', 'sin']) toHalf(table);
  for (let layer = 0; layer < layers; layer++) {
    constants[`qkv.${layer}`] = weights(hidden, packed);
    constants[`out.${layer}`] = weights(hidden, hidden);
    nodes.push(
      { operator: 'SimplifiedLayerNormalization', inputs: [`state.${layer}`, 'norm'], outputs: [`normed.${layer}`] },
      ...product(`normed.${layer}`, `qkv.${layer}`, `packed.${layer}`),
    );
    toHalf(`packed.${layer}`);
    if (isSeparate) nodes.push({ operator: 'Split', inputs: [half(`packed.${layer}`), 'widths'], outputs: attentionInputs(layer), attributes: { axis: 2 } });
    nodes.push(
      {
        operator: 'GroupQueryAttention',
        domain: 'com.microsoft',
        inputs: [...attentionInputs(layer), `past_key_values.${layer}.key`, `past_key_values.${layer}.value`, 'seqlens', 'total', half('cos'), half('sin')],
        outputs: [half(`attended.${layer}`), `present.${layer}.key`, `present.${layer}.value`],
        attributes: { num_heads: queryHeads, kv_num_heads: kvHeads, do_rotary: 1, ...(isInterleaved && { rotary_interleaved: 1 }) },
      },
      ...(isHalf ? [{ operator: 'Cast', inputs: [half(`attended.${layer}`)], outputs: [`attended.${layer}`], attributes: { to: ONNX_TYPES.float32 } }] : []),
      ...product(`attended.${layer}`, `out.${layer}`, `mixed.${layer}`),
      { operator: 'Add', inputs: [`state.${layer}`, `mixed.${layer}`], outputs: [`state.${layer + 1}`] },
    );
  }
  nodes.push(
    { operator: 'SimplifiedLayerNormalization', inputs: [`state.${layers}`, 'norm'], outputs: ['final'] },
    ...(hasInt4Head ? [int4Product('final', 'head', 'logits', hidden, vocabularySize)] : product('final', 'head', 'logits')),
  );
  if (hasInt4Head) Object.assign(constants, int4Weights('head', random, hidden, vocabularySize));
  const caches = (prefix: string, length: string): string[] =>
    Array.from({ length: 2 * layers }, (_, part) => `${prefix}.${part >> 1}.${part % 2 ? 'value' : 'key'}|${length}`);
  const cacheValue = (name: string): { name: string; type: 'float32' | 'float16'; shape: (string | number)[] } => {
    const [value, length] = name.split('|') as [string, string];
    return { name: value, type: isHalf ? 'float16' : 'float32', shape: ['batch', kvHeads, length, headWidth] };
  };
  return encodeOnnx({
    inputs: [
      { name: 'input_ids', type: 'int64', shape: ['batch', 'new'] },
      { name: 'attention_mask', type: 'int64', shape: ['batch', 'total'] },
      ...caches('past_key_values', 'past').map(cacheValue),
    ],
    outputs: [{ name: 'logits', type: 'float32', shape: ['batch', 'new', vocabularySize] }, ...caches('present', 'total').map(cacheValue)],
    nodes,
    constants,
  });
}

/** Weights as int8 with a scale and a zero point for each column. */
function quantised(name: string, { shape, values }: OnnxConstant): Record<string, OnnxConstant> {
  const [rows, columns] = shape as [number, number];
  const largest = Array.from({ length: columns }, (_, column) => {
    let most = 1e-9;
    for (let row = 0; row < rows; row++) most = Math.max(most, Math.abs(values[row * columns + column]!));
    return most;
  });
  const whole = Array.from(values, (value, index) => Math.round((127 * value) / largest[index % columns]!));
  return {
    [`${name}.whole`]: { type: 'int8', shape, values: whole },
    [`${name}.scale`]: { type: 'float32', shape: [columns], values: largest.map((most) => most / 127) },
    [`${name}.zero`]: { type: 'int8', shape: [columns], values: largest.map(() => 0) },
  };
}

/** A product as ONNX Runtime's quantiser writes it. */
function dynamicProduct(input: string, weight: string, output: string): OnnxNode[] {
  const name = (part: string): string => `${output}.${part}`;
  return [
    { operator: 'DynamicQuantizeLinear', inputs: [input], outputs: [name('values'), name('scale'), name('zero')] },
    { operator: 'MatMulInteger', inputs: [name('values'), `${weight}.whole`, name('zero'), `${weight}.zero`], outputs: [name('sums')] },
    { operator: 'Cast', inputs: [name('sums')], outputs: [name('floats')], attributes: { to: ONNX_TYPES.float32 } },
    { operator: 'Mul', inputs: [name('scale'), `${weight}.scale`], outputs: [name('scales')] },
    { operator: 'Mul', inputs: [name('floats'), name('scales')], outputs: [output] },
  ];
}

const INT4_BLOCK = 32;

/** Random 4-bit weights, with a scale for each block. */
function int4Weights(name: string, random: () => number, rows: number, columns: number): Record<string, OnnxConstant> {
  const blocks = rows / INT4_BLOCK;
  const bytes = Array.from({ length: columns * blocks * (INT4_BLOCK / 2) }, () => Math.floor(256 * random()));
  const scales = Array.from({ length: columns * blocks }, () => (0.5 + random()) / Math.sqrt(rows));
  return {
    [`${name}.int4`]: { type: 'uint8', shape: [columns, blocks, INT4_BLOCK / 2], values: bytes },
    [`${name}.scales`]: { type: 'float32', shape: [columns * blocks], values: scales },
  };
}

/** A product as onnxruntime-genai's builder writes it, without a level of accuracy. */
function int4Product(input: string, weight: string, output: string, rows: number, columns: number): OnnxNode {
  return {
    operator: 'MatMulNBits',
    domain: 'com.microsoft',
    inputs: [input, `${weight}.int4`, `${weight}.scales`],
    outputs: [output],
    attributes: { K: rows, N: columns, bits: 4, block_size: INT4_BLOCK },
  };
}
