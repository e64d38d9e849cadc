import type { Tokenizer } from '../../src/contracts/tokenizer.ts';
import { describe, expect, test } from 'vitest';
import type { ScoredText } from '../../src/contracts/scorer.ts';
import { loadOnnxClassifier, type LocalClassifier } from '../../src/models/load-onnx-classifier.ts';
import type { TextClassifier } from '../../src/models/onnx-classifier.ts';
import { ClassifierPrmScorer, type ClassifierPrmScorerOptions } from '../../src/scoring/classifier-prm-scorer.ts';
import { OrmScorer } from '../../src/scoring/orm-scorer.ts';
import type { ManualClock } from '../../src/testing/manual-clock.ts';
import { scorerLaws, type AnyScorer, type ScorerSubject } from './scorer-laws.ts';

const FIXTURES = 'test/fixtures/reward';
const load = (name: string): Promise<LocalClassifier> => loadOnnxClassifier(`${FIXTURES}/${name}`, { localFilesOnly: true, threads: 1 });
const [prm, orm, encoder] = await Promise.all(['prm-tokens', 'orm-last', 'orm-encoder'].map(load));
const tokenizer = await prm!.loadTokenizer();
/** A token that breaks the pass it goes into. */
const [BROKEN] = tokenizer.encode('=') as [number];

const PROMPT = 'tom has 9 pens';
const finished = (text: string): ScoredText => ({ text, isFinished: true });

/** The same model, on virtual time. */
function timed(source: LocalClassifier, clock: ManualClock, onScoring: (() => void) | undefined, disposed: string[]): LocalClassifier {
  return {
    ...source,
    async load() {
      const model = await source.load();
      return {
        reads: model.reads,
        labels: model.labels,
        contextTokens: model.contextTokens,
        classify(rows) {
          onScoring?.();
          clock.advance(10);
          if (rows.some((row) => row.includes(BROKEN))) throw new Error('a broken token');
          return model.classify(rows);
        },
        dispose() {
          disposed.push('disposed');
          return model.dispose();
        },
      } satisfies TextClassifier;
    },
  };
}

function subject(source: LocalClassifier, make: (model: LocalClassifier, onError?: ClassifierPrmScorerOptions['onError']) => AnyScorer): ScorerSubject {
  return {
    open: (clock, onError, onScoring) => make(timed(source, clock, onScoring, []), onError),
    prompt: PROMPT,
    texts: ['7*12\n84', '7*12\n85', '3', '1\n2\n3', '4*4\n12'].map(finished),
    broken: finished('7*12=84'),
  };
}

const SUBJECTS: Readonly<Record<string, ScorerSubject>> = {
  ClassifierPrmScorer: subject(prm!, (model, onError) => new ClassifierPrmScorer({ model, separator: '\n', maxRows: 2, ...(onError && { onError }) })),
  'OrmScorer over a causal model': subject(orm!, (model, onError) => new OrmScorer({ model, maxRows: 2, ...(onError && { onError }) })),
  'OrmScorer over an encoder': subject(encoder!, (model, onError) => new OrmScorer({ model, maxRows: 2, ...(onError && { onError }) })),
};

for (const [name, scorer] of Object.entries(SUBJECTS)) {
  describe(name, () => {
    for (const law of scorerLaws) test(law.name, () => law.check(scorer));
  });
}

async function probabilitiesAt(tokens: readonly number[], places: readonly number[], label: number): Promise<number[]> {
  const model = await prm!.load();
  const [logits] = await model.classify([tokens]);
  await model.dispose();
  return places.map((place) => 1 / (1 + Math.exp(logits![2 * place + 1 - label]! - logits![2 * place + label]!)));
}

