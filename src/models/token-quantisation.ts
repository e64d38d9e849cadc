/**
 * Dynamic int8 quantisation with a scale for each token.
 *
 * Exports quantise the activations of a whole pass with one scale (`DynamicQuantizeLinear`), so the logits of a branch depend on what
 * else is in the pass: other branches and drafts would change what it writes. With a scale for each token, each token's product is its
 * own.
 *
 * @module
 */
import type { OnnxModelFile, ReadNode } from './onnx-graph.ts';

const CONTRIB = 'com.microsoft';
/** Activations are stored as bytes around this value. */
const ZERO_POINT = 128;
const LEVELS = 127;
/** Scale of a token whose values are all 0. */
const LEAST_SCALE = 1e-30;
/** Reductions have had their axes as inputs since then. */
const AXES_AS_INPUTS = 18;

/** One product of quantised activations: `output = (quantised × weights) × (scale × weightScale)`. */
interface Product {
  readonly quantise: ReadNode;
  readonly multiply: ReadNode;
  readonly rescale: ReadNode;
  readonly weightScale: string;
}

/** Changes every product of dynamically quantised activations for which the usual nodes follow; others stay as they are. */
export function quantiseByToken(file: OnnxModelFile): void {
  const products = findProducts(file.nodes);
  if (products.length === 0) return;
  file.addConstant('tokens.one', { type: 'float32', shape: [], values: [1] });
  file.addConstant('tokens.zero_point', { type: 'uint8', shape: [], values: [ZERO_POINT] });
  file.addConstant('tokens.step', { type: 'float32', shape: [], values: [1 / LEVELS] });
  file.addConstant('tokens.least', { type: 'float32', shape: [], values: [LEAST_SCALE] });
  file.addConstant('tokens.axis', { type: 'int64', shape: [1], values: [-1] });
  const inputs = new Map<ReadNode, QuantisedInput>();
  for (const [index, { quantise, multiply, rescale, weightScale }] of products.entries()) {
    const input = inputs.get(quantise) ?? addQuantisedInput(file, quantise, inputs.size);
    inputs.set(quantise, input);
    const [, weights, , weightZero = ''] = multiply.inputs;
    const product = `tokens.product.${index}`;
    const taken = [input.values, weights!, 'tokens.one', weightScale, 'tokens.zero_point', weightZero];
    file.removeNode(rescale);
    file.addNode({ operator: 'MatMulIntegerToFloat', domain: CONTRIB, inputs: taken, outputs: [product] });
    file.addNode({ operator: 'Mul', inputs: [product, input.scale], outputs: rescale.outputs });
  }
}

interface QuantisedInput {
  readonly values: string;
  /** `[…, tokens, 1]`. */
  readonly scale: string;
}

function addQuantisedInput(file: OnnxModelFile, { inputs: [activations] }: ReadNode, index: number): QuantisedInput {
  const name = (part: string): string => `tokens.${index}.${part}`;
  const add = (operator: string, inputs: readonly string[], output: string, attributes: Record<string, number | readonly number[]> = {}): string => {
    file.addNode({ operator, inputs, outputs: [name(output)], attributes });
    return name(output);
  };
  const sizes = add('Abs', [activations!], 'sizes');
  const largest =
    file.operatorVersion >= AXES_AS_INPUTS
      ? add('ReduceMax', [sizes, 'tokens.axis'], 'largest', { keepdims: 1 })
      : add('ReduceMax', [sizes], 'largest', { axes: [-1], keepdims: 1 });
  const scale = add('Max', [add('Mul', [largest, 'tokens.step'], 'step'), 'tokens.least'], 'scale');
  const scaled = add('Div', [activations!, scale], 'scaled');
  return { values: add('QuantizeLinear', [scaled, 'tokens.one', 'tokens.zero_point'], 'values'), scale };
}

function findProducts(nodes: readonly ReadNode[]): readonly Product[] {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const users = new Map<string, ReadNode[]>();
  for (const node of nodes) for (const input of node.inputs) users.set(input, [...(users.get(input) ?? []), node]);
  const onlyUser = (node: ReadNode | undefined, operator: string): ReadNode | undefined => {
    const [user, other] = users.get(node?.outputs[0] ?? '') ?? [];
    return !other && user?.operator === operator ? user : undefined;
  };
  return nodes.flatMap((multiply) => {
    if (multiply.operator !== 'MatMulInteger') return [];
    const quantise = producers.get(multiply.inputs[0] ?? '');
    const cast = onlyUser(multiply, 'Cast');
    const rescale = onlyUser(cast, 'Mul');
    const scale = producers.get(rescale?.inputs.find((input) => input !== cast?.outputs[0]) ?? '');
    const isQuantised = quantise?.operator === 'DynamicQuantizeLinear' && multiply.inputs[2] === quantise.outputs[2];
    const weightScale = scale?.operator === 'Mul' ? scale.inputs.find((input) => input !== quantise?.outputs[1]) : undefined;
    if (!isQuantised || !rescale || !scale?.inputs.includes(quantise.outputs[1]!) || weightScale === undefined) return [];
    return [{ quantise, multiply, rescale, weightScale }];
  });
}
