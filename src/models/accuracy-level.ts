/**
 * `accuracy_level` of `MatMulNBits`: in which type activations meet 4-bit weights. Exporters often leave it out, and ONNX Runtime then
 * computes in the type of the activations, which is much slower on processors than int8 (level 4).
 *
 * @module
 */
import type { TokenModel } from '../contracts/token-model.ts';
import { argmax } from '../maths/sampling.ts';
import { OnnxModelFile } from './onnx-graph.ts';

const OPERATOR = 'MatMulNBits';
const ATTRIBUTE = 'accuracy_level';
const START_TOKENS = 8;
const NEXT_TOKENS = 32;
/** A prime, so that the beginning visits the vocabulary before it repeats itself. */
const STRIDE = 7919;

/** The graph with the level set wherever none is; `undefined` where there is no such product. */
export function withAccuracyLevel(bytes: Uint8Array, level: number): Uint8Array<ArrayBuffer> | undefined {
  const file = new OnnxModelFile(bytes);
  const open = file.nodes.filter((node) => node.operator === OPERATOR && (node.integer(ATTRIBUTE) ?? 0) === 0);
  for (const node of open) node.setInteger(ATTRIBUTE, level);
  return open.length > 0 ? file.encode() : undefined;
}

/** A text that a model has written, and how much of it was given. */
export interface ProbeText {
  readonly tokens: readonly number[];
  readonly given: number;
}

/** What the model finds likeliest after a fixed beginning, token by token. */
export async function writeProbe(model: TokenModel): Promise<ProbeText> {
  const given = Math.max(1, Math.min(START_TOKENS, Math.floor(model.contextTokens / 2)));
  const tokens = Array.from({ length: given }, (_, index) => (index * STRIDE) % model.vocabularySize);
  const most = Math.min(model.contextTokens, given + NEXT_TOKENS);
  const sequence = model.openSequence();
  try {
    while (tokens.length < most) tokens.push(argmax(await model.forward([{ sequence, tokens: tokens.slice(sequence.length), logitCount: 1 }])));
    return { tokens, given };
  } finally {
    sequence.dispose();
  }
}

/** Place of the first token that another model finds likelier; `undefined` where it agrees with all. */
export async function firstDisagreement(model: TokenModel, { tokens, given }: ProbeText): Promise<number | undefined> {
  const sequence = model.openSequence();
  try {
    for (let place = given; place < tokens.length; place++) {
      const logits = await model.forward([{ sequence, tokens: tokens.slice(sequence.length, place), logitCount: 1 }]);
      if (argmax(logits) !== tokens[place]) return place;
    }
    return undefined;
  } finally {
    sequence.dispose();
  }
}
