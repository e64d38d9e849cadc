import { encodeOnnx, type OnnxNode } from './onnx-graph.ts';

/**
 * A graph that keeps a native model's cache where it runs, and lays it out for the next pass. Entries hold the keys of all
 * layers, then the values, of one token.
 *
 * | input | shape | |
 * | --- | --- | --- |
 * | `store` | `[entries, 2 × layers × headWidth]` | what is kept |
 * | `fresh` | `[rows, new, 2 × layers × headWidth]` | `new_cache` of the last pass |
 * | `keep` | `[kept]`, int32 | for each entry of the next store, where it lies in `store` followed by `fresh` |
 * | `past` | `[rows, capacity]`, int32 | for each position of each row, its entry in the next store |
 *
 * It gives `next_store` `[kept, 2 × layers × headWidth]`, and `past_key.N` and `past_value.N` as the native layout wants them.
 * New keys and values, forks, rollbacks and the gathering of rows are thus nothing but other indices.
 */
export function encodeCacheGraph(layers: number, headWidth: number): Uint8Array<ArrayBuffer> {
  const entry = 2 * layers * headWidth;
  const constants: Record<string, readonly number[]> = { flat: [-1, entry], axis: [2] };
  const nodes: OnnxNode[] = [
    { operator: 'Reshape', inputs: ['fresh', 'flat'], outputs: ['fresh_entries'] },
    { operator: 'Concat', inputs: ['store', 'fresh_entries'], outputs: ['all'], attributes: { axis: 0 } },
    { operator: 'Gather', inputs: ['all', 'keep'], outputs: ['next_store'], attributes: { axis: 0 } },
    { operator: 'Gather', inputs: ['next_store', 'past'], outputs: ['held'], attributes: { axis: 0 } },
  ];
  const parts = ['past_key', 'past_value'].flatMap((kind) => Array.from({ length: layers }, (_, layer) => `${kind}.${layer}`));
  const cut = (start: number): string => {
    constants[`at_${start}`] = [start];
    return `at_${start}`;
  };
  for (const [part, name] of parts.entries()) {
    nodes.push({ operator: 'Slice', inputs: ['held', cut(part * headWidth), cut((part + 1) * headWidth), 'axis'], outputs: [name] });
  }
  return encodeOnnx({
    inputs: [
      { name: 'store', type: 'float32', shape: ['entries', entry] },
      { name: 'fresh', type: 'float32', shape: ['fresh_rows', 'new', entry] },
      { name: 'keep', type: 'int32', shape: ['kept'] },
      { name: 'past', type: 'int32', shape: ['rows', 'capacity'] },
    ],
    outputs: [
      { name: 'next_store', type: 'float32', shape: ['kept', entry] },
      ...parts.map((name) => ({ name, type: 'float32', shape: ['rows', 'capacity', headWidth] }) as const),
    ],
    nodes,
    constants,
  });
}
