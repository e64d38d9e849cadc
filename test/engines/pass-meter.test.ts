/** Passes of local engines are timed one by one, here and behind a port. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Engine } from '../../src/contracts/engine.ts';
import type { PassMeter, PassShape } from '../../src/contracts/profile.ts';
import type { ForwardRow } from '../../src/contracts/token-model.ts';
import { DisposedError, InvalidOptionError } from '../../src/errors.ts';
import { loadEngine, type SpeculationPlan } from '../../src/engines/load-engine.ts';
import { hostEngine } from '../../src/engines/port/host-engine.ts';
import { PortEngine } from '../../src/engines/port/port-engine.ts';
import { localModelOf } from '../../src/testing/local-model-of.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { portPair } from '../port/port-pair.ts';
import { complete, tokensOf, withSession } from './engine-laws.ts';
import { ScriptedTokenModel } from '../../src/testing/scripted-token-model.ts';
import { forgetfulLogits, mainDecoder, scriptedModel, storyLogits, tokenizer, YieldingTokenModel } from './scripted-engines.ts';

const SPECULATION: SpeculationPlan = { drafters: ['draft-model'], draftLength: 3, longestDraft: 8, minConfidence: 0.3, verification: 'coupled' };

/** A pass costs 1 ms, and more for rows, new tokens and held ones: all different, so that a mix-up shows. */
const passMs = ({ rows, newTokens, contextTokens }: PassShape): number => 1 + 0.5 * rows + 0.25 * rows * newTokens + 0.01 * contextTokens;
const msOfRows = (rows: readonly ForwardRow[]): number =>
  passMs({
    rows: rows.length,
    newTokens: Math.max(...rows.map(({ tokens }) => tokens.length)),
    contextTokens: Math.max(...rows.map(({ sequence }) => sequence.length)),
  });

async function open(
  plan: Partial<SpeculationPlan> | 'none' = {},
  Model = ScriptedTokenModel,
): Promise<{ engine: Engine; openSequences: () => number; clock: ManualClock }> {
  const clock = new ManualClock();
  const model = scriptedModel({ clock, stepMs: msOfRows }, Model);
  const draft = scriptedModel({ clock, stepMs: (rows) => msOfRows(rows) / 10, logits: forgetfulLogits }, Model);
  const target = localModelOf(model, tokenizer, 'target');
  const engine = await loadEngine(
    plan !== 'none' ? { target, draft: localModelOf(draft, tokenizer, 'draft'), maxRows: 8, speculation: { ...SPECULATION, ...plan } } : { target, maxRows: 8 },
    { clock },
  );
  onTestFinished(() => engine.dispose());
  return { engine, openSequences: () => model.openSequences + draft.openSequences, clock };
}

const once = { repetitions: 2, warmUp: 1 };

describe.each(['coupled', 'rejection'] as const)('a local engine with %s verification', (verification) => {
  test('times the passes that were asked for, in order', async () => {
    const { engine, openSequences } = await open({ verification });
    const shapes = [1, 4, 8].flatMap((rows) => [1, 2, 6].flatMap((newTokens) => [10, 40].map((contextTokens) => ({ rows, newTokens, contextTokens }))));
    const times = await engine.passes!.measure('target', shapes, once);
    expect(times).toEqual(shapes.map((shape) => [expect.closeTo(passMs(shape), 9), expect.closeTo(passMs(shape), 9)]));
    const steps = shapes.filter(({ newTokens }) => newTokens <= 2);
    const drafts = await engine.passes!.measure('draft', steps, once);
    expect(drafts.map(([first]) => first)).toEqual(steps.map((shape) => expect.closeTo(passMs(shape) / 10, 9)));
    const chunks = [{ rows: 1, newTokens: 50, contextTokens: 5 }];
    expect(await engine.passes!.measure('prefill', chunks, once)).toEqual([[expect.closeTo(passMs(chunks[0]!), 9), expect.closeTo(passMs(chunks[0]!), 9)]]);
    expect(openSequences()).toBe(0);
  });
});

test('an engine without speculation has no draft, and times wide passes all the same', async () => {
  const { engine } = await open('none');
  const { parts, draft } = await engine.passes!.anatomy();
  expect(parts.map(({ part }) => part)).toEqual(['target', 'prefill']);
  expect(draft).toBeUndefined();
  const shape = { rows: 2, newTokens: 5, contextTokens: 12 };
  expect((await engine.passes!.measure('target', [shape], { repetitions: 1, warmUp: 0 }))[0]).toEqual([expect.closeTo(passMs(shape), 9)]);
  await expect(engine.passes!.measure('draft', [shape], once)).rejects.toThrow(/`part`/);
});

test('says what it is, so that another model is told apart', async () => {
  const { engine } = await open();
  const { target, draft, parts } = await engine.passes!.anatomy();
  expect(target).toMatchObject({ name: 'target', contextTokens: 120, vocabularySize: 23 });
  expect(draft!.name).toBe('draft');
  expect(draft!.fingerprint).not.toBe(target.fingerprint);
  expect((await (await open()).engine.passes!.anatomy()).target.fingerprint).toBe(target.fingerprint);
  expect(parts.find(({ part }) => part === 'target')).toMatchObject({ mostRows: 8 });
});

