/** The bundled family, measured in a worker as a user would; how long things take is nobody's business here. */
import { bundledModels, describeEngine, describeMachine, loadProfile, PrmScorer, profileEngine, SpeculativeDecoder } from 'latency-tts';
import { expect, onTestFinished, test } from 'vitest';

test('the bundled models are profiled, saved and recognised', async () => {
  const { target, draft, prm } = await bundledModels();
  const engine = new SpeculativeDecoder({ target, draft });
  const scorer = new PrmScorer({ model: prm });
  onTestFinished(async () => void (await Promise.all([engine.dispose(), scorer.dispose()])));
  const profile = await profileEngine(engine, { scorer, budgetMs: 1500, repetitions: 2, warmUp: 0, rows: 4, contextTokens: 64 });
  expect([...profile.parts].sort()).toEqual(['draft', 'draft-prefill', 'prefill', 'scorer', 'target']);
  for (const part of profile.parts) {
    const times = [1, 2, 4, 9].map((rows) => profile.passMs(part, { rows, newTokens: 2, contextTokens: 40 }));
    expect(times).toEqual([...times].sort((left, right) => left - right));
    expect(times[0]).toBeGreaterThan(0);
  }
  expect(profile.requestMs).toBeGreaterThanOrEqual(0);
  const expected = { ...(await describeEngine(engine)), machine: describeMachine() };
  expect(expected.target).toMatchObject({ name: 'bundled target', settings: { threads: 1 } });
  expect(loadProfile(JSON.stringify(profile), { expect: expected, strict: true }).toJSON()).toEqual(profile.toJSON());
});
