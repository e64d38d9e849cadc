import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PassShape, ProfiledPart } from '../../../src/contracts/profile.ts';
import { InvalidOptionError } from '../../../src/errors.ts';
import { HARDWARE, type HardwareName } from '../../../src/planning/profile/hardware.ts';
import { MODEL_SHAPES, parametersOf, type ModelShapeName } from '../../../src/planning/profile/model-shapes.ts';
import { rooflineProfile } from '../../../src/planning/profile/roofline-profile.ts';

const step: PassShape = { rows: 1, newTokens: 1, contextTokens: 0 };

describe('model shapes', () => {
  // Billions of parameters as the model cards state them.
  test.each([
    ['qwen2.5-0.5b', 0.49],
    ['qwen2.5-1.5b', 1.54],
    ['qwen2.5-3b', 3.09],
    ['qwen2.5-7b', 7.61],
    ['qwen2.5-14b', 14.7],
    ['qwen2.5-32b', 32.5],
    ['qwen2.5-72b', 72.7],
    ['llama-3.2-1b', 1.23],
    ['llama-3.2-3b', 3.21],
    ['llama-3.1-8b', 8.03],
    ['llama-3.1-70b', 70.6],
  ] as const)('%s has %f billion parameters', (name, billions) => {
    const { held } = parametersOf(MODEL_SHAPES[name]);
    expect(Math.abs(held / 1e9 / billions - 1)).toBeLessThan(0.012);
  });

  test('say where they are from', () => {
    for (const { source } of Object.values(MODEL_SHAPES)) expect(source).toMatch(/config\.json of [\w-]+\/[\w.-]+/);
    for (const { sources } of Object.values(HARDWARE)) for (const source of Object.values(sources)) expect(source.length).toBeGreaterThan(10);
  });
});

describe('a pass', () => {
  const bare = { bandwidthEfficiency: 1, computeEfficiency: 1, passMs: 0, layerMs: 0 };

  test('of one row reads the weights once', () => {
    const { read } = parametersOf(MODEL_SHAPES['qwen2.5-7b']);
    const profile = rooflineProfile('h100-sxm', 'qwen2.5-7b', bare);
    expect(profile.passMs('target', step)).toBeCloseTo((1000 * 2 * read) / 3.35e12, 2);
  });

  test('of a long prompt multiplies them by every token', () => {
    const { read } = parametersOf(MODEL_SHAPES['qwen2.5-7b']);
    const profile = rooflineProfile('h100-sxm', 'qwen2.5-7b', bare);
    const prompt = { rows: 1, newTokens: 4096, contextTokens: 0 };
    const attention = 4 * 28 * 28 * 128 * 4096 * (4097 / 2);
    expect(profile.passMs('prefill', prompt)).toBeCloseTo((1000 * (2 * read * 4096 + attention)) / 989.4e12, 6);
  });

  test('costs the same for more rows until compute takes longer than memory', () => {
    const profile = rooflineProfile('h100-sxm', 'llama-3.1-8b', bare);
    const msOf = (rows: number): number => profile.passMs('target', { ...step, rows });
    // F · W / (2 P · BW): 989.4e12 / 3.35e12 tokens at 16 bits a weight.
    const crossover = 989.4 / 3.35;
    expect(msOf(0.9 * crossover) / msOf(1)).toBeLessThan(1.05);
    expect(msOf(2 * crossover) / msOf(1)).toBeGreaterThan(1.9);
  });

  test('reads each row’s cache: 128 KiB a token for Llama 3.1 8B', () => {
    const profile = rooflineProfile('h100-sxm', 'llama-3.1-8b', bare);
    const extra =
      profile.passMs('target', { rows: 8, newTokens: 1, contextTokens: 10_000 }) - profile.passMs('target', { rows: 8, newTokens: 1, contextTokens: 0 });
    expect(extra).toBeCloseTo((1000 * 8 * 10_000 * 131_072) / 3.35e12, 6);
  });

  test('on several accelerators is shared, and pays for sums', () => {
    const one = rooflineProfile('h100-sxm', 'qwen2.5-32b', bare);
    const eight = rooflineProfile('h100-sxm', 'qwen2.5-32b', { ...bare, gpus: 8 });
    const sums = 2 * 64 * (0.01 + (1000 * 5120 * 2 * (2 * 7)) / 8 / 450e9);
    expect(eight.passMs('target', step)).toBeCloseTo(one.passMs('target', step) / 8 + sums, 6);
  });

  test('of a draft runs on one accelerator', () => {
    const passOf = (gpus: number): number => rooflineProfile('h100-sxm', 'qwen2.5-32b', { gpus, draft: 'qwen2.5-0.5b' }).passMs('draft', step);
    expect(passOf(8)).toBe(passOf(1));
  });

  test('never takes less for more of anything', () => {
    const shapes = fc.record({
      rows: fc.double({ min: 1, max: 1e4, noNaN: true }),
      newTokens: fc.double({ min: 1, max: 1e4, noNaN: true }),
      contextTokens: fc.double({ min: 0, max: 1e6, noNaN: true }),
    });
    const names = fc.constantFrom(...(Object.keys(HARDWARE) as HardwareName[]));
    const models = fc.constantFrom(...(Object.keys(MODEL_SHAPES) as ModelShapeName[]));
    const parts = fc.constantFrom<ProfiledPart>('target', 'draft', 'prefill', 'draft-prefill', 'scorer');
    fc.assert(
      fc.property(
        names,
        models,
        parts,
        shapes,
        fc.constantFrom('rows', 'newTokens', 'contextTokens' as const),
        fc.double({ min: 1, max: 8, noNaN: true }),
        (name, model, part, shape, field, factor) => {
          const profile = rooflineProfile(name, model, { draft: 'qwen2.5-0.5b', scorer: 'qwen2.5-1.5b' });
          const less = profile.passMs(part, shape);
          const more = profile.passMs(part, { ...shape, [field]: shape[field] * factor });
          expect(Number.isFinite(less) && less > 0).toBe(true);
          expect(more).toBeGreaterThanOrEqual(less);
        },
      ),
    );
  });
});

