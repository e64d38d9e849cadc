import { describe, expect, test } from 'vitest';
import type { Branch, Engine, SamplingOptions } from '../../src/contracts/engine.ts';
import { withCallSettings, type CallSettings } from '../../src/engines/with-call-settings.ts';
import { engineLaws, tokensOf, withSession } from './engine-laws.ts';
import { mainDecoder, scriptedModel, scriptedSubject, YieldingTokenModel } from './scripted-engines.ts';

const PROMPT = 'abba 12';
const GREEDY = { temperature: 0 } as const;

async function onBranch<Result>(settings: CallSettings, use: (branch: Branch) => Promise<Result>, sampling: SamplingOptions = GREEDY): Promise<Result> {
  const engine = withCallSettings(mainDecoder(scriptedModel()), settings);
  try {
    return await withSession(engine, PROMPT, { sampling }, (session) => use(session.branch(1)[0]!));
  } finally {
    await engine.dispose();
  }
}

const wholeText = await onBranch({}, async (branch) => (await branch.advance({ until: { tokens: 40 } })).text);

describe('an engine with settings that never bind', () => {
  const settings = { maxTokens: 10_000, stop: ['never said'] };
  const subject = scriptedSubject((model) => withCallSettings(mainDecoder(model), settings), YieldingTokenModel);
  for (const law of engineLaws) test(law.name, () => law.check(subject));
});

test('without settings it is the engine itself', async () => {
  const engine = mainDecoder(scriptedModel());
  for (const settings of [{}, { sampling: {} }, { stop: [] }]) expect(withCallSettings(engine, settings)).toBe(engine);
  await engine.dispose();
});

test.each([{ maxTokens: 0 }, { maxTokens: 1.5 }, { stop: ['a', ''] }, { sampling: { temperature: -1 } }])('%j is refused before any work', (settings) => {
  expect(() => withCallSettings({} as Engine, settings)).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION' }));
});

test('sampling of the call takes the place of the strategy’s, field by field', async () => {
  const engine = mainDecoder(scriptedModel());
  const greedy = await tokensOf(engine, PROMPT, { sampling: GREEDY }, 1);
  const hot = { temperature: 40, topK: 3 };
  expect(await tokensOf(withCallSettings(engine, { sampling: GREEDY }), PROMPT, { sampling: hot }, 1)).toEqual(greedy);
  expect(await tokensOf(withCallSettings(engine, { sampling: { temperature: 40 } }), PROMPT, { sampling: { topK: 1 } }, 1)).toEqual(greedy);
  expect(await tokensOf(engine, PROMPT, { sampling: hot }, 1)).not.toEqual(greedy);
  // As well where a strategy asks it of single branches.
  const tokens = await withSession(withCallSettings(engine, { sampling: GREEDY }), PROMPT, {}, async (session) => {
    const branches = [...session.branch(1, { sampling: hot }), ...session.branch(1)];
    return Promise.all(branches.map(async (branch) => (await branch.advance({ until: { tokens: greedy[0]!.length } })).tokens));
  });
  expect(tokens).toEqual([greedy[0], greedy[0]]);
  await engine.dispose();
});

describe('a limit of tokens', () => {
  test('bounds a branch over all its segments, and its forks from there on', async () => {
    await onBranch({ maxTokens: 10 }, async (branch) => {
      expect(await branch.advance({ until: { tokens: 6 } })).toMatchObject({ finish: 'length', text: wholeText.slice(0, 6) });
      const fork = branch.fork();
      for (const each of [branch, fork]) expect(await each.advance()).toMatchObject({ finish: 'length', text: wholeText.slice(6, 10) });
      expect(await branch.advance()).toMatchObject({ finish: 'context', text: '', tokens: [] });
      expect(branch.ended).toBe('context');
      await expect(branch.advance()).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION' });
    });
  });

  test('leaves room for one answer that a strategy asks for', async () => {
    await onBranch({ maxTokens: 4 }, async (branch) => {
      await branch.advance();
      await branch.force('#');
      const answer = await branch.advance({ until: { tokens: 5 } });
      expect([answer.finish, answer.tokens.length]).toEqual(['length', 5]);
      await branch.force('#');
      expect((await branch.advance({ until: { tokens: 5 } })).finish).toBe('context');
    });
  });

  test('keeps an answer short that is asked for without a bound', async () => {
    await onBranch(
      { maxTokens: 1 },
      async (branch) => {
        await branch.advance();
        await branch.force('#');
        expect((await branch.advance()).tokens.length).toBeLessThanOrEqual(32);
      },
      { temperature: 1 },
    );
  });
});

describe('a stop string', () => {
  const stop = wholeText.slice(12, 15);
  const expected = wholeText.slice(0, wholeText.indexOf(stop));

  test('finishes the branch, whose text ends before it', async () => {
    await onBranch({ stop: ['never said', stop] }, async (branch) => {
      const segment = await branch.advance();
      expect(segment).toMatchObject({ text: expected, finish: 'end' });
      expect(segment).not.toHaveProperty('stop');
      expect([branch.text, branch.ended]).toEqual([expected, 'end']);
    });
  });

  test('is found across segments and beside the strategy’s own', async () => {
    await onBranch({ stop: [stop] }, async (branch) => {
      while (!branch.ended) await branch.advance({ until: { tokens: 1, stop: ['never said'] } });
      expect([branch.text, branch.ended]).toEqual([expected, 'end']);
    });
  });

  test('is not shown by progress', async () => {
    const engine = withCallSettings(mainDecoder(scriptedModel()), { stop: [stop] });
    const texts: string[] = [];
    await withSession(engine, PROMPT, { sampling: GREEDY, progressIntervalMs: 0, onProgress: (seen) => texts.push(seen[0]!.text) }, (session) =>
      session.branch(1)[0]!.advance(),
    );
    expect(texts.length).toBeGreaterThan(3);
    expect(texts.filter((text) => text.includes(stop))).toEqual([]);
    await engine.dispose();
  });
});