describe('ClassifierPrmScorer', () => {
  test('gives each complete step the probability of the good label at its marker', async () => {
    const scorer = new ClassifierPrmScorer({ model: prm!, separator: '\n' });
    const tokens = tokenizer.encodePrompt([
      { role: 'user', content: PROMPT },
      { role: 'assistant', content: '7*12<extra_0>84<extra_0>' },
    ]);
    const marker = tokenizer.encode('<extra_0>')[0]!;
    const places = tokens.flatMap((token, place) => (token === marker ? [place] : []));
    expect(places).toHaveLength(2);
    const expected = await probabilitiesAt(tokens, places, 1);
    const [whole, cut, none] = await scorer.score(PROMPT, [finished('7*12\n84'), { text: '7*12\n8', isFinished: false }, { text: '7', isFinished: false }]);
    for (const [step, score] of whole!.entries()) expect(score).toBeCloseTo(expected[step]!, 5);
    expect(cut).toEqual([expect.closeTo(expected[0]!, 5)]);
    expect(none).toEqual([]);
    await scorer.dispose();
  });

  test('reads another label, begins with a system turn and takes markers out of steps where it is told to', async () => {
    const scorer = new ClassifierPrmScorer({ model: prm!, separator: '\n', good: 0, system: 'be good' });
    const tokens = tokenizer.encodePrompt([
      { role: 'system', content: 'be good' },
      { role: 'user', content: PROMPT },
      { role: 'assistant', content: '7*12<extra_0>' },
    ]);
    const [expected] = await probabilitiesAt(tokens, [tokens.length - 1], 0);
    const [scores] = await scorer.score(PROMPT, [finished('7*<extra_0>12')]);
    expect(scores).toEqual([expect.closeTo(expected!, 5)]);
    await scorer.dispose();
  });

  test('takes a prompt of plain text as it is', async () => {
    const scorer = new ClassifierPrmScorer({ model: prm!, separator: '\n', system: 'unused' });
    const tokens = tokenizer.encodePrompt({ text: `${PROMPT}\n7<extra_0>` });
    const [expected] = await probabilitiesAt(tokens, [tokens.length - 1], 1);
    expect(await scorer.score({ text: `${PROMPT}\n` }, [finished('7')])).toEqual([[expect.closeTo(expected!, 5)]]);
    await scorer.dispose();
  });

  test('tells why a text that is too long, a marker that is no token or a label that is not there gives no score', async () => {
    const reasons: string[] = [];
    const onError = (error: unknown): number => reasons.push(String(error));
    const score = async (options: Partial<ClassifierPrmScorerOptions>, text: string): Promise<void> => {
      const scorer = new ClassifierPrmScorer({ model: prm!, separator: '\n', onError, ...options });
      expect(await scorer.score(PROMPT, [finished(text)])).toEqual([undefined]);
      await scorer.dispose();
    };
    await score({}, '1 '.repeat(200));
    await score({ good: 2 }, '1');
    // A tokenizer that joins the marker to what stands before it.
    const joining: Tokenizer = {
      vocabularySize: tokenizer.vocabularySize,
      fingerprint: tokenizer.fingerprint,
      encode: () => [9999],
      decode: (tokens) => tokenizer.decode(tokens),
      encodePrompt: (prompt) => tokenizer.encodePrompt(prompt),
    };
    await score({ model: { ...prm!, loadTokenizer: async () => joining } }, '1');
    expect(reasons).toEqual([expect.stringContaining('holds 128'), expect.stringContaining('2 labels'), expect.stringContaining('not one token')]);
  });

  test('refuses a model that gives labels to whole texts, and options that make no sense', async () => {
    const scorer = new ClassifierPrmScorer({ model: orm! });
    await expect(scorer.score(PROMPT, [finished('1')])).rejects.toMatchObject({ code: 'LTTS_MODEL_LOAD' });
    await scorer.dispose();
    for (const options of [{ marker: '' }, { separator: '' }, { good: -1 }, { maxRows: 0 }]) {
      expect(() => new ClassifierPrmScorer({ model: prm!, ...options })).toThrow(Object.keys(options)[0]!);
    }
  });
});

describe('OrmScorer', () => {
  test('gives the reward at the end of the answer, through the logistic function or raw', async () => {
    const model = await orm!.load();
    const tokens = tokenizer.encodePrompt([
      { role: 'user', content: PROMPT },
      { role: 'assistant', content: '7*12\n84\n' },
    ]);
    const [[reward]] = (await model.classify([tokens])) as [Float32Array];
    await model.dispose();
    const [logistic, raw] = [new OrmScorer({ model: orm!, ending: '\n' }), new OrmScorer({ model: orm!, ending: '\n', scale: 'raw' })];
    expect(await raw.score(PROMPT, [finished('7*12\n84')])).toEqual([expect.closeTo(reward!, 5)]);
    expect(await logistic.score(PROMPT, [finished('7*12\n84')])).toEqual([expect.closeTo(1 / (1 + Math.exp(-reward!)), 5)]);
    await Promise.all([logistic.dispose(), raw.dispose()]);
  });

  test('gives the probability of the good one of several labels', async () => {
    const model: LocalClassifier = {
      ...orm!,
      load: async () => ({
        reads: 'text',
        labels: 3,
        contextTokens: 99,
        classify: async (rows) => rows.map(() => Float32Array.of(0, Math.log(3), 0)),
        dispose: async () => undefined,
      }),
    };
    const [good, bad] = [new OrmScorer({ model }), new OrmScorer({ model, good: 0 })];
    expect(await good.score(PROMPT, [finished('1')])).toEqual([expect.closeTo(0.6, 6)]);
    expect(await bad.score(PROMPT, [finished('1')])).toEqual([expect.closeTo(0.2, 6)]);
    expect(await new OrmScorer({ model, good: 3 }).score(PROMPT, [finished('1')])).toEqual([undefined]);
  });

  test('has no score where the model gives what is no number', async () => {
    const model: LocalClassifier = {
      ...orm!,
      load: async () => ({
        reads: 'text',
        labels: 1,
        contextTokens: 99,
        classify: async (rows) => rows.map((_, row) => Float32Array.of(row === 0 && rows.length === 1 ? NaN : 1)),
        dispose: async () => undefined,
      }),
    };
    expect(await new OrmScorer({ model }).score(PROMPT, [finished('1')])).toEqual([undefined]);
  });

  test('refuses a model that gives labels to tokens, and an unknown scale', async () => {
    const scorer = new OrmScorer({ model: prm! });
    await expect(scorer.score(PROMPT, [finished('1')])).rejects.toMatchObject({ code: 'LTTS_MODEL_LOAD' });
    await scorer.dispose();
    expect(() => new OrmScorer({ model: orm!, scale: 'log' as 'raw' })).toThrow('`scale`');
  });
});