describe('a roofline profile', () => {
  test('has the parts it was given models for', () => {
    expect(rooflineProfile('l40s', 'llama-3.2-3b').parts).toEqual(['target', 'prefill']);
    expect(rooflineProfile('l40s', 'llama-3.2-3b', { draft: 'llama-3.2-1b', scorer: 'llama-3.2-1b' }).parts).toEqual([
      'target',
      'prefill',
      'draft',
      'draft-prefill',
      'scorer',
    ]);
    expect(() => rooflineProfile('l40s', 'llama-3.2-3b').passMs('draft', step)).toThrow(InvalidOptionError);
  });

  test('spreads around the median', () => {
    const profile = rooflineProfile('l40s', 'llama-3.2-3b', { sigma: 0.1 });
    expect(profile.spread('target', 0.5)).toBeCloseTo(1);
    expect(profile.spread('target', 0.975)).toBeCloseTo(Math.exp(0.196), 3);
    expect(() => profile.spread('target', 1)).toThrow(/probability/);
  });

  test.each([
    ['an unknown accelerator', () => rooflineProfile('h900' as 'l40s', 'llama-3.2-3b'), /`hardware`.*h100-sxm/],
    ['an unknown model', () => rooflineProfile('l40s', 'gpt' as 'llama-3.2-3b'), /`target`.*qwen2.5-32b/],
    ['several accelerators without a link', () => rooflineProfile('rtx-4090', 'llama-3.2-3b', { gpus: 2 }), /`gpus`.*linkBandwidth/],
    ['an efficiency above 1', () => rooflineProfile('l40s', 'llama-3.2-3b', { computeEfficiency: 1.2 }), /`computeEfficiency`/],
    ['a shape without rows', () => rooflineProfile('l40s', 'llama-3.2-3b').passMs('target', { ...step, rows: 0 }), /`shape.rows`/],
  ])('refuses %s', (_, make, message) => {
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(message);
  });
});
