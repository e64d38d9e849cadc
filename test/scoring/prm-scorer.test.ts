import { assert as property, array, constantFrom, integer, asyncProperty as forAll } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { logSumExp } from '../../src/maths/sampling.ts';
import { bundledModels } from '../../src/node/bundled-models.ts';
import { PrmScorer } from '../../src/scoring/prm-scorer.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { ALPHABET, countedSubject, CountingModel, countingModel, cut, END, finished, PROMPT, storyLogits, tokenizer } from './counting-model.ts';
import { scorerLaws } from './scorer-laws.ts';

function open(model = countingModel(), options: Partial<ConstructorParameters<typeof PrmScorer>[0]> = {}): PrmScorer {
  return new PrmScorer({ model: localModelOf(model, tokenizer), ...options });
}

/** The score of every step, token by token. */
function scoresFromScratch(text: string, isFinished: boolean): number[] {
  const tokens = [...tokenizer.encode(text), ...(isFinished ? [END] : [])];
  const prompt = tokenizer.encode(PROMPT.text);
  const scores: number[] = [];
  let logprob = 0;
  for (const [index, token] of tokens.entries()) {
    const logits = Float32Array.from(storyLogits([...prompt, ...tokens.slice(0, index)]));
    logprob += logits[token]! - logSumExp(logits);
    if (token === END || token === ALPHABET.indexOf('\n')) scores.push(Math.exp(logprob));
  }
  return scores;
}

const subject = countedSubject((model, _, onError) => open(model, { maxRows: 2, ...(onError && { onError }) }));

