import { describe, expect, test } from 'vitest';
import type { Prompt } from '../../src/contracts/prompt.ts';
import type { ScoredText } from '../../src/contracts/scorer.ts';
import type { ForwardRow } from '../../src/contracts/token-model.ts';
import type { Tokenizer } from '../../src/contracts/tokenizer.ts';
import { bundledModels } from '../../src/node/bundled-models.ts';
import { CausalPrmScorer, type CausalPrmScorerOptions } from '../../src/scoring/causal-prm-scorer.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import type { ManualClock } from '../../src/testing/manual-clock.ts';
import { ScriptedTokenModel } from '../../src/testing/scripted-token-model.ts';
import { scorerLaws, type ScorerSubject } from './scorer-laws.ts';

/** `<` opens a turn of the user, `>` one of the assistant; `ж` marks a step. */
const ALPHABET = 'abcd 0123\n+-ж<>!';
const END = ALPHABET.length;
const characters = characterTokenizer(ALPHABET);
const chat: Tokenizer = {
  ...characters,
  encodePrompt: (prompt: Prompt) => {
    if (typeof prompt !== 'string' && 'text' in prompt) return characters.encode(prompt.text);
    const turns = typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
    const text = turns.map(({ role, content }) => (role === 'user' ? '<' : '>') + content).join('');
    return characters.encode(turns.at(-1)?.role === 'user' ? `${text}>` : text);
  },
};

/** How sure the model is of the last step: the logit of the good token over that of the bad one. */
function marginOf(text: string): number {
  return Math.sin([...text].reduce((hash, character) => (Math.imul(hash, 31) + character.codePointAt(0)!) >>> 0, 7)) * 3;
}

function modelOf(options: { readonly clock?: ManualClock; readonly onPass?: () => void } = {}): ScriptedTokenModel {
  return new ScriptedTokenModel({
    vocabularySize: END + 1,
    endTokens: [END],
    contextTokens: 200,
    logits(tokens) {
      const text = characters.decode(tokens);
      if (text.includes('!')) throw new Error('a broken token');
      const logits = new Float32Array(END + 1);
      logits[ALPHABET.indexOf('+')] = 1 + marginOf(text);
      logits[ALPHABET.indexOf('-')] = 1;
      return logits;
    },
    ...(options.clock && {
      clock: options.clock,
      stepMs: (rows: readonly ForwardRow[]) => {
        if (rows.every(({ logitCount }) => logitCount === 0)) return 0;
        options.onPass?.();
        return 10;
      },
    }),
  });
}

const INLINE = { kind: 'inline', marker: 'ж' } as const;
const TURNS = { kind: 'turns' } as const;
const PROMPT = 'ab 1';
const finished = (text: string): ScoredText => ({ text, isFinished: true });
const sigmoid = (margin: number): number => 1 / (1 + Math.exp(-margin));

function open(layout: CausalPrmScorerOptions['layout'], model = modelOf(), options: Partial<CausalPrmScorerOptions> = {}): CausalPrmScorer {
  return new CausalPrmScorer({ model: localModelOf(model, chat), layout, separator: '\n', ...options });
}

let models: ScriptedTokenModel[] = [];
const subject = (layout: CausalPrmScorerOptions['layout']): ScorerSubject => ({
  open(clock, onError, onScoring) {
    const model = modelOf({ clock, ...(onScoring && { onPass: onScoring }) });
    models.push(model);
    return open(layout, model, { maxRows: 2, ...(onError && { onError }) });
  },
  prompt: PROMPT,
  // One step each, so that a batch takes one pass.
  texts: ['a 1', 'a 2', 'c', 'd', 'ab 2'].map(finished),
  broken: finished('a !'),
  requireFreed() {
    expect(models.map(({ openSequences }) => openSequences)).toEqual(models.map(() => 0));
    models = [];
  },
});

describe.each([INLINE, TURNS])('CausalPrmScorer with layout %j', (layout) => {
  for (const law of scorerLaws) test(law.name, () => law.check(subject(layout)));

  test('scores only complete steps, and feeds a text that goes on only what is new', async () => {
    const model = modelOf();
    const scorer = open(layout, model);
    const [first] = await scorer.score(PROMPT, [{ text: 'a 1\nb', isFinished: false }]);
    expect(first).toHaveLength(1);
    const before = model.forwards.length;
    const [second] = await scorer.score(PROMPT, [{ text: 'a 1\nb 2\nc', isFinished: false }]);
    expect(second).toEqual([first![0], expect.any(Number)]);
    expect(model.forwards.slice(before)).toEqual([1]);
    expect(await scorer.score(PROMPT, [{ text: '\n\n', isFinished: false }])).toEqual([[]]);
    await scorer.dispose();
  });
});

