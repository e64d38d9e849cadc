/** 4-bit products without a level of accuracy get one where that changes no token of a probe text. */
import { describe, expect, test } from 'vitest';
import { ModelLoadError } from '../../src/errors.ts';
import { DEFAULT_SAMPLING } from '../../src/maths/sampling.ts';
import { firstDisagreement, withAccuracyLevel, writeProbe } from '../../src/models/accuracy-level.ts';
import { OnnxModelFile } from '../../src/models/onnx-graph.ts';
import { openGraph } from '../../src/models/open-graph.ts';
import { loadHubModel } from '../../src/models/load-onnx-model.ts';
import type { TokenModel } from '../../src/contracts/token-model.ts';
import { encodeRandomGqaGraph } from './random-gqa-graph.ts';
import { memoryRuntime } from '../support/node-graphs.ts';

const graphOf = (vocabularySize: number, hasInt4Head = true) => encodeRandomGqaGraph({ vocabularySize, contextTokens: 128, hasInt4Head });

function open(file: Uint8Array, accuracyLevel?: number): Promise<TokenModel> {
  const facts = { source: 'random', contextTokens: 128, endTokens: new Set<number>(), sampling: DEFAULT_SAMPLING };
  return openGraph(memoryRuntime, { file, options: { logSeverityLevel: 4, intraOpNumThreads: 1 } }, facts, accuracyLevel);
}

async function logitsOf(model: TokenModel): Promise<Float32Array> {
  const logits = (await model.forward([{ sequence: model.openSequence(), tokens: [3, 1, 4, 1, 5], logitCount: 1 }])).slice();
  await model.dispose();
  return logits;
}

describe('the level of accuracy', () => {
  test('is set where there is none, and nowhere else', () => {
    const levelled = withAccuracyLevel(graphOf(40), 4)!;
    const levels = new OnnxModelFile(levelled).nodes.filter(({ operator }) => operator === 'MatMulNBits').map((node) => node.integer('accuracy_level'));
    expect(levels).toEqual([4]);
    expect(withAccuracyLevel(levelled, 1)).toBeUndefined();
    expect(withAccuracyLevel(graphOf(40, false), 4)).toBeUndefined();
  });

  test('changes how activations meet the weights', async () => {
    const graph = graphOf(40);
    const [plain, levelled] = [await logitsOf(await open(graph)), await logitsOf(await open(graph, 4))];
    expect(levelled).not.toEqual(plain);
    for (const [token, logit] of levelled.entries()) expect(Math.abs(logit - plain[token]!)).toBeLessThan(0.1);
  });

  test('is refused where the model then writes another text', async () => {
    // Of so many tokens some are always nearly as likely as the likeliest.
    const refused = open(graphOf(100_000), 4);
    await expect(refused).rejects.toThrow(ModelLoadError);
    await expect(refused).rejects.toThrow(/`accuracyLevel: 4`.*only the first \d+ of 32 tokens.*Leave the option out/);
  });

  test('makes no difference to a graph without such products', async () => {
    const graph = graphOf(40, false);
    expect(await logitsOf(await open(graph, 4))).toEqual(await logitsOf(await open(graph)));
  });

  test.each([0, 5, 1.5, '4'])('%s is refused', async (accuracyLevel) => {
    await expect(loadHubModel('test/models/hub', { accuracyLevel: accuracyLevel as 4 }, {})).rejects.toThrow(/`accuracyLevel`/);
  });
});

test('a probe is the same text for the same model, and another model disagrees with it', async () => {
  const [model, other] = [await open(graphOf(300)), await open(graphOf(300, false))];
  const probe = await writeProbe(model);
  expect(probe.tokens).toHaveLength(probe.given + 32);
  expect(await firstDisagreement(model, probe)).toBeUndefined();
  expect(await firstDisagreement(other, probe)).toBeGreaterThanOrEqual(probe.given);
  await Promise.all([model.dispose(), other.dispose()]);
});