test('stops repeating at the end of the budget, but times every shape once', async () => {
  const { engine } = await open();
  const shapes = [10, 20, 30].map((contextTokens) => ({ rows: 1, newTokens: 1, contextTokens }));
  const times = await engine.passes!.measure('target', shapes, { repetitions: 50, warmUp: 3, budgetMs: 120 });
  for (const ofShape of times) {
    expect(ofShape.length).toBeGreaterThan(1);
    expect(ofShape.length).toBeLessThan(50);
  }
  const late = await engine.passes!.measure('target', shapes, { repetitions: 50, warmUp: 3, budgetMs: 0 });
  expect(late.map(({ length }) => length)).toEqual([1, 1, 1]);
});

test('sessions write what they would have written', async () => {
  const { engine } = await open();
  const expected = await tokensOf(engine, 'abba 12', { seed: 3 }, 3);
  await withSession(engine, 'abba 12', { seed: 3 }, async (session) => {
    const written = Promise.all(session.branch(3).map((branch) => complete(branch)));
    await engine.passes!.measure('target', [{ rows: 4, newTokens: 3, contextTokens: 20 }], { repetitions: 5, warmUp: 0 });
    expect((await written).map(({ tokens }) => tokens)).toEqual(expected);
  });
});

test.each([
  ['more rows than the engine takes', { rows: 9, newTokens: 1, contextTokens: 1 }, /shapes\[0\]\.rows/],
  ['half a token', { rows: 1, newTokens: 1.5, contextTokens: 1 }, /shapes\[0\]\.newTokens/],
  ['more context than there is', { rows: 1, newTokens: 1, contextTokens: 120 }, /shapes\[0\]\.contextTokens/],
])('refuses %s', async (_, shape, message) => {
  const { engine } = await open();
  await expect(engine.passes!.measure('target', [shape], once)).rejects.toThrow(InvalidOptionError);
  await expect(engine.passes!.measure('target', [shape], once)).rejects.toThrow(message);
});

test('a signal ends it with its reason, and leaves nothing behind', async () => {
  const { engine, openSequences } = await open({}, YieldingTokenModel);
  const controller = new AbortController();
  const measuring = engine.passes!.measure('target', [{ rows: 2, newTokens: 1, contextTokens: 5 }], { repetitions: 1e6, warmUp: 0, signal: controller.signal });
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort('enough');
  await expect(measuring).rejects.toBe('enough');
  // The pass under way ends first.
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(openSequences()).toBe(0);
});

test('a disposed engine measures nothing', async () => {
  const { engine } = await open();
  await engine.dispose();
  await expect(engine.passes!.measure('target', [{ rows: 1, newTokens: 1, contextTokens: 5 }], once)).rejects.toBeInstanceOf(DisposedError);
});

describe('behind a port', () => {
  function farEngine(engine: Engine): Engine {
    const { near, far } = portPair();
    hostEngine(engine, far);
    return new PortEngine(near, async () => undefined);
  }

  test('times the same', async () => {
    const { engine } = await open();
    const far = farEngine(engine);
    await far.ready();
    const shapes = [1, 4].map((rows) => ({ rows, newTokens: 2, contextTokens: 15 }));
    const times = await far.passes!.measure('target', shapes, { repetitions: 1, warmUp: 0 });
    expect(times).toEqual(shapes.map((shape) => [expect.closeTo(passMs(shape), 9)]));
    expect(await far.passes!.anatomy()).toEqual(await engine.passes!.anatomy());
    await expect(far.passes!.measure('target', [{ rows: 0, newTokens: 1, contextTokens: 1 }], once)).rejects.toBeInstanceOf(InvalidOptionError);
  });

  test('an engine without a meter has none', async () => {
    const { engine } = await open();
    const blind: Engine = {
      name: 'blind',
      contextTokens: 9,
      ready: async () => undefined,
      open: (...request) => engine.open(...request),
      dispose: async () => undefined,
    };
    const far = farEngine(blind);
    await far.ready();
    expect(far.passes).toBeUndefined();
  });

  test('can be given up', async () => {
    const far = farEngine((await open({}, YieldingTokenModel)).engine);
    await far.ready();
    const controller = new AbortController();
    const measuring = far.passes!.measure('target', [{ rows: 1, newTokens: 1, contextTokens: 5 }], { repetitions: 1e6, warmUp: 0, signal: controller.signal });
    controller.abort('enough');
    await expect(measuring).rejects.toBe('enough');
  });
});

test('a decoder has a meter before it has loaded anything', async () => {
  const engine = mainDecoder(scriptedModel({ logits: storyLogits }));
  onTestFinished(() => engine.dispose());
  const meter: PassMeter = engine.passes!;
  expect((await meter.anatomy()).target.name).toBe('scripted');
});
