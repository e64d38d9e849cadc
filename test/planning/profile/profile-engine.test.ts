import { describe, expect, onTestFinished, test } from 'vitest';
import type { Engine } from '../../../src/contracts/engine.ts';
import type { PassShape, ProfiledPart } from '../../../src/contracts/profile.ts';
import type { OutcomeScorer } from '../../../src/contracts/scorer.ts';
import type { ForwardRow } from '../../../src/contracts/token-model.ts';
import { InvalidOptionError, ModelError } from '../../../src/errors.ts';
import { loadEngine } from '../../../src/engines/load-engine.ts';
import { loadProfile } from '../../../src/planning/profile/measured-profile.ts';
import { describeEngine, profileEngine, type ProfileEngineOptions, type ProfileProgress } from '../../../src/planning/profile/profile-engine.ts';
import { localModelOf } from '../../../src/testing/local-model-of.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { END, forgetfulLogits, scriptedModel, storyLogits, tokenizer, YieldingTokenModel } from '../../engines/scripted-engines.ts';

/** Two regimes, as on hardware: what is read, or what is multiplied, whichever takes longer; and a cache that is read too. */
const passMs = ({ rows, newTokens, contextTokens }: PassShape): number => 0.4 + Math.max(2 + 0.01 * rows * contextTokens, 0.2 * rows * newTokens);
const msOfRows = (rows: readonly ForwardRow[]): number =>
  passMs({
    rows: rows.length,
    newTokens: Math.max(...rows.map(({ tokens }) => tokens.length)),
    contextTokens: Math.max(...rows.map(({ sequence }) => sequence.length)),
  });

async function open(Model?: typeof YieldingTokenModel): Promise<{ engine: Engine; clock: ManualClock; openSequences: () => number }> {
  const clock = new ManualClock();
  const model = scriptedModel({ clock, stepMs: msOfRows, contextTokens: 400, logits: (tokens) => storyLogits(tokens.slice(-20)) }, Model);
  const draft = scriptedModel({ clock, stepMs: (rows) => msOfRows(rows) / 8, contextTokens: 400, logits: forgetfulLogits }, Model);
  const speculation = { drafters: ['draft-model'], draftLength: 4, longestDraft: 8, minConfidence: 0.3, verification: 'coupled' } as const;
  const engine = await loadEngine(
    { target: localModelOf(model, tokenizer, 'large'), draft: localModelOf(draft, tokenizer, 'small'), maxRows: 32, speculation },
    { clock },
  );
  onTestFinished(() => engine.dispose());
  return { engine, clock, openSequences: () => model.openSequences + draft.openSequences };
}

/** As a server looks: it decodes, and says nothing of its passes. */
const withoutPasses = (engine: Engine): Engine => ({
  name: 'far away',
  contextTokens: engine.contextTokens,
  ready: () => engine.ready(),
  open: (prompt, options) => engine.open(prompt, options),
  dispose: () => engine.dispose(),
});

/** Time on the clock of a request without drafts. */
async function timeOf(engine: Engine, clock: ManualClock, branches: number, tokens: number): Promise<number> {
  const startedAt = clock.now();
  const session = await engine.open(LONG_PROMPT, { draftLength: 0 });
  await Promise.all(session.branch(branches).map((branch) => branch.advance({ until: { tokens } })));
  await session.dispose();
  return clock.now() - startedAt;
}

const LONG_PROMPT = 'abba 12 '.repeat(4);

const BASE: ProfileEngineOptions = {
  prompt: 'abba 12',
  contextTokens: 200,
  machine: { processor: 'scripted', cores: 1 },
  budgetMs: 30_000,
  repetitions: 2,
  warmUp: 1,
};

const PROBES: readonly PassShape[] = [1, 3, 7, 16].flatMap((rows) =>
  [1, 4, 9].flatMap((newTokens) => [16, 70, 200].map((contextTokens) => ({ rows, newTokens, contextTokens }))),
);

