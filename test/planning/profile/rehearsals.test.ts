/** Whole requests tell what they take over their passes. */
import { expect, onTestFinished, test } from 'vitest';
import type { Engine } from '../../../src/contracts/engine.ts';
import type { PassShape, ProfiledPart } from '../../../src/contracts/profile.ts';
import type { ForwardRow } from '../../../src/contracts/token-model.ts';
import { loadEngine } from '../../../src/engines/load-engine.ts';
import { PassSurface } from '../../../src/planning/profile/pass-surface.ts';
import { Rehearsals, type RequestCosts } from '../../../src/planning/profile/rehearsals.ts';
import { localModelOf } from '../../../src/testing/local-model-of.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { forgetfulLogits, scriptedModel, storyLogits, tokenizer } from '../../engines/scripted-engines.ts';

/** Linear, so that surfaces between few points are exact. */
const passMs = ({ rows, newTokens, contextTokens }: PassShape): number => 1 + 0.1 * rows + 0.2 * rows * newTokens + 0.01 * contextTokens;
const DRAFT_SHARE = 0.2;
const surfaceOf = (share: number): PassSurface =>
  new PassSurface(
    [1, 16].flatMap((rows) =>
      [1, 40].flatMap((newTokens) =>
        [0, 200].map((contextTokens) => ({ rows, newTokens, contextTokens, medianMs: share * passMs({ rows, newTokens, contextTokens }) })),
      ),
    ),
  );

/** An engine whose requests cost more than their passes: once, and for each branch. */
async function costlyEngine(clock: ManualClock, { scale, requestMs, branchMs }: { scale: number; requestMs: number; branchMs: number }): Promise<Engine> {
  const msOfRows = (rows: readonly ForwardRow[]): number =>
    scale *
    passMs({
      rows: rows.length,
      newTokens: Math.max(...rows.map(({ tokens }) => tokens.length)),
      contextTokens: Math.max(...rows.map(({ sequence }) => sequence.length)),
    });
  const model = scriptedModel({ clock, stepMs: msOfRows, contextTokens: 240, logits: (tokens) => storyLogits(tokens.slice(-20)) });
  const draft = scriptedModel({ clock, stepMs: (rows) => DRAFT_SHARE * msOfRows(rows), contextTokens: 240, logits: forgetfulLogits });
  const speculation = { drafters: ['draft-model'], draftLength: 4, longestDraft: 8, minConfidence: 0, verification: 'coupled' } as const;
  const engine = await loadEngine({ target: localModelOf(model, tokenizer), draft: localModelOf(draft, tokenizer), maxRows: 32, speculation }, { clock });
  onTestFinished(() => engine.dispose());
  return {
    name: engine.name,
    contextTokens: engine.contextTokens,
    ready: () => engine.ready(),
    dispose: () => engine.dispose(),
    async open(prompt, options) {
      const session = await engine.open(prompt, options);
      clock.advance(requestMs);
      return {
        get promptTokens() {
          return session.promptTokens;
        },
        branch(count) {
          clock.advance(count * branchMs);
          return session.branch(count);
        },
        usage: () => session.usage(),
        dispose: () => session.dispose(),
      };
    },
  };
}

async function costsOf(planted: { scale: number; requestMs: number; branchMs: number }, parts: readonly ProfiledPart[]): Promise<RequestCosts> {
  const clock = new ManualClock();
  const rehearsals = new Rehearsals({
    engine: await costlyEngine(clock, planted),
    clock,
    sessionClock: {},
    prompt: 'abba 12 abba 12',
    rows: [1, 4, 16],
    draftLengths: parts.includes('draft') ? [0, 2, 4] : [0],
    budgetMs: 10_000,
    rest: async () => undefined,
    signal: undefined,
  });
  await rehearsals.play(0.5);
  await rehearsals.play(0.5);
  return rehearsals.costs(new Map(parts.map((part) => [part, surfaceOf(part.startsWith('draft') ? DRAFT_SHARE : 1)])));
}

test.each([
  ['nothing beside its passes', { scale: 1, requestMs: 0, branchMs: 0 }],
  ['much at its start', { scale: 1, requestMs: 12, branchMs: 0 }],
  ['something for each branch', { scale: 1, requestMs: 4, branchMs: 2 }],
  ['longer passes', { scale: 1.3, requestMs: 4, branchMs: 1 }],
])('a request that costs %s is seen to', async (_, planted) => {
  for (const parts of [['target', 'prefill'] as const, ['target', 'prefill', 'draft', 'draft-prefill'] as const]) {
    const { requestMs, branchMs, draftRequestMs, scales } = await costsOf(planted, parts);
    expect(scales.target).toBeCloseTo(planted.scale, 0.7);
    expect(Math.abs(branchMs - planted.branchMs)).toBeLessThan(0.5);
    // The prompt is part of the request: what it takes longer is a cost of it.
    expect(Math.abs(requestMs + draftRequestMs - planted.requestMs)).toBeLessThan(3.5);
    expect(scales.draft).toEqual(parts.length === 2 ? undefined : expect.closeTo(planted.scale, 0.4));
  }
});

test('a signal that ends a rehearsal leaves no session open', async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const engine = await costlyEngine(clock, { scale: 1, requestMs: 0, branchMs: 0 });
  let open = 0;
  const watched: Engine = {
    ...engine,
    async open(prompt, options) {
      const session = await engine.open(prompt, options);
      open++;
      return {
        promptTokens: session.promptTokens,
        branch(count) {
          controller.abort('enough');
          return session.branch(count);
        },
        usage: () => session.usage(),
        dispose: () => {
          open--;
          return session.dispose();
        },
      };
    },
  };
  const rest = async (): Promise<void> => undefined;
  const options = { engine: watched, clock, sessionClock: {}, prompt: 'abba 12', rows: [2], draftLengths: [0], budgetMs: 100, rest };
  await expect(new Rehearsals({ ...options, signal: controller.signal }).play(1)).rejects.toBe('enough');
  expect(open).toBe(0);
});
