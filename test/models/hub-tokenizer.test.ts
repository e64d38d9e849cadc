import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../src/errors.ts';
import { HubTokenizer } from '../../src/models/hub-tokenizer.ts';
import { generateProblems, TIERS } from '../../src/problems/generate-problems.ts';

const QUESTION = 'Mia has 34 apples. How many apples does Mia have now?';
let files: { tokenizer: object; config: object };
let tokenizer: HubTokenizer;
/** Id of a special token. */
let idOf: (token: string) => number;

beforeAll(async () => {
  const read = async (name: string): Promise<object> => JSON.parse(await readFile(`models/tokenizer/${name}`, 'utf8')) as object;
  files = { tokenizer: await read('tokenizer.json'), config: await read('tokenizer_config.json') };
  tokenizer = await HubTokenizer.fromFiles(files);
  idOf = (token) => {
    const ids = tokenizer.encode(token);
    expect(ids).toHaveLength(1);
    return ids[0]!;
  };
});

describe('text', () => {
  test('worked solutions come back as they were, without unknown tokens', () => {
    const unknown = idOf('<unk>');
    for (const tier of TIERS) {
      for (const { solution } of generateProblems({ seed: 3, tier, count: 40, split: 'test' })) {
        const tokens = tokenizer.encode(solution);
        expect(tokenizer.decode(tokens)).toBe(solution);
        expect(tokens).not.toContain(unknown);
      }
    }
  });

  test('a text may be decoded in pieces', () => {
    for (const { solution } of generateProblems({ seed: 4, tier: 5, count: 10, split: 'test' })) {
      const tokens = tokenizer.encode(solution);
      expect(tokens.map((token) => tokenizer.decode([token])).join('')).toBe(solution);
    }
  });

  test('digits are tokens of their own, so that no number is one', () => {
    expect(tokenizer.encode('238')).toHaveLength(3);
    expect(tokenizer.encode('7*12=84')).toHaveLength(7);
  });

  test('no special tokens are put around a text, and none come out of one', () => {
    const [begin, end] = [idOf('<s>'), idOf('</s>')];
    const tokens = tokenizer.encode('7*12=84');
    expect(tokens).not.toContain(begin);
    expect(tokenizer.decode([begin, ...tokens, end])).toBe('7*12=84');
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode([end])).toBe('');
    expect(tokenizer.encode('')).toEqual([]);
  });

  test('every id is below the vocabulary size, and each is some token', () => {
    const tokens = Array.from({ length: tokenizer.vocabularySize }, (_, token) => token);
    expect(tokenizer.vocabularySize).toBeGreaterThan(100);
    expect(tokenizer.decode(tokens).length).toBeGreaterThan(tokenizer.vocabularySize);
    for (const token of tokenizer.encode(QUESTION)) expect(token).toBeLessThan(tokenizer.vocabularySize);
  });

  test('tokenizers over the same vocabulary have one fingerprint, others another', async () => {
    const twin = await HubTokenizer.fromFiles(files);
    expect(twin.fingerprint).toBe(tokenizer.fingerprint);
    const changed = structuredClone(files) as { tokenizer: { model: { vocab: Record<string, number> } }; config: object };
    const { vocab } = changed.tokenizer.model;
    [vocab['+'], vocab['-']] = [vocab['-']!, vocab['+']!];
    expect((await HubTokenizer.fromFiles(changed)).fingerprint).not.toBe(tokenizer.fingerprint);
  });
});

describe('prompts', () => {
  const ids = (text: string): number[] => tokenizer.encode(text);

  test('a string is one turn of the user, ready to be answered', () => {
    const expected = [idOf('<s>'), idOf('<|user|>'), ...ids(` ${QUESTION}`), idOf('<|assistant|>')];
    expect(tokenizer.encodePrompt(QUESTION)).toEqual(expected);
    expect(tokenizer.encodePrompt([{ role: 'user', content: QUESTION }])).toEqual(expected);
  });

  test('a conversation goes through the chat template turn by turn', () => {
    const prompt = tokenizer.encodePrompt([
      { role: 'user', content: 'How many pens?' },
      { role: 'assistant', content: '#### 7' },
      { role: 'user', content: QUESTION },
    ]);
    expect(prompt).toEqual([
      ...[idOf('<s>'), idOf('<|user|>'), ...ids(' How many pens?'), idOf('<|assistant|>'), ...ids('#### 7'), idOf('</s>')],
      ...[idOf('<|user|>'), ...ids(` ${QUESTION}`), idOf('<|assistant|>')],
    ]);
  });

  test('a last message of the assistant is continued, not answered', () => {
    const begun = tokenizer.encodePrompt([
      { role: 'user', content: QUESTION },
      { role: 'assistant', content: '34+7=41\n' },
    ]);
    expect(begun).toEqual([...tokenizer.encodePrompt(QUESTION), ...ids('34+7=41\n')]);
  });

  test('a conversation can be the beginning of an answer alone', () => {
    expect(tokenizer.encodePrompt([{ role: 'assistant', content: '#### 7' }])).toEqual([idOf('<s>'), idOf('<|assistant|>'), ...ids('#### 7')]);
  });

  test('plain text is taken as it is, special tokens in it included', () => {
    expect(tokenizer.encodePrompt({ text: '7*12=' })).toEqual(ids('7*12='));
    expect(tokenizer.encodePrompt({ text: `<s><|user|> ${QUESTION}<|assistant|>` })).toEqual(tokenizer.encodePrompt(QUESTION));
  });

  test('no message at all is refused', () => {
    expect(() => tokenizer.encodePrompt([])).toThrow(InvalidOptionError);
  });

  test('fields that messages carry beside role and content do not disturb', () => {
    const message = { role: 'user', content: QUESTION, id: 7 } as const;
    expect(tokenizer.encodePrompt([message])).toEqual(tokenizer.encodePrompt(QUESTION));
  });
});
