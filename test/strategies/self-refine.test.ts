import { describe, expect, test } from 'vitest';
import type { Message } from '../../src/contracts/prompt.ts';
import type { StrategyRequest } from '../../src/contracts/strategy.ts';
import { ModelError, NoCandidateError } from '../../src/errors.ts';
import { SelfRefine, type SelfRefineOptions } from '../../src/strategies/self-refine.ts';
import { scripted, type Script } from './scripted-strategy.ts';
import { openThinker } from './thinker.ts';

const wrote = (answer: string | undefined, more: Partial<Script> = {}): Script => ({ answers: [answer], answer, confidence: 1, ...more });

/** Refines what is written in turn, with the same critique each time. A token takes 10 ms. */
async function refine(versions: readonly (Script | Error)[], critique: string | Error, options: SelfRefineOptions = {}, fields: Partial<StrategyRequest> = {}) {
  const requests: StrategyRequest[] = [];
  const { engine, clock, model } = await openThinker((text) => {
    if (critique instanceof Error) throw critique;
    return critique.slice(text.length);
  });
  // The critic’s prompt ends with a question mark, so that its text is the critique.
  const strategy = new SelfRefine({ source: scripted(versions, requests), critique: (_, draft) => `wrong in ${draft}?`, ...options });
  const result = await strategy.run({ engine, clock, prompt: 'how many?', ...fields });
  expect(model.openSequences).toBe(0);
  return { result, requests };
}

describe('rounds', () => {
  test('each revises the version before by its critique', async () => {
    const { result, requests } = await refine([wrote('1'), wrote('2'), wrote('3'), wrote('4')], 'too small', { rounds: 3 });
    expect(result).toMatchObject({ text: 'chose 4', answer: '4', endedBy: 'rounds', stopReason: 'completed', confidence: 1 / 4 });
    expect(result.rounds).toEqual(['2', '3', '4'].map((answer) => ({ critique: 'too small', revision: `chose ${answer}`, answer, isKept: true })));
    const turns = requests[2]!.prompt as readonly Message[];
    expect(turns.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant', 'user']);
    expect([turns[0]!.content, turns[1]!.content, turns[3]!.content]).toEqual(['how many?', 'chose 2', 'too small']);
  });

  test('end with a critique that finds nothing to change', async () => {
    const { result, requests } = await refine([wrote('1'), wrote('2')], 'All is right. No change needed.');
    expect(result).toMatchObject({ answer: '1', endedBy: 'satisfied', rounds: [{ isKept: false }], confidence: 1 });
    expect(requests).toHaveLength(1);
    expect((await refine([wrote('1'), wrote('2')], 'fine', { isSatisfied: (text) => text === 'fine' })).result.endedBy).toBe('satisfied');
  });

  test('none leaves the draft', async () => {
    expect((await refine([wrote('1')], 'bad', { rounds: 0 })).result).toMatchObject({ answer: '1', rounds: [], endedBy: 'rounds' });
  });

  test('plain text goes on as plain text', async () => {
    const { requests } = await refine([wrote('1'), wrote('2')], 'bad', { rounds: 1 }, { prompt: { text: 'how many?' } });
    expect(requests[1]!.prompt).toMatchObject({ text: expect.stringMatching(/^how many\?chose 1\n\n.*\n\nbad\n\n/s) as unknown });
  });
});

describe('the best version so far', () => {
  test('is kept where a revision loses the answer, is cut, or fails', async () => {
    for (const bad of [wrote(undefined), new NoCandidateError('completed', []), wrote('2', { stopReason: 'deadline' })]) {
      const { result } = await refine([wrote('1'), bad], 'bad', { rounds: 1 });
      expect(result).toMatchObject({ answer: '1', text: 'chose 1', rounds: [{ isKept: false }] });
    }
  });

  test('is kept where the critic fails', async () => {
    expect((await refine([wrote('1')], new ModelError('gone'))).result).toMatchObject({ answer: '1', endedBy: 'failed', rounds: [] });
  });

  test('is none where the draft fails', async () => {
    await expect(refine([new NoCandidateError('completed', [])], 'bad')).rejects.toThrow(NoCandidateError);
  });
});

describe('time', () => {
  test('too short for a round, going by the draft, is not spent', async () => {
    const draft = wrote('1', { tookMs: 200 });
    const early = await refine([draft, wrote('2')], 'bad', { rounds: 1 }, { deadlineMs: 599 });
    expect(early.result).toMatchObject({ answer: '1', endedBy: 'deadline', stopReason: 'deadline', rounds: [] });
    expect((await refine([draft, wrote('2')], 'bad', { rounds: 1 }, { deadlineMs: 600 })).result.answer).toBe('2');
  });

  test('too short for another round, going by the last one, is not spent', async () => {
    const slow = wrote('2', { tookMs: 300 });
    const { result } = await refine([wrote('1', { tookMs: 10 }), slow, slow], 'bad', { rounds: 5 }, { deadlineMs: 600 });
    expect(result).toMatchObject({ endedBy: 'deadline', answer: '2' });
    expect(result.rounds).toHaveLength(1);
  });

  test('that runs out during a critique leaves the version before', async () => {
    const { result } = await refine([wrote('1')], 'so much is wrong with it that one could go on and on', {}, { deadlineMs: 200 });
    expect(result).toMatchObject({ answer: '1', endedBy: 'deadline', stopReason: 'deadline' });
    expect(result.timing.totalMs).toBeLessThanOrEqual(200);
  });
});

test('critiques are branches without an answer, and all is counted', async () => {
  const { result } = await refine([wrote('1'), wrote('2')], '41', { rounds: 1 });
  expect(result.branches.map(({ branch, answer, text }) => [branch, answer, text])).toEqual([
    [0, '1', 'wrote 1'],
    [1, undefined, '41'],
    [2, '2', 'wrote 2'],
  ]);
  expect(result.usage.completionTokens).toBe(10 + 3 + 10);
});

test.each<[string, SelfRefineOptions]>([
  ['rounds', { rounds: -1 }],
  ['critiqueTokens', { critiqueTokens: 0 }],
])('a wrong %s is refused where it was written', (option, options) => {
  expect(() => new SelfRefine(options)).toThrow(expect.objectContaining({ option }));
});