describe('an engine that shows its passes', () => {
  test('is profiled within the tolerance, between points too', async () => {
    const { engine, clock, openSequences } = await open();
    const profile = await profileEngine(engine, { ...BASE, clock, prompt: LONG_PROMPT });
    expect([...profile.parts].sort()).toEqual(['draft', 'draft-prefill', 'prefill', 'target']);
    for (const shape of PROBES) expect(Math.abs(profile.passMs('target', shape) / passMs(shape) - 1)).toBeLessThan(0.12);
    const step = { rows: 5, newTokens: 1, contextTokens: 50 };
    expect(Math.abs(profile.passMs('draft', step) / (passMs(step) / 8) - 1)).toBeLessThan(0.2);
    const chunk = { rows: 1, newTokens: 100, contextTokens: 20 };
    expect(Math.abs(profile.passMs('prefill', chunk) / passMs(chunk) - 1)).toBeLessThan(0.12);
    expect(Math.abs(profile.passMs('draft-prefill', chunk) / (passMs(chunk) / 8) - 1)).toBeLessThan(0.12);
    const takenMs = await timeOf(engine, clock, 4, 6);
    const steps = Array.from({ length: 5 }, (_, step) => profile.passMs('target', { rows: 4, newTokens: 1, contextTokens: 32 + step }));
    const promptMs = profile.passMs('prefill', { rows: 1, newTokens: 32, contextTokens: 0 });
    const expectedMs = profile.requestMs + 4 * profile.branchMs + promptMs + steps.reduce((sum, ms) => sum + ms, 0);
    expect(Math.abs(expectedMs / takenMs - 1)).toBeLessThan(0.08);
    expect(openSequences()).toBe(0);
  });

  test('gets its points where interpolation would be worst', async () => {
    const { engine, clock } = await open();
    const points = (await profileEngine(engine, { ...BASE, clock, tolerance: 0.02 })).points('target');
    const coarse = (await profileEngine(engine, { ...BASE, clock, tolerance: 0.5 })).points('target');
    expect(points.length).toBeGreaterThan(coarse.length);
    expect(coarse).toHaveLength(18);
  });

  test('is profiled in little time if need be: a coarse grid, each point once', async () => {
    const { engine, clock } = await open();
    const startedAt = clock.now();
    const profile = await profileEngine(engine, { ...BASE, clock, budgetMs: 1 });
    expect(profile.points('target').map(({ samples }) => samples)).toEqual(new Array(18).fill(1));
    expect(clock.now() - startedAt).toBeLessThan(1100);
  });

  test('stays near its budget', async () => {
    const { engine, clock } = await open();
    for (const budgetMs of [1000, 4000]) {
      const startedAt = clock.now();
      await profileEngine(engine, { ...BASE, clock, budgetMs, tolerance: 0.001 });
      expect(clock.now() - startedAt).toBeLessThan(1.5 * budgetMs);
    }
  });

  test('tells of its progress', async () => {
    const { engine, clock } = await open();
    const told: ProfileProgress[] = [];
    await profileEngine(engine, { ...BASE, clock, onProgress: (progress) => told.push(progress) });
    expect(new Set(told.map(({ part }) => part))).toEqual(new Set<ProfiledPart | 'request'>(['target', 'draft', 'prefill', 'draft-prefill', 'request']));
    expect(told.every(({ elapsedMs }, index) => index === 0 || elapsedMs >= told[index - 1]!.elapsedMs)).toBe(true);
  });

  test('says what was measured, so that it can be told from another', async () => {
    const { engine, clock } = await open();
    const profile = await profileEngine(engine, { ...BASE, clock, budgetMs: 500 });
    expect(profile.label).toMatch(/^large, draft small on scripted \(measured \d{4}-\d\d-\d\d\)$/);
    const expected = await describeEngine(engine);
    expect(loadProfile(JSON.stringify(profile), { expect: { ...expected, machine: BASE.machine! }, strict: true }).warnings).toEqual([]);
    expect(loadProfile(JSON.stringify(profile), { expect: { target: { ...expected.target, fingerprint: 'other' } } }).warnings).toHaveLength(1);
  });
});

