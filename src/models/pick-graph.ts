import { encodeOnnx, type OnnxType } from './onnx-graph.ts';

/** Number of the type in the ONNX format. */
const FLOAT32 = 1;

/**
 * A graph that takes wanted rows out of logits, so that no others come back: `logits` `[rows, columns, vocabulary]` and
 * `wanted` `[count]`, int32, in; `rows` `[count, vocabulary]`, float32, out.
 */
export function encodePickGraph(type: OnnxType): Uint8Array<ArrayBuffer> {
  return encodeOnnx({
    inputs: [
      { name: 'logits', type, shape: ['batch', 'columns', 'vocabulary'] },
      { name: 'wanted', type: 'int32', shape: ['count'] },
    ],
    outputs: [{ name: 'rows', type: 'float32', shape: ['count', 'vocabulary'] }],
    nodes: [
      { operator: 'Flatten', inputs: ['logits'], outputs: ['list'], attributes: { axis: 2 } },
      { operator: 'Gather', inputs: ['list', 'wanted'], outputs: ['picked'], attributes: { axis: 0 } },
      { operator: 'Cast', inputs: ['picked'], outputs: ['rows'], attributes: { to: FLOAT32 } },
    ],
    constants: {},
  });
}
