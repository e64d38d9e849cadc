import { InferenceSession } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TokenModel, TokenSequence } from '../../src/contracts/token-model.ts';
import { forwardChoices, type ChoiceRow } from '../../src/engines/local/token-choice.ts';
import { randomAt } from '../../src/maths/random.ts';
import { DEFAULT_SAMPLING, logSumExp, type Sampling } from '../../src/maths/sampling.ts';
import { OnnxModelFile } from '../../src/models/onnx-graph.ts';
import { openTokenModel } from '../../src/models/detect-layout.ts';
import { openGraph } from '../../src/models/open-graph.ts';
import { unifyGraph } from '../../src/models/unified-graph.ts';
import { UnifiedTokenModel } from '../../src/models/unified-token-model.ts';
import { encodeRandomGqaGraph, type RandomGraphOptions } from './random-gqa-graph.ts';
import { tokenModelLaws, type TokenModelSubject } from './token-model-laws.ts';
import { memoryRuntime } from '../support/node-graphs.ts';

const CONTEXT = 192;

function open(vocabularySize: number): Promise<TokenModel> {
  const facts = { source: 'random', contextTokens: CONTEXT, endTokens: new Set<number>(), sampling: DEFAULT_SAMPLING };
  return openGraph(memoryRuntime, { file: encodeRandomGqaGraph({ vocabularySize, contextTokens: CONTEXT }), options: { logSeverityLevel: 4 } }, facts);
}

describe('a unified graph keeps the laws of token models', () => {
  const subject: TokenModelSubject = { open: () => open(300), tolerance: 2e-3, programs: 12 };
  for (const law of tokenModelLaws) test(law.name, () => law.check(subject));
});

/** A pass for each branch where passes cost nothing, and what lies between that and one for all. */
describe.each([0, 100])('with passes that cost as much as %i scores, the laws hold', (passScores) => {
  const open = async (): Promise<TokenModel> => {
    const facts = { source: 'random', contextTokens: CONTEXT, endTokens: new Set<number>(), sampling: DEFAULT_SAMPLING };
    const { bytes, shape } = unifyGraph(encodeRandomGqaGraph({ vocabularySize: 300, contextTokens: CONTEXT }), facts)!;
    return new UnifiedTokenModel(await InferenceSession.create(bytes, { logSeverityLevel: 4 }), shape, facts, passScores);
  };
  for (const law of tokenModelLaws) test(law.name, () => law.check({ open, tolerance: 2e-3, programs: 4 }));

  test('tokens chosen on the graph come in the order of the rows', async () => {
    const model = await open();
    const sequences = [5, 80, 20, 140].map(() => model.openSequence());
    const prompts = [5, 80, 20, 140].map((length, row) => Array.from({ length }, (_, index) => (7 * index + 31 * row) % 300));
    for (const [row, sequence] of sequences.entries()) await model.forward([{ sequence, tokens: prompts[row]!, logitCount: 0 }]);
    const sampling = { ...DEFAULT_SAMPLING, temperature: 0 };
    const rows = sequences.map((sequence, row) => ({
      sequence,
      tokens: [row + 1, row + 2],
      logitCount: 1 + (row % 2),
      sampling,
      seen: [],
      points: [0.5, 0.5],
    }));
    const top = await model.forwardTop!(rows, { count: 3, normalisers: true, draws: true });
    sequences.forEach((sequence, row) => sequence.truncate(prompts[row]!.length));
    const whole = await model.forward(rows);
    for (let place = 0; place < 6; place++) {
      const row = whole.subarray(300 * place, 300 * (place + 1));
      expect(top.tokens[3 * place]).toBe(row.indexOf(Math.max(...row)));
      expect(top.normalisers![place]).toBeCloseTo(logSumExp(row), 3);
    }
    await model.dispose();
  });
});

