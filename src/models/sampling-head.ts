/**
 * Choosing tokens on the graph, so that a pass returns a few numbers a token and not a row of logits of the whole vocabulary.
 *
 * | input | shape | |
 * | --- | --- | --- |
 * | `penalised` | `[]`, bool | whether `seen_tokens` and `penalty` count |
 * | `seen_tokens` | `[wanted, seen]`, int32 | tokens in the context, for the repetition penalty (Keskar et al. 2019, arXiv:1909.05858) |
 * | `penalty` | `[wanted, 1]` | positive logits of seen tokens are divided by it, negative ones multiplied |
 * | `top_count` | `[1]`, int64 | how many of the likeliest tokens come back |
 * | `inverse_temperature` | `[wanted, 1]` | used where `wants_draw` |
 * | `points` | `[wanted, 1]`, float64 | uniform numbers in [0, 1) to draw with, where `wants_draw` |
 * | `wants_share`, `wants_draw` | `[]`, bool | |
 *
 * | output | shape | |
 * | --- | --- | --- |
 * | `top_logits` | `[wanted, top_count]` | after the penalty, descending |
 * | `top_raw` | `[wanted, top_count]` | the same tokens' logits before the penalty |
 * | `top_tokens` | `[wanted, top_count]`, int32 | |
 *
 * | `draw_share` | `[wanted, 1]` | the same after both, where `wants_draw` |
 * | `draw_block` | `[wanted, 1]`, int64 | the block of `BLOCK` tokens in which the cumulative distribution passes the point, where `wants_draw` |
 * | `draw_before` | `[wanted, 1]`, float64 | its value before that block |
 * | `draw_total` | `[wanted, 1]`, float64 | its value at the end: 1 but for rounding |
 * | `draw_probs` | `[wanted, BLOCK]` | probabilities of the block's tokens |
 * | `draw_raw` | `[wanted, BLOCK]` | their logits before the penalty |
 *
 * A draw over the whole vocabulary takes two steps, the block here and the token by the caller: the cumulative distribution is
 * that of the tokens in the order of their numbers, as everywhere in the library.
 *
 * @module
 */
import { Tensor, type Tensors } from './graph-session.ts';
import type { TopLogits, TopRequest, TopRow } from '../contracts/token-model.ts';
import { ONNX_TYPES, type OnnxModelFile, type OnnxNode, type OnnxSubgraph, type OnnxType, type OnnxValue } from './onnx-graph.ts';

/** Tokens of a block. */
export const BLOCK = 128;

