/**
 * Changes a graph with `GroupQueryAttention` so that one row carries the new tokens of any number of branches.
 *
 * Its attention is replaced by one over a cache of cells (`cell-attention.ts`): positions are an input, and so is a bias that hides
 * the cells of other branches. Three more changes keep what a pass returns small: only new keys and values come back, not the whole
 * cache; the head computes the wanted rows only; and tokens can be chosen on the graph (`sampling-head.ts`). Weights are not touched.
 *
 * @module
 */
import { canReplace, CELL_INPUTS, pastInputs, replaceAttention, type AttentionShape } from './cell-attention.ts';
import type { GraphFacts } from './decoder-graph.ts';
import { OnnxModelFile, type OnnxType, type ReadNode } from './onnx-graph.ts';
import { quantiseByToken } from './token-quantisation.ts';
import { addSamplingHead } from './sampling-head.ts';

/** Names of the inputs and outputs that are added. */
export const UNIFIED = { ...CELL_INPUTS, wanted: 'wanted_positions', fresh: 'fresh_cache' } as const;

/** What the changed graph expects and gives. */
export interface UnifiedShape extends AttentionShape {
  readonly vocabularySize: number;
  readonly choosesTokens: boolean;
  /** Inputs of past keys and values, in the order of `fresh_cache`: `[cells, kvHeads, headWidth]` each, in single precision. */
  readonly cacheInputs: readonly string[];
}

export interface UnifiedGraph {
  readonly shape: UnifiedShape;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly hasExternalData: boolean;
}

const OPERATOR = 'GroupQueryAttention';
const KNOWN_INPUTS = /^(input_ids|attention_mask|position_ids|num_logits_to_keep|past_.*)$/;
const NORMS = new Set(['LayerNormalization', 'SimplifiedLayerNormalization', 'RMSNormalization', 'SkipLayerNormalization', 'SkipSimplifiedLayerNormalization']);
/** Reductions have had their axes as inputs since then. */
const OLDEST_OPERATORS = 13;
/** A head is a product, with a few operators around it where weights or activations are quantised. */
const MOST_HEAD_NODES = 24;

/**
 * The graph over a unified cache.
 *
 * @param bytes - An ONNX file.
 * @param facts.contextTokens - Most tokens of a sequence; a narrower attention window cannot be kept.
 * @param facts.headWidth - Used where the graph does not tell.
 * @param facts.choosesTokens - Whether tokens can be chosen on the graph. @default true
 * @returns `undefined`, with nothing changed, where the graph has no such attention or uses it in a way that cannot be unified.
 */
export function unifyGraph(
  bytes: Uint8Array,
  { contextTokens, headWidth, choosesTokens = true }: Pick<GraphFacts, 'contextTokens' | 'headWidth'> & { readonly choosesTokens?: boolean },
): UnifiedGraph | undefined {
  const file = new OnnxModelFile(bytes);
  if (file.operatorVersion < OLDEST_OPERATORS) return undefined;
  const attention = file.nodes.filter(({ operator }) => operator === OPERATOR);
  const shape = describeShape(file, attention, headWidth);
  if (!shape || attention.some((node) => !canReplace(node, contextTokens)) || file.inputNames.some((name) => !KNOWN_INPUTS.test(name))) return undefined;
  const presents = attention.flatMap((node) => node.outputs.slice(1));
  file.removeOutputs(new Set(presents));
  returnNewCells(file, replaceAttention(file, attention, shape), shape);
  keepWantedRows(file);
  quantiseByToken(file);
  if (choosesTokens) addSamplingHead(file, shape);
  file.prune();
  return { shape: { ...shape, choosesTokens }, bytes: file.encode(), hasExternalData: file.hasExternalData };
}

/** Sizes that all layers share; `undefined` where they do not, or where the graph does not tell. */
function describeShape(file: OnnxModelFile, attention: readonly ReadNode[], knownWidth: number | undefined): Omit<UnifiedShape, 'choosesTokens'> | undefined {
  const logits = file.describe('logits');
  const vocabularySize = logits?.shape[2];
  const cacheInputs = attention.flatMap(pastInputs);
  const caches = cacheInputs.map((name) => file.describe(name));
  const [first] = caches;
  const [, kvHeads, , headWidth] = first?.shape ?? [];
  const declaredWidth = typeof headWidth === 'number' ? headWidth : (knownWidth ?? headWidthOf(attention[0]));
  if (!first || !isFloat(first.type) || typeof vocabularySize !== 'number' || typeof kvHeads !== 'number' || declaredWidth === undefined) return undefined;
  if (logits!.shape[1] === 1 || caches.some((cache) => cache?.type !== first.type || cache.shape[1] !== kvHeads)) return undefined;
  if (file.inputNames.filter((name) => name.startsWith('past_')).length !== cacheInputs.length) return undefined;
  const [queryHeads] = attention.map((node) => node.integer('num_heads'));
  if (queryHeads === undefined || attention.some((node) => node.integer('num_heads') !== queryHeads || node.integer('kv_num_heads') !== kvHeads))
    return undefined;
  return { queryHeads, kvHeads, headWidth: declaredWidth, vocabularySize, type: first.type, cacheInputs };
}

/** Some exporters leave the width of a head open; the operator's scale is its inverse square root. */
function headWidthOf(node: ReadNode | undefined): number | undefined {
  const scale = node?.float('scale');
  return scale === undefined || scale === 0 ? undefined : Math.round(1 / scale ** 2);
}

function isFloat(type: OnnxType): type is 'float32' | 'float16' {
  return type === 'float32' || type === 'float16';
}

/** Names of new keys and values become one output. */
function returnNewCells(file: OnnxModelFile, fresh: readonly string[], { kvHeads, headWidth }: AttentionShape): void {
  const parts = fresh.map((name, part) => {
    file.addNode({ operator: 'Unsqueeze', inputs: [name, 'cells.first'], outputs: [`cells.part.${part}`] });
    return `cells.part.${part}`;
  });
  file.addNode({ operator: 'Concat', inputs: parts, outputs: [UNIFIED.fresh], attributes: { axis: 0 } });
  file.addOutput({ name: UNIFIED.fresh, type: 'float32', shape: [fresh.length, 'new', kvHeads, headWidth] });
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