describe('a unified graph gives the logits of the graph it was made from', () => {
  const forms: readonly Partial<RandomGraphOptions>[] = [
    {},
    { isSeparate: true },
    { isInterleaved: true },
    { rotaryShare: 0.5, headWidth: 32 },
    { isHalf: true },
    { isHalf: true, isSeparate: true },
    { kvHeads: 4 },
    { kvHeads: 1 },
    { headWidth: 32, isSeparate: true, layers: 3 },
  ];
  test.each(forms)('%o', async (form) => {
    const graph = encodeRandomGqaGraph({ vocabularySize: 200, contextTokens: CONTEXT, ...form });
    const facts = { source: 'random', contextTokens: CONTEXT, endTokens: new Set<number>(), sampling: DEFAULT_SAMPLING };
    const unified = await openGraph(memoryRuntime, { file: graph, options: { logSeverityLevel: 4 } }, facts);
    const exported = await openTokenModel(await InferenceSession.create(graph, { logSeverityLevel: 4 }), facts);
    expect(unified).toBeInstanceOf(UnifiedTokenModel);
    expect(exported).not.toBeInstanceOf(UnifiedTokenModel);
    const [changed, kept] = [await logitsOfTwo(unified), await logitsOfTwo(exported)];
    const tolerance = form.isHalf ? 5e-2 : 1e-3;
    for (const [index, value] of kept.entries()) expect(Math.abs(value - changed[index]!)).toBeLessThan(tolerance);
    await Promise.all([unified.dispose(), exported.dispose()]);
  });
});

/** Logits of two texts that grow together, and of a third that goes on from the middle of the first. */
async function logitsOfTwo(model: TokenModel): Promise<number[]> {
  const [first, second] = [model.openSequence(), model.openSequence()];
  const all: number[] = [...(await model.forward([{ sequence: first, tokens: [7, 3, 99, 41, 12], logitCount: 2 }]))];
  const third = first.fork();
  third.truncate(3);
  for (const token of [5, 150, 23]) {
    const rows = [first, second, third].map((sequence, index) => ({ sequence, tokens: [token + index], logitCount: 1 }));
    all.push(...(await model.forward(rows)));
  }
  for (const sequence of [first, second, third]) sequence.dispose();
  return all;
}

describe('dynamic quantisation', () => {
  test('is about as near to the logits without it as the graph as exported', async () => {
    const facts = { source: 'random', contextTokens: CONTEXT, endTokens: new Set<number>(), sampling: DEFAULT_SAMPLING };
    const [plain, graph] = [false, true].map((isQuantised) => encodeRandomGqaGraph({ vocabularySize: 200, contextTokens: CONTEXT, isQuantised }));
    const options = { logSeverityLevel: 4 } as const;
    const models = [
      await openTokenModel(await InferenceSession.create(plain!, options), facts),
      await openTokenModel(await InferenceSession.create(graph!, options), facts),
      await openGraph(memoryRuntime, { file: graph!, options }, facts),
    ];
    const [exact, exported, byToken] = await Promise.all(models.map(logitsOfTwo));
    const error = (logits: readonly number[]): number => logits.reduce((sum, value, index) => sum + Math.abs(value - exact![index]!), 0);
    expect(error(byToken!)).toBeLessThan(1.5 * error(exported!));
    await Promise.all(models.map((model) => model.dispose()));
  });

  test('gives a token the same logits whatever else is in the pass', async () => {
    const graph = encodeRandomGqaGraph({ vocabularySize: 200, contextTokens: CONTEXT, isQuantised: true });
    const facts = { source: 'random', contextTokens: CONTEXT, endTokens: new Set<number>(), sampling: DEFAULT_SAMPLING };
    const model = await openGraph(memoryRuntime, { file: graph, options: { logSeverityLevel: 4 } }, facts);
    const sequences = Array.from({ length: 6 }, () => model.openSequence());
    for (const [index, sequence] of sequences.entries()) await model.forward([{ sequence, tokens: [3, 11 * index, 80 + index], logitCount: 0 }]);
    const row = (index: number, ...drafts: number[]) => ({ sequence: sequences[index]!, tokens: [50 + index, ...drafts], logitCount: 1 + drafts.length });
    const alone = (await model.forward([row(0)])).slice();
    sequences[0]!.truncate(3);
    const together = (await model.forward(sequences.map((_, index) => row(index)))).slice(0, 200);
    sequences[0]!.truncate(3);
    const drafted = (await model.forward([row(0, 7, 9, 190)])).slice(0, 200);
    for (const [token, logit] of alone.entries()) {
      expect(together[token]).toBeCloseTo(logit, 4);
      expect(drafted[token]).toBeCloseTo(logit, 4);
    }
    await model.dispose();
  });
});