/** @param shape - The graph gives `logits` `[1, wanted, vocabularySize]`. */
export function addSamplingHead(
  file: OnnxModelFile,
  { vocabularySize, type }: { readonly vocabularySize: number; readonly type: 'float32' | 'float16' },
): void {
  const blocks = Math.ceil(vocabularySize / BLOCK);
  const inputs: readonly OnnxValue[] = [
    { name: 'penalised', type: 'bool', shape: [] },
    { name: 'seen_tokens', type: 'int32', shape: ['wanted', 'seen'] },
    { name: 'penalty', type: 'float32', shape: ['wanted', 1] },
    { name: 'top_count', type: 'int64', shape: [1] },
    { name: 'inverse_temperature', type: 'float32', shape: ['wanted', 1] },
    { name: 'points', type: 'float64', shape: ['wanted', 1] },
    { name: 'wants_share', type: 'bool', shape: [] },
    { name: 'wants_draw', type: 'bool', shape: [] },
  ];
  for (const input of inputs) file.addInput(input);
  const integers = {
    rows: [-1, vocabularySize],
    blocks: [-1, blocks, BLOCK],
    last_axis: [1],
    block_axis: [2],
    first: [0],
    second: [1],
    pad: [0, 0, 0, blocks * BLOCK - vocabularySize],
    block: [BLOCK],
    last_block: [blocks - 1],
  };
  for (const [name, values] of Object.entries(integers)) file.addConstant(`head.${name}`, { type: 'int64', shape: [values.length], values });
  file.addConstant('head.offsets_row', { type: 'int64', shape: [1, BLOCK], values: Array.from({ length: BLOCK }, (_, offset) => offset) });
  file.addConstant('head.last_token', { type: 'int64', shape: [], values: [vocabularySize - 1] });
  file.addConstant('head.float_zero', { type: 'float32', shape: [], values: [0] });
  for (const empty of ['float32', 'float64', 'int64'] as const) file.addConstant(`head.no_${empty}`, { type: empty, shape: [0, 1], values: [] });
  const isHalf = file.describe('logits')?.type === 'float16' || type === 'float16';
  const flat = isHalf ? 'head.half' : 'head.raw';
  file.addNode({ operator: 'Reshape', inputs: ['logits', 'head.rows'], outputs: [flat] });
  if (isHalf) file.addNode({ operator: 'Cast', inputs: [flat], outputs: ['head.raw'], attributes: { to: ONNX_TYPES.float32 } });
  file.addNode(
    branching('penalised', penalise(), { nodes: [same('head.raw', 'head.unpenalised')], outputs: [float('head.unpenalised', ['wanted', vocabularySize])] }, [
      'head.scores',
    ]),
  );
  file.addNode({ operator: 'TopK', inputs: ['head.scores', 'top_count'], outputs: ['top_logits', 'head.top'], attributes: { axis: 1 } });
  file.addNode({ operator: 'GatherElements', inputs: ['head.raw', 'head.top'], outputs: ['top_raw'], attributes: { axis: 1 } });
  file.addNode({ operator: 'Cast', inputs: ['head.top'], outputs: ['top_tokens'], attributes: { to: ONNX_TYPES.int32 } });
  file.addNode({ operator: 'Slice', inputs: ['head.top', 'head.first', 'head.second', 'head.last_axis'], outputs: ['head.first_top'] });
  file.addNode(branching('wants_share', share(), nothing([['head.no_share', 'float32']]), ['top_share']));
  const drawn = ['draw_share', 'draw_block', 'draw_before', 'draw_total', 'draw_probs', 'draw_raw'];
  const types: readonly OnnxType[] = ['float32', 'int64', 'float64', 'float64', 'float32', 'float32'];
  file.addNode(branching('wants_draw', draw(blocks * BLOCK > vocabularySize), nothing(drawn.map((name, index) => [`head.no_${name}`, types[index]!])), drawn));
  const outputs: readonly OnnxValue[] = [
    float('top_logits', ['wanted', 'top']),
    float('top_raw', ['wanted', 'top']),
    { name: 'top_tokens', type: 'int32', shape: ['wanted', 'top'] },
    float('top_share', ['share_rows', 1]),
    ...drawn.map((name, index): OnnxValue => ({ name, type: types[index]!, shape: ['draw_rows', index < 4 ? 1 : 'draw_width'] })),
  ];
  for (const output of outputs) file.addOutput(output);
}

function float(name: string, shape: OnnxValue['shape']): OnnxValue {
  return { name, type: 'float32', shape };
}

function same(input: string, output: string): OnnxNode {
  return { operator: 'Identity', inputs: [input], outputs: [output] };
}

function branching(condition: string, then: OnnxSubgraph, otherwise: OnnxSubgraph, outputs: readonly string[]): OnnxNode {
  return { operator: 'If', inputs: [condition], outputs, attributes: { then_branch: then, else_branch: otherwise } };
}

/** Empty results, for what was not asked. */
function nothing(outputs: readonly (readonly [name: string, type: OnnxType])[]): OnnxSubgraph {
  return {
    nodes: outputs.map(([name, type]) => same(`head.no_${type}`, name)),
    outputs: outputs.map(([name, type]) => ({ name, type, shape: ['none', 1] })),
  };
}

function penalise(): OnnxSubgraph {
  return {
    nodes: [
      { operator: 'GatherElements', inputs: ['head.raw', 'seen_tokens'], outputs: ['head.seen'], attributes: { axis: 1 } },
      { operator: 'Div', inputs: ['head.seen', 'penalty'], outputs: ['head.divided'] },
      { operator: 'Mul', inputs: ['head.seen', 'penalty'], outputs: ['head.multiplied'] },
      { operator: 'Greater', inputs: ['head.seen', 'head.float_zero'], outputs: ['head.positive'] },
      { operator: 'Where', inputs: ['head.positive', 'head.divided', 'head.multiplied'], outputs: ['head.changed'] },
      { operator: 'ScatterElements', inputs: ['head.raw', 'seen_tokens', 'head.changed'], outputs: ['head.penalised'], attributes: { axis: 1 } },
    ],
    outputs: [float('head.penalised', ['wanted', 'vocabulary'])],
  };
}

