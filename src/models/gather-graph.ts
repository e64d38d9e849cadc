import { headsOf, type CachePart } from './decoder-graph.ts';
import { encodeOnnx, type OnnxNode, type OnnxValue } from './onnx-graph.ts';

/** Inputs of `encodeGatherGraph` for a part of the cache, and for the indices into caches of so many heads. */
export const heldInput = (part: string): string => `held.${part}`;
export const moreInput = (part: string): string => `more.${part}`;
export const placesInput = (kvHeads: number): string => `places.${kvHeads}`;

/**
 * A graph that gathers columns of caches where they lie. For each part of a cache:
 *
 * | input | shape | |
 * | --- | --- | --- |
 * | `held.PART` | `[rows, kvHeads, columns, headWidth]` | |
 * | `more.PART` | `[other rows, kvHeads, other columns, headWidth]` | with `isJoining` |
 * | `places.HEADS` | `[new rows, kvHeads, new columns]`, int32 | where each new column lies in `held` followed by `more`, both seen as lists of columns |
 *
 * The output `PART` is `[new rows, kvHeads, new columns, headWidth]`. Forks, rollbacks and other rows are nothing but indices.
 */
export function encodeGatherGraph(parts: readonly CachePart[], isJoining: boolean): Uint8Array<ArrayBuffer> {
  const nodes: OnnxNode[] = [];
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  const heads = new Set<number>();
  for (const described of parts) {
    const { input: part, type } = described;
    const [kvHeads, width] = headsOf(described);
    heads.add(kvHeads);
    const sources = isJoining ? [heldInput(part), moreInput(part)] : [heldInput(part)];
    for (const source of sources) {
      inputs.push({ name: source, type, shape: [`${source}.rows`, kvHeads, `${source}.columns`, width] });
      nodes.push({ operator: 'Flatten', inputs: [source], outputs: [`${source}.list`], attributes: { axis: 3 } });
    }
    if (isJoining) nodes.push({ operator: 'Concat', inputs: sources.map((source) => `${source}.list`), outputs: [`${part}.list`], attributes: { axis: 0 } });
    const list = isJoining ? `${part}.list` : `${sources[0]}.list`;
    nodes.push({ operator: 'Gather', inputs: [list, placesInput(kvHeads)], outputs: [part], attributes: { axis: 0 } });
    outputs.push({ name: part, type, shape: ['rows', kvHeads, 'columns', width] });
  }
  for (const kvHeads of heads) inputs.push({ name: placesInput(kvHeads), type: 'int32', shape: ['rows', kvHeads, 'columns'] });
  return encodeOnnx({ inputs, outputs, nodes, constants: {} });
}