describe('unifyGraph', () => {
  test('gives a model that finds tokens on the graph', async () => {
    const model = await open(300);
    expect(model).toBeInstanceOf(UnifiedTokenModel);
    await model.dispose();
  });

  test('leaves a graph without GroupQueryAttention alone', () => {
    const file = new OnnxModelFile(encodeRandomGqaGraph({ vocabularySize: 50, contextTokens: 32 }));
    for (const node of file.nodes) if (node.operator === 'GroupQueryAttention') node.inputs = [];
    expect(unifyGraph(file.encode(), { contextTokens: 32 })).toBeUndefined();
  });

  test('leaves a graph alone whose attention sees a window narrower than the context', () => {
    const file = new OnnxModelFile(encodeRandomGqaGraph({ vocabularySize: 50, contextTokens: 32 }));
    for (const node of file.nodes) if (node.operator === 'GroupQueryAttention') node.setInteger('local_window_size', 16);
    expect(unifyGraph(file.encode(), { contextTokens: 32 })).toBeUndefined();
    expect(unifyGraph(file.encode(), { contextTokens: 16 })).toBeDefined();
  });

  test('writes what it read where nothing is changed', () => {
    const bytes = encodeRandomGqaGraph({ vocabularySize: 50, contextTokens: 32 });
    const again = new OnnxModelFile(new OnnxModelFile(bytes).encode());
    expect(again.nodes.map(({ operator, inputs, outputs }) => [operator, inputs, outputs])).toEqual(
      new OnnxModelFile(bytes).nodes.map(({ operator, inputs, outputs }) => [operator, inputs, outputs]),
    );
    expect(again.encode().length).toBe(bytes.length);
  });
});

/** As many as a real model has. */
const VOCABULARY = 150_001;

const SAMPLINGS: readonly Partial<Sampling>[] = [
  { temperature: 0 },
  { temperature: 0, repetitionPenalty: 1.3 },
  { temperature: 1 },
  { temperature: 0.7, repetitionPenalty: 1.2 },
  { temperature: 0.7, topK: 20, topP: 0.8 },
  { temperature: 0.7, topK: 20, topP: 0.8, repetitionPenalty: 1.1 },
  { temperature: 1.2, topK: 500 },
  { temperature: 0.6, topP: 0.9 },
  { temperature: 2, topP: 0.99 },
  { temperature: 1, minP: 0.05 },
  { temperature: 1, topP: 0.9, minP: 0.01, repetitionPenalty: 0.9 },
];