/** Probability of the first of the likeliest tokens: its logit less the logarithm of it is that of the softmax's divisor. */
function share(): OnnxSubgraph {
  return {
    nodes: [
      { operator: 'Softmax', inputs: ['head.raw'], outputs: ['head.raw_probs'], attributes: { axis: 1 } },
      { operator: 'GatherElements', inputs: ['head.raw_probs', 'head.first_top'], outputs: ['head.share'], attributes: { axis: 1 } },
    ],
    outputs: [float('head.share', ['wanted', 1])],
  };
}

function draw(isPadded: boolean): OnnxSubgraph {
  const probs = isPadded ? 'head.padded' : 'head.probs';
  return {
    nodes: [
      { operator: 'Mul', inputs: ['head.scores', 'inverse_temperature'], outputs: ['head.tempered'] },
      { operator: 'Softmax', inputs: ['head.tempered'], outputs: ['head.probs'], attributes: { axis: 1 } },
      { operator: 'GatherElements', inputs: ['head.probs', 'head.first_top'], outputs: ['head.draw_share'], attributes: { axis: 1 } },
      ...(isPadded ? [{ operator: 'Pad', inputs: ['head.probs', 'head.pad', 'head.float_zero'], outputs: [probs] }] : []),
      { operator: 'Reshape', inputs: [probs, 'head.blocks'], outputs: ['head.blocked'] },
      { operator: 'ReduceSum', inputs: ['head.blocked', 'head.block_axis'], outputs: ['head.float_sums'], attributes: { keepdims: 0 } },
      // A token of a large vocabulary can be less likely than what single precision loses over a thousand blocks.
      { operator: 'Cast', inputs: ['head.float_sums'], outputs: ['head.sums'], attributes: { to: ONNX_TYPES.float64 } },
      { operator: 'CumSum', inputs: ['head.sums', 'head.last_axis'], outputs: ['head.cumulative'] },
      { operator: 'CumSum', inputs: ['head.sums', 'head.last_axis'], outputs: ['head.before'], attributes: { exclusive: 1 } },
      // Rounding can leave the total below a point near 1: the last block is as far as it goes.
      { operator: 'ReduceSum', inputs: ['head.sums', 'head.last_axis'], outputs: ['head.draw_total'], attributes: { keepdims: 1 } },
      { operator: 'Mul', inputs: ['points', 'head.draw_total'], outputs: ['head.targets'] },
      { operator: 'LessOrEqual', inputs: ['head.cumulative', 'head.targets'], outputs: ['head.passed'] },
      { operator: 'Cast', inputs: ['head.passed'], outputs: ['head.passed_count'], attributes: { to: ONNX_TYPES.int64 } },
      { operator: 'ReduceSum', inputs: ['head.passed_count', 'head.last_axis'], outputs: ['head.found'], attributes: { keepdims: 1 } },
      { operator: 'Min', inputs: ['head.found', 'head.last_block'], outputs: ['head.draw_block'] },
      { operator: 'GatherElements', inputs: ['head.before', 'head.draw_block'], outputs: ['head.draw_before'], attributes: { axis: 1 } },
      { operator: 'Mul', inputs: ['head.draw_block', 'head.block'], outputs: ['head.first_token'] },
      { operator: 'Add', inputs: ['head.first_token', 'head.offsets_row'], outputs: ['head.tokens'] },
      { operator: 'Min', inputs: ['head.tokens', 'head.last_token'], outputs: ['head.real_tokens'] },
      { operator: 'GatherElements', inputs: [isPadded ? probs : 'head.probs', 'head.tokens'], outputs: ['head.draw_probs'], attributes: { axis: 1 } },
      { operator: 'GatherElements', inputs: ['head.raw', 'head.real_tokens'], outputs: ['head.draw_raw'], attributes: { axis: 1 } },
    ],
    outputs: [
      float('head.draw_share', ['wanted', 1]),
      { name: 'head.draw_block', type: 'int64', shape: ['wanted', 1] },
      { name: 'head.draw_before', type: 'float64', shape: ['wanted', 1] },
      { name: 'head.draw_total', type: 'float64', shape: ['wanted', 1] },
      float('head.draw_probs', ['wanted', BLOCK]),
      float('head.draw_raw', ['wanted', BLOCK]),
    ],
  };
}

/** What a pass is asked to find on the graph. */
export interface HeadRequest {
  readonly rows: readonly TopRow[];
  readonly request: TopRequest;
}

