/**
 * Changes a graph with `GroupQueryAttention` so that one row carries the new tokens of any number of branches.
 *
 * The operator has two inputs that exports leave empty: positions for the rotary embedding, and a bias that is added to the scores of
 * attention. With both connected, one row of a batch can hold tokens of many branches over one cache of cells: positions come from
 * the input, and the bias hides the cells of other branches. Three more changes keep what a pass returns small: only new keys and
 * values come back, not the whole cache; the head computes the wanted rows only; and tokens can be chosen on the graph
 * (`sampling-head.ts`). Weights are not touched.
 *
 * @module
 */
import type { GraphFacts } from './decoder-graph.ts';
import { OnnxModelFile, type OnnxType, type ReadNode } from './onnx-graph.ts';
import { addSamplingHead } from './sampling-head.ts';

/** Names of the inputs and outputs that are added. */
export const UNIFIED = { positions: 'position_ids', bias: 'attention_bias', wanted: 'wanted_positions', fresh: 'fresh_cache' } as const;

/** What the changed graph expects and gives. */
export interface UnifiedShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headWidth: number;
  readonly vocabularySize: number;
  readonly type: 'float32' | 'float16';
  /** Inputs of past keys and values, in the order of `fresh_cache`: `[1, kvHeads, cells, headWidth]` each. */
  readonly cacheInputs: readonly string[];
}

export interface UnifiedGraph {
  readonly shape: UnifiedShape;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly hasExternalData: boolean;
}

const OPERATOR = 'GroupQueryAttention';
/** Places among the operator's inputs and outputs. */
const INPUT = { pastKey: 3, pastValue: 4, cosines: 7, sines: 8, positions: 9, bias: 10 } as const;
const OUTPUT = { presentKey: 1, presentValue: 2 } as const;
const KNOWN_INPUTS = /^(input_ids|attention_mask|position_ids|num_logits_to_keep|past_.*)$/;
const NORMS = new Set(['LayerNormalization', 'SimplifiedLayerNormalization', 'RMSNormalization', 'SkipLayerNormalization', 'SkipSimplifiedLayerNormalization']);
/** Reductions have had their axes as inputs since then. */
const OLDEST_OPERATORS = 13;
/** A head is a product, with a few operators around it where weights or activations are quantised. */
const MOST_HEAD_NODES = 24;
/** Cells that a cache can have at least. */
const MOST_CELLS = 65_536;
const TO_THE_END = 2 ** 53 - 1;

/**
 * The graph over a unified cache.
 *
 * @param bytes - An ONNX file.
 * @param facts.contextTokens - Most tokens of a sequence; a narrower attention window cannot be kept.
 * @param facts.headWidth - Used where the graph does not tell.
 * @returns `undefined`, with nothing changed, where the graph has no such attention or uses it in a way that cannot be unified.
 */
export function unifyGraph(bytes: Uint8Array, { contextTokens, headWidth }: Pick<GraphFacts, 'contextTokens' | 'headWidth'>): UnifiedGraph | undefined {
  const file = new OnnxModelFile(bytes);
  if (file.operatorVersion < OLDEST_OPERATORS) return undefined;
  const attention = file.nodes.filter(({ operator }) => operator === OPERATOR);
  const shape = describeShape(file, attention, headWidth);
  if (!shape || attention.some((node) => !canUnify(node, contextTokens)) || file.inputNames.some((name) => !KNOWN_INPUTS.test(name))) return undefined;
  connectAttention(file, attention, shape);
  keepWantedRows(file);
  addSamplingHead(file, shape);
  return { shape, bytes: file.encode(), hasExternalData: file.hasExternalData };
}

/** Sizes that all layers share; `undefined` where they do not, or where the graph does not tell. */
function describeShape(file: OnnxModelFile, attention: readonly ReadNode[], knownWidth: number | undefined): UnifiedShape | undefined {
  const logits = file.describe('logits');
  const vocabularySize = logits?.shape[2];
  const cacheInputs = attention.flatMap((node) => [node.inputs[INPUT.pastKey] ?? '', node.inputs[INPUT.pastValue] ?? '']);
  const caches = cacheInputs.map((name) => file.describe(name));
  const [first] = caches;
  const [, kvHeads, , headWidth] = first?.shape ?? [];
  const declaredWidth = typeof headWidth === 'number' ? headWidth : (knownWidth ?? headWidthOf(attention[0]));
  if (!first || !isFloat(first.type) || typeof vocabularySize !== 'number' || typeof kvHeads !== 'number' || declaredWidth === undefined) return undefined;
  if (logits!.shape[1] === 1 || caches.some((cache) => cache?.type !== first.type || cache.shape[1] !== kvHeads)) return undefined;
  if (file.inputNames.filter((name) => name.startsWith('past_')).length !== cacheInputs.length) return undefined;
  return { layers: attention.length, kvHeads, headWidth: declaredWidth, vocabularySize, type: first.type, cacheInputs };
}

/** Some exporters leave the width of a head open; the operator's scale is its inverse square root. */
function headWidthOf(node: ReadNode | undefined): number | undefined {
  const scale = node?.float('scale');
  return scale === undefined || scale === 0 ? undefined : Math.round(1 / scale ** 2);
}

