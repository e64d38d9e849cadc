/**
 * Attention of one row that carries tokens of many branches, over a cache of cells, in place of `GroupQueryAttention`.
 *
 * The operator copies its whole cache in every pass, once for each query head, before it reads it. Here scores are products with the
 * cache where it lies; only the scores of cells and of new tokens are joined. The query heads that share a key-value head are rows of
 * one product, so the cache is read once.
 *
 * @module
 */
import type { OnnxModelFile, OnnxNode, ReadNode } from './onnx-graph.ts';

/** Inputs of the changed graph: the position of every new token, and what is added to its scores of cells and of new tokens. */
export const CELL_INPUTS = { positions: 'position_ids', bias: 'attention_bias' } as const;

/** Places among the operator's inputs. */
const INPUT = { query: 0, key: 1, value: 2, pastKey: 3, pastValue: 4, cosines: 7, sines: 8, positions: 9, bias: 10 } as const;
const KNOWN_INPUTS = 11;
const CONTRIB = 'com.microsoft';
/** Attributes that change what is computed and have no counterpart here. */
const UNSUPPORTED = ['softcap', 'smooth_softmax', 'k_quant_type', 'v_quant_type', 'qk_output'] as const;
const FLOAT_TYPES = { float32: 1, float16: 10 } as const;

export interface AttentionShape {
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headWidth: number;
  /** Of queries, keys and values in the graph. The cache is in single precision. */
  readonly type: keyof typeof FLOAT_TYPES;
}

/** The caches that a `GroupQueryAttention` reads. */
export function pastInputs(node: ReadNode): readonly [key: string, value: string] {
  return [node.inputs[INPUT.pastKey] ?? '', node.inputs[INPUT.pastValue] ?? ''];
}

/** Whether the operator computes nothing but what `replaceAttention` puts in its place. */
export function canReplace(node: ReadNode, contextTokens: number): boolean {
  const window = node.integer('local_window_size') ?? -1;
  const isUsed = (place: number): boolean => (node.inputs[place] ?? '') !== '';
  const takesOther =
    isUsed(INPUT.bias) ||
    (isUsed(INPUT.positions) && node.inputs[INPUT.positions] !== CELL_INPUTS.positions) ||
    node.inputs.slice(KNOWN_INPUTS).some((name) => name !== '');
  return (window < 0 || window >= contextTokens) && !takesOther && UNSUPPORTED.every((name) => !node.integer(name) && !node.float(name));
}

/**
 * Replaces the operators of all layers, and their caches by inputs `[cells, kvHeads, headWidth]`.
 *
 * @returns Names of the new keys and values of each layer, `[new, kvHeads, headWidth]`, in single precision.
 */
export function replaceAttention(file: OnnxModelFile, attention: readonly ReadNode[], shape: AttentionShape): readonly string[] {
  declareInputs(file, shape);
  return attention.flatMap((node, layer) => {
    const fresh = addAttention(file, node, layer, shape);
    const past = pastInputs(node);
    file.removeInputs(new Set(past));
    for (const name of past) file.addInput({ name, type: 'float32', shape: ['cells', shape.kvHeads, shape.headWidth] });
    file.removeNode(node);
    return fresh;
  });
}

/** What every layer needs, once. */
function declareInputs(file: OnnxModelFile, { queryHeads, kvHeads, headWidth }: AttentionShape): void {
  const group = queryHeads / kvHeads;
  if (!file.inputNames.includes(CELL_INPUTS.positions)) file.addInput({ name: CELL_INPUTS.positions, type: 'int64', shape: [1, 'new'] });
  file.addInput({ name: CELL_INPUTS.bias, type: 'float32', shape: ['new', 'total'] });
  const lists = {
    widths: [queryHeads, kvHeads, kvHeads].map((heads) => heads * headWidth),
    query: [-1, kvHeads, group, headWidth],
    query_rows: [kvHeads, -1, headWidth],
    key: [-1, kvHeads, headWidth],
    attended: [kvHeads, -1, group, headWidth],
    output: [1, -1, queryHeads * headWidth],
    group: [1, group, 1],
    first: [0],
    second: [1],
  };
  // Tables of the rotary embedding must be as long as a row of the batch: each new token is a row of its own.
  file.addNode({ operator: 'Transpose', inputs: [CELL_INPUTS.positions], outputs: ['cells.positions'], attributes: { perm: [1, 0] } });
  for (const [name, values] of Object.entries(lists)) file.addConstant(`cells.${name}`, { type: 'int64', shape: [values.length], values });
  // Scores have a row for each new token and query head of a group.
  file.addNode({ operator: 'Unsqueeze', inputs: [CELL_INPUTS.bias, 'cells.second'], outputs: ['cells.bias_of_token'] });
  file.addNode({ operator: 'Expand', inputs: ['cells.bias_of_token', 'cells.group'], outputs: ['cells.bias_of_group'] });
  file.addNode({ operator: 'Flatten', inputs: ['cells.bias_of_group'], outputs: ['cells.bias'], attributes: { axis: 2 } });
  // [cells, new], from [new, cells + new].
  file.addNode({ operator: 'Shape', inputs: [CELL_INPUTS.bias], outputs: ['cells.sizes'] });
  file.addNode({ operator: 'Gather', inputs: ['cells.sizes', 'cells.first'], outputs: ['cells.new'] });
  file.addNode({ operator: 'Gather', inputs: ['cells.sizes', 'cells.second'], outputs: ['cells.total'] });
  file.addNode({ operator: 'Sub', inputs: ['cells.total', 'cells.new'], outputs: ['cells.held'] });
  file.addNode({ operator: 'Concat', inputs: ['cells.held', 'cells.new'], outputs: ['cells.parts'], attributes: { axis: 0 } });
}

