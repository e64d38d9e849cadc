import { describe, expect, test } from 'vitest';
import type { StrategyRequest } from '../../src/contracts/strategy.ts';
import { NoCandidateError } from '../../src/errors.ts';
import { LlmSelector, type LlmSelectorOptions } from '../../src/strategies/llm-selector.ts';
import { scripted, vote, type Script } from './scripted-strategy.ts';
import { openThinker } from './thinker.ts';

/** Has a model that replies so choose among the candidates. */
async function select(reply: string | Error, source: Script | Error, options: LlmSelectorOptions = {}, fields: Partial<StrategyRequest> = {}) {
  const asked: string[] = [];
  const requests: StrategyRequest[] = [];
  const { engine, clock, model } = await openThinker((text, prompt) => {
    if (reply instanceof Error) throw reply;
    const said = text.split('nothing else.').at(-1)!;
    if (said === '') asked.push(`${prompt}?${text}`);
    return reply.slice(said.length);
  });
  const strategy = new LlmSelector({ source: scripted(source, requests), maxTokens: 200, ...options });
  const result = await strategy.run({ engine, clock, prompt: 'which one?', ...fields });
  expect(model.openSequences).toBe(0);
  return { result, asked, requests };
}

describe('the choice', () => {
  test('is the model’s, against the majority', async () => {
    const { result, asked } = await select('The most consistent response is Response 2', vote('7', '7', '8'));
    expect(result).toMatchObject({ answer: '8', text: 'wrote 8', selectedBy: 'model', confidence: 1 / 3 });
    expect(result.reply).toBe('The most consistent response is Response 2');
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('which one?\n\nI have the following responses');
    expect(asked[0]).toContain('Response 1:\nwrote 7\n\nResponse 2:\nwrote 8\n\n');
  });

  test('shows equal candidates once and counts the places as shown', async () => {
    const { result } = await select('Response 2', vote('7', '7', '7', '8'));
    expect(result).toMatchObject({ answer: '8', selectedBy: 'model', confidence: 0.25 });
  });

  test.each([
    ['Response 1 and Response 2 agree. The most consistent response is response #1.', '7'],
    ['**Response: 2**', '8'],
    ['2', '8'],
    ['I would take number 1', '7'],
  ])('is read from %j', async (reply, answer) => {
    expect((await select(reply, vote('7', '8'))).result).toMatchObject({ answer, selectedBy: 'model' });
  });

  test.each(['none of them', 'Response 3', 'Response 0', 'Response 12345678901234567890', ''])('is the vote’s where the reply is %j', async (reply) => {
    const { result } = await select(reply, vote('7', '8', '8'));
    expect(result).toMatchObject({ answer: '8', selectedBy: 'vote', voteReason: 'unreadable', confidence: 2 / 3 });
  });

  test('may be asked for and read in one’s own way', async () => {
    const question = (_: unknown, candidates: readonly string[]) => `${candidates.join(' or ')}? nothing else.`;
    const { result, asked } = await select('b', vote('7', '8'), { question, parse: (reply) => 'ab'.indexOf(reply) });
    expect(asked).toEqual(['wrote 7 or wrote 8? nothing else.']);
    expect(result.answer).toBe('8');
  });

  test('is of texts where nothing has an answer', async () => {
    const { result } = await select('Response 1', { answers: [undefined, undefined], confidence: 0 });
    // Two equal texts are one candidate, and there is no vote: the source's own choice stands.
    expect(result).toMatchObject({ text: 'chose undefined', answer: undefined, selectedBy: 'vote', confidence: 0 });
  });

  test('is not asked for where the candidates agree', async () => {
    const { result, asked } = await select('Response 1', { ...vote('7', '7.0'), confidence: 1 }, { isSame: (left, right) => Number(left) === Number(right) });
    expect(asked).toEqual([]);
    expect(result).toMatchObject({ answer: '7', voteReason: 'agreed', confidence: 1 });
  });
});

describe('time', () => {
  test('is kept free for the choice', async () => {
    const { requests } = await select('Response 1', vote('7', '8'), { selectShare: 0.4 }, { deadlineMs: 1000 });
    expect(requests[0]!.deadlineMs).toBe(600);
  });

  test('that is up leaves the choice to the vote', async () => {
    const { result, asked } = await select('Response 1', { ...vote('7', '8', '8'), tookMs: 1000 }, {}, { deadlineMs: 1000 });
    expect(asked).toEqual([]);
    expect(result).toMatchObject({ answer: '8', voteReason: 'deadline', stopReason: 'deadline' });
  });

  test('that is up while the choice is made does so as well', async () => {
    for (const deadlineMs of [15, 60]) {
      const { result } = await select('The most consistent response is Response 1', vote('7', '8', '8'), {}, { deadlineMs });
      expect(result).toMatchObject({ answer: '8', voteReason: 'deadline', stopReason: 'deadline' });
      expect(result.timing.totalMs).toBeLessThanOrEqual(deadlineMs + 10);
    }
  });
});

test('a choice that fails leaves the vote, a source that fails leaves nothing', async () => {
  expect((await select(new Error('gone'), vote('7', '8', '8'))).result).toMatchObject({ answer: '8', voteReason: 'failed' });
  const fault = new NoCandidateError('completed', [new Error('gone')]);
  await expect(select('Response 1', fault)).rejects.toMatchObject({ errors: fault.errors });
});

test.each<[string, LlmSelectorOptions]>([
  ['selectShare', { selectShare: 1 }],
  ['selectShare', { selectShare: -0.1 }],
  ['maxTokens', { maxTokens: 0 }],
])('a wrong %s is refused where it was written', (option, options) => {
  expect(() => new LlmSelector(options)).toThrow(expect.objectContaining({ option }));
});