describe('PrmScorer', () => {
  for (const law of scorerLaws) test(law.name, () => law.check(subject));

  test('gives each complete step the probability of the text up to its end', async () => {
    const scorer = open();
    const texts = [finished('a 1\nb 2'), cut('a 1\nb'), cut(''), finished('')];
    const scores = await scorer.score(PROMPT, texts);
    for (const [index, { text, isFinished }] of texts.entries()) {
      const expected = scoresFromScratch(text, isFinished);
      expect(scores[index]).toHaveLength(expected.length);
      for (const [step, score] of scores[index]!.entries()) expect(score).toBeCloseTo(expected[step]!, 6);
    }
    expect(scores.map((steps) => steps!.length)).toEqual([2, 1, 0, 1]);
    await scorer.dispose();
  });

  test('scores any growing, branching texts as from scratch, in any order of calls', async () => {
    const piece = array(constantFrom(...'ab1\n'), { minLength: 0, maxLength: 4 }).map((parts) => parts.join(''));
    await property(
      forAll(array(array(piece, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 }), integer({ min: 1, max: 6 }), async (calls, cachedTexts) => {
        const model = countingModel();
        const scorer = open(model, { maxRows: 2, cachedTexts });
        const known: string[] = [''];
        for (const [turn, pieces] of calls.entries()) {
          const texts = pieces.map((text, index) => cut(known[(index + turn) % known.length]! + text));
          known.push(...texts.map(({ text }) => text));
          const scores = await scorer.score(PROMPT, texts);
          for (const [index, { text }] of texts.entries()) {
            const expected = scoresFromScratch(text, false);
            expect(scores[index]).toHaveLength(expected.length);
            for (const [step, score] of scores[index]!.entries()) expect(score).toBeCloseTo(expected[step]!, 6);
          }
          expect(model.openSequences).toBeLessThanOrEqual(cachedTexts);
        }
        await scorer.dispose();
        expect(model.openSequences).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test('feeds only what is new of a text that goes on, and nothing of one that is known', async () => {
    const model = countingModel();
    const scorer = open(model);
    await scorer.score(PROMPT, [cut('a 1\n'), cut('b 1\n')]);
    const first = model.fed;
    expect(first).toBe(3 + 2 * 4);
    await scorer.score(PROMPT, [cut('a 1\nb 2\n'), cut('a 1\nc 2\n'), cut('b 1\n')]);
    // The last token before the new ones goes in with them: four new ones need four rows of logits.
    expect(model.fed - first).toBe(2 * 4);
    const second = model.fed;
    await scorer.score(PROMPT, [cut('a 1\nb 2\n'), cut('b 1\n')]);
    expect(model.fed).toBe(second);
    await scorer.dispose();
  });

  test('reads long texts in passes that hold few logits', async () => {
    const model = countingModel();
    const scorer = open(model);
    const text = 'ab 1\n'.repeat(30);
    const [scores] = await scorer.score(PROMPT, [cut(text)]);
    expect(scores!.at(-1)).toBeCloseTo(scoresFromScratch(text, false).at(-1)!, 6);
    expect(model.forwards).toHaveLength(Math.ceil(text.length / 64));
    await scorer.dispose();
  });

  test('lets a short call in between the batches of a long one', async () => {
    const scorer = open(countingModel(), { maxRows: 1 });
    const order: string[] = [];
    const texts = Array.from({ length: 9 }, (_, index) => cut(`a ${index}\n`.replace(/[4-9]/, 'b')));
    const long = scorer.score(PROMPT, [...texts, cut('c\n'), cut('d\n'), cut('cd\n')]).then(() => order.push('long'));
    const short = scorer.score({ text: 'cd' }, [cut('a\n')]).then(() => order.push('short'));
    await Promise.all([long, short]);
    expect(order).toEqual(['short', 'long']);
    await scorer.dispose();
  });

  test('takes as many texts at once as are likely to fit before the deadline', async () => {
    const clock = new ManualClock();
    const model = new CountingModel({
      vocabularySize: END + 1,
      endTokens: [END],
      logits: storyLogits,
      clock,
      stepMs: (rows) => 10 * rows.reduce((sum, { logitCount }) => sum + Math.sign(logitCount), 0),
    });
    const scorer = open(model, { maxRows: 4 });
    const texts = ['a', 'b', 'c', 'd', 'aa', 'bb'].map((text) => finished(text));
    await scorer.score(PROMPT, texts.slice(0, 1), { clock });
    await scorer.score(PROMPT, texts.slice(0, 4), { clock });
    const startedAt = clock.now();
    const scores = await scorer.score({ text: 'b' }, texts, { clock, deadlineAt: startedAt + 55 });
    expect(scores.map((score) => score !== undefined)).toEqual([true, true, true, true, true, false]);
    expect(clock.now() - startedAt).toBeLessThanOrEqual(55);
    await scorer.dispose();
  });

  test('tries again after a slow start has made it seem that there is never time', async () => {
    const clock = new ManualClock();
    let stepMs = 1000;
    const model = new CountingModel({ vocabularySize: END + 1, endTokens: [END], logits: storyLogits, clock, stepMs: () => stepMs });
    const scorer = open(model);
    await scorer.score(PROMPT, [finished('a')], { clock });
    stepMs = 1;
    let tries = 0;
    while ((await scorer.score(PROMPT, [finished('b')], { clock, deadlineAt: clock.now() + 50 }))[0] === undefined) expect(++tries).toBeLessThan(60);
    expect(tries).toBeGreaterThan(0);
    await scorer.dispose();
  });

  test('refuses a prompt that the model cannot hold', async () => {
    const scorer = open();
    await expect(scorer.score({ text: 'a'.repeat(201) }, [cut('a')])).rejects.toMatchObject({ code: 'LTTS_CONTEXT_LENGTH' });
    await expect(scorer.score({ text: '' }, [cut('a')])).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION' });
    await scorer.dispose();
  });

  test('tells why a text that is too long has no score', async () => {
    const errors: unknown[] = [];
    const scorer = open(countingModel(), { onError: (error) => errors.push(error) });
    expect(await scorer.score(PROMPT, [cut('a'.repeat(300)), finished('a')])).toEqual([undefined, [expect.any(Number)]]);
    expect(errors).toEqual([expect.objectContaining({ code: 'LTTS_CONTEXT_LENGTH' })]);
    await scorer.dispose();
  });

  test('loads again after loading has failed', async () => {
    const source = localModelOf(countingModel(), tokenizer);
    let loads = 0;
    const scorer = new PrmScorer({
      model: {
        ...source,
        load: () => (++loads === 1 ? Promise.reject(new Error('no file')) : source.load()),
      },
    });
    await expect(scorer.score(PROMPT, [cut('a\n')])).rejects.toThrow('no file');
    expect(await scorer.score(PROMPT, [cut('a\n')])).toEqual([[expect.any(Number)]]);
    await scorer.dispose();
  });

  test.each([{ maxRows: 0 }, { cachedTexts: 0 }])('refuses %j', (options) => {
    expect(() => open(countingModel(), options)).toThrow(Object.keys(options)[0]!);
  });
});

describe('PrmScorer with the bundled model', () => {
  const PROBLEM = 'mia has 34 apples. she buys 7 boxes with 12 apples in each. how many apples does mia have now?';
  const RIGHT = ['7*12=84\n', '34+84=118\n', '#### 118'];
  const WRONG = ['7*12=85\n', '34+85=119\n', '#### 119'];

  test('scores step by step what it scores from scratch, and right steps above wrong ones', async () => {
    const { prm } = await bundledModels();
    const [scorer, fresh] = [new PrmScorer({ model: prm }), new PrmScorer({ model: prm, cachedTexts: 1 })];
    const stories = [RIGHT, WRONG];
    for (let length = 1; length <= 3; length++) {
      const texts = stories.map((steps) => ({ text: steps.slice(0, length).join(''), isFinished: length === 3 }));
      const scores = await scorer.score(PROBLEM, texts);
      for (const [index, text] of texts.entries()) {
        // Another prompt in between takes the only place of the cache.
        await fresh.score('what is 1+1?', [{ text: '1', isFinished: false }]);
        const [expected] = await fresh.score(PROBLEM, [text]);
        expect(scores[index]).toHaveLength(length);
        for (const [step, score] of scores[index]!.entries()) expect(Math.abs(score - expected![step]!)).toBeLessThan(1e-4);
      }
      expect(scores[0]!.at(-1)).toBeGreaterThan(scores[1]!.at(-1)!);
    }
    await Promise.all([scorer.dispose(), fresh.dispose()]);
  });

  test('reads ahead what may be scored, so that a call feeds only the rest, and scores as it would have', async () => {
    const model = countingModel();
    const scorer = open(model, { readAhead: true });
    scorer.readAhead!(PROMPT, []);
    await idle();
    expect(model.fed).toBe(4);
    // A step that may still go on is left.
    scorer.readAhead!(PROMPT, ['a 1\nb', 'c']);
    await idle();
    const read = model.fed;
    expect(read).toBe(4 + 4);
    const [scores] = await scorer.score(PROMPT, [finished('a 1\nb 2')]);
    for (const [step, score] of scoresFromScratch('a 1\nb 2', true).entries()) expect(scores![step]).toBeCloseTo(score, 6);
    expect(model.fed - read).toBe(4);
    await scorer.dispose();
    expect(model.openSequences).toBe(0);
  });

  test('leaves a hint out while there is something to score, and whatever it would fail with', async () => {
    const model = countingModel();
    const scorer = open(model, { readAhead: true });
    const scoring = scorer.score(PROMPT, [cut('a 1\n')]);
    scorer.readAhead!(PROMPT, ['b 1\n']);
    await scoring;
    const fed = model.fed;
    for (const text of ['!\n', 'ab 1\n'.repeat(100)]) {
      scorer.readAhead!(PROMPT, [text]);
      await idle();
    }
    expect(await scorer.score(PROMPT, [cut('a 1\n')])).toHaveLength(1);
    expect(model.fed).toBeLessThanOrEqual(fed + 3);
    await scorer.dispose();
    scorer.readAhead!(PROMPT, ['c\n']);
    await idle();
    expect(model.openSequences).toBe(0);
  });

  test('keeps no more prompts than texts, however many runs only hint at theirs', async () => {
    const model = countingModel();
    const scorer = open(model, { readAhead: true, cachedTexts: 2 });
    for (const text of ['a', 'b', 'c', 'd', 'ab', 'cd']) {
      scorer.readAhead!({ text }, []);
      await idle();
    }
    expect(model.fed).toBeGreaterThan(6);
    expect(model.openSequences).toBe(2);
    await scorer.dispose();
  });

  test('reads nothing ahead in the calling thread unless it is asked to', () => {
    expect(open().readAhead).toBeUndefined();
    expect(open(countingModel(), { readAhead: false }).readAhead).toBeUndefined();
  });
});

/** Until nothing is left to do but what waits for something outside. */
function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