describe('a vocabulary of 150,000', () => {
  let model: TokenModel;
  let prompt: TokenSequence;
  const seen = [5, 17, 99_999];

  beforeAll(async () => {
    model = await open(VOCABULARY);
    prompt = model.openSequence();
    await model.forward([{ sequence: prompt, tokens: seen, logitCount: 0 }]);
  });

  afterAll(() => model.dispose());

  const row = (sequence: TokenSequence, sampling: Partial<Sampling>, points: readonly number[], rest: Partial<ChoiceRow> = {}): ChoiceRow => ({
    sequence,
    tokens: points.map((_, index) => 1000 + index),
    logitCount: points.length,
    sampling: { ...DEFAULT_SAMPLING, ...sampling },
    seen,
    points,
    needsLogprobs: true,
    topLogprobs: 0,
    needsWholeRows: false,
    ...rest,
  });

  test('is of the kind that finds tokens on the graph', () => {
    expect(model).toBeInstanceOf(UnifiedTokenModel);
  });

  test.each(SAMPLINGS)('%o: the graph and the whole row choose the same tokens', async (sampling) => {
    const [left, right] = [prompt.fork(), prompt.fork()];
    const points = Array.from({ length: 24 }, (_, place) => randomAt(3, 0, place));
    const [onGraph] = await forwardChoices(model, [row(left, sampling, points)]);
    const found = points.map((_, place) => onGraph!.choose(place));
    const [whole] = await forwardChoices(model, [row(right, sampling, points, { needsWholeRows: true })]);
    const expected = points.map((_, place) => whole!.choose(place));
    expect(found.map(({ token }) => token)).toEqual(expected.map(({ token }) => token));
    for (const [place, { logprob }] of found.entries()) expect(logprob).toBeCloseTo(expected[place]!.logprob, 3);
    for (const sequence of [left, right]) sequence.dispose();
  });

  test('rows of one pass are sampled in their own ways', async () => {
    const sequences = SAMPLINGS.map(() => prompt.fork());
    const together = await forwardChoices(
      model,
      SAMPLINGS.map((sampling, index) => row(sequences[index]!, sampling, [0.3, 0.9])),
    );
    for (const [index, sampling] of SAMPLINGS.entries()) {
      const alone = prompt.fork();
      const [expected] = await forwardChoices(model, [row(alone, sampling, [0.3, 0.9])]);
      expect([together[index]!.choose(0).token, together[index]!.choose(1).token]).toEqual([expected!.choose(0).token, expected!.choose(1).token]);
      alone.dispose();
      sequences[index]!.dispose();
    }
  });

  test.each([{ temperature: 1 }, { temperature: 2, topK: 40, topP: 0.95 }])('%o: tokens have the distribution of the softmax', async (sampling) => {
    const sequence = prompt.fork();
    const [whole] = await forwardChoices(model, [row(sequence, sampling, [0.5], { needsWholeRows: true })]);
    whole!.choose(0);
    const { distribution } = whole!;
    const expected = new Map(Array.from(distribution.tokens.subarray(0, distribution.count), (token, index) => [token, distribution.probs[index]!]));
    sequence.dispose();
    const draws = 2000;
    const counts = new Map<number, number>();
    for (let start = 0; start < draws; start += 50) {
      const forks = Array.from({ length: 50 }, () => prompt.fork());
      const choices = await forwardChoices(
        model,
        forks.map((fork, index) => row(fork, sampling, [randomAt(9, 0, start + index)])),
      );
      for (const choice of choices) {
        const { token } = choice.choose(0);
        counts.set(token, (counts.get(token) ?? 0) + 1);
      }
      for (const fork of forks) fork.dispose();
    }
    // Tokens in classes of equal probability: where the expected count is small, many tokens together.
    const tokens = [...expected.keys()].sort((left, right) => left - right);
    let statistic = 0;
    let cells = 0;
    let [mass, found] = [0, 0];
    for (const token of tokens) {
      mass += expected.get(token)!;
      found += counts.get(token) ?? 0;
      if (mass * draws < 40) continue;
      statistic += (found - mass * draws) ** 2 / (mass * draws);
      cells++;
      [mass, found] = [0, 0];
    }
    const freedom = cells - 1;
    expect(freedom).toBeGreaterThan(3);
    // The chi-square distribution's 0.9999 quantile, by Wilson and Hilferty.
    expect(statistic).toBeLessThan(freedom * (1 - 2 / (9 * freedom) + 3.72 * Math.sqrt(2 / (9 * freedom))) ** 3);
  });

  test('tells the likeliest tokens and their log-probabilities', async () => {
    const [left, right] = [prompt.fork(), prompt.fork()];
    const [choice] = await forwardChoices(model, [row(left, { temperature: 0.7, topK: 5 }, [0.5], { topLogprobs: 12 })]);
    const logits = (await model.forward([{ sequence: right, tokens: [1000], logitCount: 1 }])).slice();
    const order = Array.from(logits.keys()).sort((one, other) => logits[other]! - logits[one]! || one - other);
    const { tokens, logprobs } = choice!.likeliest(0, 12);
    expect(tokens).toEqual(order.slice(0, 12));
    for (const [rank, logprob] of logprobs.entries()) expect(logprob).toBeCloseTo(logits[order[rank]!]! - logSumExp(logits), 3);
    for (const sequence of [left, right]) sequence.dispose();
  });
});