describe('CausalPrmScorer', () => {
  test('inline: reads the two tokens behind each marker', async () => {
    const scorer = open(INLINE);
    const [scores] = await scorer.score(PROMPT, [finished('a 1\n\nb 2')]);
    const expected = ['ab 1 a 1 ж', 'ab 1 a 1 ж\nb 2 ж'].map((text) => sigmoid(marginOf(text)));
    for (const [step, score] of scores!.entries()) expect(score).toBeCloseTo(expected[step]!, 6);
    expect(scores).toHaveLength(2);
    await scorer.dispose();
  });

  test('inline: takes markers out of steps, and is not misled by one in the question', async () => {
    const scorer = open(INLINE);
    const [scores] = await scorer.score('ж ab', [finished('aж 1\nb')]);
    const expected = ['ж ab a 1 ж', 'ж ab a 1 ж\nb ж'].map((text) => sigmoid(marginOf(text)));
    for (const [step, score] of scores!.entries()) expect(score).toBeCloseTo(expected[step]!, 6);
    await scorer.dispose();
  });

  test('inline: puts the question through the template where it is told to', async () => {
    const scorer = open({ ...INLINE, question: 'template', before: '', after: ' ' });
    const [scores] = await scorer.score(PROMPT, [finished('a\nb')]);
    expect(scores![1]).toBeCloseTo(sigmoid(marginOf('<ab 1>aж bж')), 6);
    await scorer.dispose();
  });

  test('turns: asks about each step in a turn of its own, earlier ones answered with the good token', async () => {
    const scorer = open(TURNS);
    const [scores] = await scorer.score(PROMPT, [finished('a\nb\nc')]);
    const expected = ['<ab 1 a>', '<ab 1 a>+<b>', '<ab 1 a>+<b>+<c>'].map((text) => sigmoid(marginOf(text)));
    for (const [step, score] of scores!.entries()) expect(score).toBeCloseTo(expected[step]!, 6);
    await scorer.dispose();
  });

  test('turns: keeps the turns before the question', async () => {
    const scorer = open(TURNS);
    const conversation = [{ role: 'user', content: 'a' } as const, { role: 'assistant', content: 'b' } as const, { role: 'user', content: 'c' } as const];
    const [scores] = await scorer.score(conversation, [finished('d')]);
    expect(scores![0]).toBeCloseTo(sigmoid(marginOf('<a>b<c d>')), 6);
    await scorer.dispose();
  });

  test('turns: a template that rewrites earlier turns fails the text, with the reason', async () => {
    const errors: unknown[] = [];
    const forgetful: Tokenizer = { ...chat, encodePrompt: (prompt) => chat.encodePrompt(Array.isArray(prompt) ? prompt.slice(-1) : prompt) };
    const scorer = new CausalPrmScorer({
      model: localModelOf(modelOf(), forgetful),
      layout: TURNS,
      separator: '\n',
      onError: (error) => errors.push(error),
    });
    expect(await scorer.score(PROMPT, [finished('a\nb')])).toEqual([undefined]);
    expect(String(errors)).toContain('rewrites earlier turns');
    await scorer.dispose();
  });

  test('reads other tokens than + and - where it is told to', async () => {
    const scorer = open(INLINE, modelOf(), { good: '-', bad: '+' });
    const [scores] = await scorer.score(PROMPT, [finished('a')]);
    expect(scores![0]).toBeCloseTo(1 - sigmoid(marginOf('ab 1 a ж')), 6);
    await scorer.dispose();
  });

  test('runs one pass a step for all texts together', async () => {
    const model = modelOf();
    const scorer = open(INLINE, model);
    await scorer.score(PROMPT, ['a\nb\nc', 'b\nc\nd', 'c\nd'].map(finished));
    expect(model.forwards).toEqual([1, 3, 3, 2]);
    await scorer.dispose();
  });

  test('refuses layouts and tokens that make no sense', async () => {
    expect(() => open({ kind: 'inline', marker: '' })).toThrow('`layout.marker`');
    expect(() => open({ kind: 'other' } as never)).toThrow('`layout.kind`');
    expect(() => open(TURNS, modelOf(), { separator: '' })).toThrow('`separator`');
    await expect(open(TURNS, modelOf(), { good: '+', bad: '+' }).score(PROMPT, [finished('a')])).rejects.toMatchObject({ code: 'LTTS_MODEL_LOAD' });
  });
});

describe.each([TURNS, { ...INLINE, marker: '=', question: 'template' } as const])('CausalPrmScorer over a model of the file system, layout %j', (layout) => {
  test('scores step by step what it scores from scratch', async () => {
    const { target } = await bundledModels();
    const options = { model: target, layout, separator: '\n' };
    const [scorer, fresh] = [new CausalPrmScorer(options), new CausalPrmScorer({ ...options, cachedTexts: 1, maxRows: 1 })];
    const stories = ['7*12\n34+84\n118', '7*12\n34+85\n119', '7+12\n9'].map((text) => text.split('\n'));
    for (let length = 1; length <= 3; length++) {
      const texts = stories.map((steps) => finished(steps.slice(0, length).join('\n')));
      const scores = await scorer.score('how many apples does mia have?', texts);
      for (const [index, text] of texts.entries()) {
        const [expected] = await fresh.score('how many apples does mia have?', [text]);
        expect(scores[index]).toHaveLength(text.text.split('\n').length);
        for (const [step, score] of scores[index]!.entries()) expect(Math.abs(score - expected![step]!)).toBeLessThan(1e-4);
        // Another prompt takes the only place of the cache.
        await fresh.score('what is 1?', [finished('1')]);
      }
    }
    await Promise.all([scorer.dispose(), fresh.dispose()]);
  });
});