/** The nodes of one layer. */
function addAttention(file: OnnxModelFile, node: ReadNode, layer: number, shape: AttentionShape): readonly [key: string, value: string] {
  const name = (part: string): string => `cells.${layer}.${part}`;
  const add = (operator: string, inputs: readonly string[], output: string, attributes: OnnxNode['attributes'] = {}): string => {
    const domain = operator === 'FusedMatMul' ? { domain: CONTRIB } : {};
    file.addNode({ operator, inputs, outputs: [name(output)], attributes, ...domain });
    return name(output);
  };
  const [pastKey, pastValue] = pastInputs(node);
  const [query, key, value] = separate(file, node, name, shape);
  const scores = { transB: 1, transBatchB: 1, alpha: { float: node.float('scale') || 1 / Math.sqrt(shape.headWidth) } };
  const byHead = add('Transpose', [add('Reshape', [query, 'cells.query'], 'query_parts')], 'query_by_head', { perm: [1, 0, 2, 3] });
  const rows = add('Reshape', [byHead, 'cells.query_rows'], 'query_rows');
  const [newKey, newValue] = [add('Reshape', [key, 'cells.key'], 'new_key'), add('Reshape', [value, 'cells.key'], 'new_value')];
  const ofCells = add('FusedMatMul', [rows, pastKey], 'cell_scores', scores);
  const ofNew = add('FusedMatMul', [rows, newKey], 'new_scores', scores);
  const all = add('Add', [add('Concat', [ofCells, ofNew], 'scores', { axis: 2 }), 'cells.bias'], 'seen_scores');
  const shares = add('Softmax', [all], 'shares', { axis: 2 });
  file.addNode({ operator: 'Split', inputs: [shares, 'cells.parts'], outputs: [name('cell_shares'), name('new_shares')], attributes: { axis: 2 } });
  const fromCells = add('FusedMatMul', [name('cell_shares'), pastValue], 'from_cells', { transBatchB: 1 });
  const fromNew = add('FusedMatMul', [name('new_shares'), newValue], 'from_new', { transBatchB: 1 });
  const attended = add('Reshape', [add('Add', [fromCells, fromNew], 'attended'), 'cells.attended'], 'attended_by_head');
  const byToken = add('Transpose', [attended], 'attended_by_token', { perm: [1, 0, 2, 3] });
  const output = { inputs: [byToken, 'cells.output'], outputs: [node.outputs[0]!] };
  if (shape.type === 'float32') file.addNode({ operator: 'Reshape', ...output });
  else
    file.addNode({
      operator: 'Cast',
      inputs: [add('Reshape', output.inputs, 'output')],
      outputs: output.outputs,
      attributes: { to: FLOAT_TYPES[shape.type] },
    });
  return [newKey, newValue];
}

/** Queries, keys and values with positions applied, in single precision. */
function separate(file: OnnxModelFile, node: ReadNode, name: (part: string) => string, shape: AttentionShape): [query: string, key: string, value: string] {
  const taken = [INPUT.query, INPUT.key, INPUT.value].map((place) => node.inputs[place] ?? '').filter((input) => input !== '');
  const isPacked = taken.length === 1;
  const given = taken.map((input, index) => {
    file.addNode({ operator: 'Transpose', inputs: [input], outputs: [name(`given.${index}`)], attributes: { perm: [1, 0, 2] } });
    return name(`given.${index}`);
  });
  const parts = isPacked ? ['query', 'key', 'value'].map(name) : given;
  if (isPacked) file.addNode({ operator: 'Split', inputs: [given[0]!, 'cells.widths'], outputs: parts, attributes: { axis: 2 } });
  const turned = (node.integer('do_rotary') ?? 0) === 1 ? rotated(file, node, parts, name, shape) : parts;
  if (shape.type === 'float32') return turned as [string, string, string];
  return turned.map((part, index) => {
    file.addNode({ operator: 'Cast', inputs: [part], outputs: [name(`single.${index}`)], attributes: { to: FLOAT_TYPES.float32 } });
    return name(`single.${index}`);
  }) as [string, string, string];
}

function rotated(
  file: OnnxModelFile,
  node: ReadNode,
  [query, key, value]: readonly string[],
  name: (part: string) => string,
  { queryHeads, kvHeads, headWidth }: AttentionShape,
): string[] {
  const tables = [node.inputs[INPUT.cosines]!, node.inputs[INPUT.sines]!];
  const width = file.constantShape(tables[0]!)?.[1];
  // A table narrower than half a head turns the first part of each head only.
  const partial = width !== undefined && 2 * width < headWidth ? { rotary_embedding_dim: 2 * width } : {};
  const rotate = (input: string, output: string, heads: number): string => {
    const attributes = { interleaved: node.integer('rotary_interleaved') ?? 0, num_heads: heads, ...partial };
    file.addNode({ operator: 'RotaryEmbedding', domain: CONTRIB, inputs: [input, 'cells.positions', ...tables], outputs: [name(output)], attributes });
    return name(output);
  };
  return [rotate(query!, 'rotated_query', queryHeads), rotate(key!, 'rotated_key', kvHeads), value!];
}