function isFloat(type: OnnxType): type is 'float32' | 'float16' {
  return type === 'float32' || type === 'float16';
}

function canUnify(node: ReadNode, contextTokens: number): boolean {
  const window = node.integer('local_window_size') ?? -1;
  const usesOther = [INPUT.positions, INPUT.bias].some((place) => (node.inputs[place] ?? '') !== '' && node.inputs[place] !== UNIFIED.positions);
  return (window < 0 || window >= contextTokens) && !usesOther && (node.integer('k_quant_type') ?? 0) === 0;
}

function connectAttention(file: OnnxModelFile, attention: readonly ReadNode[], { type, layers, kvHeads, headWidth }: UnifiedShape): void {
  const extended = tableExtender(file);
  const presents = attention.flatMap((node) => [node.outputs[OUTPUT.presentKey]!, node.outputs[OUTPUT.presentValue]!]);
  file.removeOutputs(new Set(presents));
  for (const node of attention) {
    const rest = Array.from({ length: Math.max(node.inputs.length, INPUT.bias + 1) }, (_, place) => node.inputs[place] ?? '');
    rest[INPUT.bias] = UNIFIED.bias;
    for (const place of [INPUT.cosines, INPUT.sines]) if (rest[place] !== '') rest[place] = extended(rest[place]!);
    if ((node.integer('do_rotary') ?? 0) === 1) rest[INPUT.positions] = UNIFIED.positions;
    node.inputs = rest;
  }
  if (!file.inputNames.includes(UNIFIED.positions)) file.addInput({ name: UNIFIED.positions, type: 'int64', shape: [1, 'new'] });
  file.addInput({ name: UNIFIED.bias, type, shape: [1, 1, 'new', 'total'] });
  file.addConstant('unified.axis', { type: 'int64', shape: [1], values: [2] });
  file.addConstant('unified.end', { type: 'int64', shape: [1], values: [TO_THE_END] });
  file.addConstant('unified.second', { type: 'int64', shape: [1], values: [1] });
  file.addNode({ operator: 'Shape', inputs: ['input_ids'], outputs: ['unified.sizes'] });
  file.addNode({ operator: 'Gather', inputs: ['unified.sizes', 'unified.second'], outputs: ['unified.count'] });
  file.addNode({ operator: 'Neg', inputs: ['unified.count'], outputs: ['unified.start'] });
  const fresh = presents.map((present, part) => {
    file.addNode({ operator: 'Slice', inputs: [present, 'unified.start', 'unified.end', 'unified.axis'], outputs: [`unified.fresh.${part}`] });
    return `unified.fresh.${part}`;
  });
  file.addNode({ operator: 'Concat', inputs: fresh, outputs: [UNIFIED.fresh], attributes: { axis: 0 } });
  file.addOutput({ name: UNIFIED.fresh, type, shape: [2 * layers, kvHeads, 'new', headWidth] });
}

/**
 * The operator wants tables of the rotary embedding as long as the cache has cells, though positions go no further than the context.
 * So they get rows that are never read; the runtime folds that into the tables when it loads them.
 */
function tableExtender(file: OnnxModelFile): (table: string) => string {
  const known = new Map<string, string>();
  file.addConstant('unified.pads', { type: 'int64', shape: [4], values: [0, 0, MOST_CELLS, 0] });
  return (table) => {
    const name = known.get(table) ?? `unified.table.${known.size}`;
    if (!known.has(table)) file.addNode({ operator: 'Pad', inputs: [table, 'unified.pads'], outputs: [name] });
    known.set(table, name);
    return name;
  };
}

/** Of the hidden states after the last norm only wanted ones go through the head: the product with the vocabulary is a fifth of a pass. */
function keepWantedRows(file: OnnxModelFile): void {
  file.addInput({ name: UNIFIED.wanted, type: 'int64', shape: ['wanted'] });
  const found = findHead(file.nodes);
  const hidden = found?.hidden ?? 'unified.all_logits';
  const kept = found ? 'unified.wanted_states' : 'logits';
  if (found) for (const node of found.nodes) node.inputs = node.inputs.map((input) => (input === hidden ? kept : input));
  else for (const node of file.nodes) node.outputs = node.outputs.map((output) => (output === 'logits' ? hidden : output));
  file.addNode({ operator: 'Gather', inputs: [hidden, UNIFIED.wanted], outputs: [kept], attributes: { axis: 1 } });
}

/** The nodes between the last norm and the logits, and what they take from it. */
function findHead(nodes: readonly ReadNode[]): { readonly hidden: string; readonly nodes: readonly ReadNode[] } | undefined {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const head = new Set<ReadNode>();
  const hidden = new Set<string>();
  const open = ['logits'];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = producers.get(name);
    if (!node || head.has(node)) continue;
    if (NORMS.has(node.operator)) hidden.add(name);
    else {
      head.add(node);
      open.push(...node.inputs);
    }
    if (head.size > MOST_HEAD_NODES) return undefined;
  }
  return hidden.size === 1 ? { hidden: [...hidden][0]!, nodes: [...head] } : undefined;
}