/** Inputs of the head, for `wanted` rows of logits; the least work where nothing is asked. */
export function headFeeds(head: HeadRequest | undefined, wanted: number, vocabularySize: number): Record<string, Tensor> {
  const penalties = new Float32Array(wanted).fill(1);
  const temperatures = new Float32Array(wanted).fill(1);
  const points = new Float64Array(wanted);
  const isPenalised = head?.rows.some(({ sampling }) => sampling.repetitionPenalty !== 1) ?? false;
  let place = 0;
  for (const { sampling, logitCount, points: drawn } of head?.rows ?? []) {
    for (let position = 0; position < logitCount; position++, place++) {
      penalties[place] = sampling.repetitionPenalty;
      temperatures[place] = sampling.temperature === 0 ? 1 : 1 / sampling.temperature;
      points[place] = drawn[position]!;
    }
  }
  const count = Math.min(head?.request.count ?? 1, vocabularySize);
  return {
    penalised: flag(isPenalised),
    seen_tokens: isPenalised ? seenTokens(head!.rows, wanted) : new Tensor('int32', new Int32Array(wanted), [wanted, 1]),
    penalty: new Tensor('float32', penalties, [wanted, 1]),
    top_count: new Tensor('int64', BigInt64Array.of(BigInt(count)), [1]),
    inverse_temperature: new Tensor('float32', temperatures, [wanted, 1]),
    points: new Tensor('float64', points, [wanted, 1]),
    wants_share: flag(head?.request.normalisers ?? false),
    wants_draw: flag(head?.request.draws ?? false),
  };
}

/** What the head found. */
export function topOf(outputs: Tensors, rows: readonly TopRow[], { normalisers, draws }: TopRequest): TopLogits {
  const floats = (name: string): Float32Array => outputs[name]!.data as Float32Array;
  const [positions = 0, count = 0] = outputs['top_tokens']!.dims;
  const top = { count, tokens: outputs['top_tokens']!.data as Int32Array, logits: floats('top_logits'), raw: floats('top_raw') };
  const shares = floats('top_share');
  const drawShares = floats('draw_share');
  return {
    ...top,
    ...(normalisers && { normalisers: Float64Array.from({ length: positions }, (_, place) => top.raw[place * count]! - Math.log(shares[place]!)) }),
    ...(draws && {
      scaledTotals: Float64Array.from({ length: positions }, (_, place) => 1 / drawShares[place]!),
      drawn: drawnTokens(outputs, rows),
    }),
  };
}

function drawnTokens(outputs: Tensors, rows: readonly TopRow[]): NonNullable<TopLogits['drawn']> {
  const points = rows.flatMap(({ points: drawn, logitCount }) => drawn.slice(0, logitCount));
  const blocks = outputs['draw_block']!.data as BigInt64Array;
  const [before, totals] = ['draw_before', 'draw_total'].map((name) => outputs[name]!.data as Float64Array) as [Float64Array, Float64Array];
  const [probs, logits] = ['draw_probs', 'draw_raw'].map((name) => outputs[name]!.data as Float32Array) as [Float32Array, Float32Array];
  const tokens = new Int32Array(points.length);
  const raw = new Float32Array(points.length);
  for (const [place, point] of points.entries()) {
    let remaining = point * totals[place]! - before[place]!;
    let chosen = -1;
    for (let offset = 0; offset < BLOCK && (remaining >= 0 || chosen < 0); offset++) {
      const prob = probs[place * BLOCK + offset]!;
      remaining -= prob;
      if (prob > 0) chosen = offset;
    }
    tokens[place] = Number(blocks[place]!) * BLOCK + chosen;
    raw[place] = logits[place * BLOCK + chosen]!;
  }
  return { tokens, raw };
}

/** `[wanted, seen]`: tokens of each position's context, the last one again where it has fewer than another. */
function seenTokens(rows: readonly TopRow[], wanted: number): Tensor {
  const width = Math.max(...rows.map(({ seen, tokens }) => seen.length + tokens.length));
  const data = new Int32Array(wanted * width);
  let place = 0;
  for (const { seen, tokens, logitCount } of rows) {
    for (let position = 0; position < logitCount; position++, place++) {
      const start = place * width;
      const known = tokens.length - logitCount + position + 1;
      data.set(seen, start);
      data.set(known === tokens.length ? tokens : tokens.slice(0, known), start + seen.length);
      data.fill(tokens[known - 1]!, start + seen.length + known, start + width);
    }
  }
  return new Tensor('int32', data, [wanted, width]);
}

function flag(value: boolean): Tensor {
  return new Tensor('bool', Uint8Array.of(Number(value)), []);
}