describe('an engine that only decodes', () => {
  test('is profiled by decoding', async () => {
    const { engine, clock } = await open();
    const profile = await profileEngine(withoutPasses(engine), { ...BASE, clock, rows: 8 });
    expect(profile.parts).toEqual(['target', 'prefill']);
    // Speculation makes steps cheaper than passes; what counts is what a token takes.
    const [one, eight] = [1, 8].map((rows) => profile.passMs('target', { rows, newTokens: 1, contextTokens: 20 }));
    expect(one).toBeGreaterThan(0);
    expect(eight).toBeGreaterThanOrEqual(one!);
    expect(profile.label).toContain('far away');
  });

  test('is told to be asked something longer when it ends at once', async () => {
    const clock = new ManualClock();
    const silent = scriptedModel({ clock, logits: (tokens) => storyLogits(tokens).with(END, 99) });
    const engine = await loadEngine({ target: localModelOf(silent, tokenizer), maxRows: 8 }, { clock });
    onTestFinished(() => engine.dispose());
    const failing = profileEngine(withoutPasses(engine), { ...BASE, clock });
    await expect(failing).rejects.toBeInstanceOf(ModelError);
    await expect(failing).rejects.toThrow(/`prompt`/);
  });
});

describe('a scorer', () => {
  const scorerOf = (clock: ManualClock, seen: string[], msPerCharacter = 0.01): OutcomeScorer => ({
    kind: 'outcome',
    name: 'judge',
    async score(_, texts) {
      seen.push(...texts.map(({ text }) => text));
      clock.advance(3 + texts.reduce((sum, { text }) => sum + text.length * msPerCharacter, 0));
      return texts.map(() => 1);
    },
    dispose: async () => undefined,
  });

  test('is timed over texts and their lengths, never on the same text twice in one place', async () => {
    const { engine, clock } = await open();
    const seen: string[] = [];
    const profile = await profileEngine(engine, { ...BASE, clock, scorer: scorerOf(clock, seen) });
    expect(profile.parts).toContain('scorer');
    const [short, long] = [8, 128].map((newTokens) => profile.passMs('scorer', { rows: 4, newTokens, contextTokens: 7 }));
    expect(short).toBeCloseTo(3 + 4 * 8 * 0.01, 0);
    expect(long).toBeCloseTo(3 + 4 * 128 * 0.01, 0);
    expect(new Set(seen).size).toBeGreaterThan(seen.length / 2);
    expect(profile.origin.models.scorer).toEqual({ name: 'judge' });
  });

  test('that scores nothing fails the measurement by name', async () => {
    const { engine, clock } = await open();
    const broken: OutcomeScorer = { ...scorerOf(clock, []), score: async (_, texts) => texts.map(() => undefined) };
    await expect(profileEngine(engine, { ...BASE, clock, scorer: broken })).rejects.toThrow(/judge gave no score/);
  });
});

test('a signal ends the measurement with its reason and leaves nothing open', async () => {
  const { engine, clock, openSequences } = await open(YieldingTokenModel);
  const controller = new AbortController();
  const told: ProfileProgress[] = [];
  const measuring = profileEngine(engine, {
    ...BASE,
    clock,
    signal: controller.signal,
    onProgress: (progress) => {
      told.push(progress);
      controller.abort('enough');
    },
  });
  await expect(measuring).rejects.toBe('enough');
  expect(told).toHaveLength(1);
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(openSequences()).toBe(0);
});

test.each([
  [{ budgetMs: 0 }, /budgetMs/],
  [{ rows: 0 }, /rows/],
  [{ draftLength: -1 }, /draftLength/],
  [{ tolerance: 2 }, /tolerance/],
  [{ prompt: ' ' }, /prompt/],
])('refuses %o before any work', async (options, message) => {
  const untouched: Engine = {
    name: 'untouched',
    contextTokens: 9,
    ready: () => Promise.reject(new Error('worked')),
    open: () => Promise.reject(new Error('worked')),
    dispose: async () => undefined,
  };
  await expect(profileEngine(untouched, options)).rejects.toThrow(InvalidOptionError);
  await expect(profileEngine(untouched, options)).rejects.toThrow(message);
});
