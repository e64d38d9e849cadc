import { describe, expect, test } from 'vitest';
import { InvalidOptionError } from '../../../src/errors.ts';
import { fitRoofline, type MeasuredPass } from '../../../src/planning/profile/fit-roofline.ts';
import { rooflineProfile, type RooflineOptions } from '../../../src/planning/profile/roofline-profile.ts';

const TRUE: RooflineOptions = { bandwidthEfficiency: 0.63, computeEfficiency: 0.41, layerMs: 0.031, passMs: 0 };

function passesOf(shapes: readonly (readonly [number, number, number])[], noise = 0): MeasuredPass[] {
  const machine = rooflineProfile('a100-80gb', 'qwen2.5-7b', TRUE);
  return shapes.map(([rows, newTokens, contextTokens], index) => {
    const milliseconds = machine.passMs('target', { rows, newTokens, contextTokens }) * Math.exp(noise * (index % 2 === 0 ? 1 : -1));
    return { rows, newTokens, contextTokens, milliseconds };
  });
}

const SHAPES = [
  [1, 1, 100],
  [8, 1, 100],
  [64, 1, 4000],
  [64, 8, 100],
  [256, 8, 100],
  [1, 4096, 0],
] as const;

describe('fitRoofline', () => {
  test('finds the constants that passes were made with', () => {
    const { profile, error, undetermined, ratios } = fitRoofline('a100-80gb', 'qwen2.5-7b', passesOf(SHAPES));
    expect(profile.assumptions.bandwidthEfficiency).toBeCloseTo(0.63, 2);
    expect(profile.assumptions.computeEfficiency).toBeCloseTo(0.41, 2);
    expect(profile.assumptions.layerMs).toBeCloseTo(0.031, 2);
    expect(error).toBeLessThan(1e-3);
    expect(undetermined).toEqual([]);
    for (const ratio of ratios) expect(ratio).toBeCloseTo(1, 2);
  });

  test('says how far off it is where passes contradict each other', () => {
    const { error } = fitRoofline('a100-80gb', 'qwen2.5-7b', passesOf(SHAPES, 0.1));
    expect(error).toBeGreaterThan(0.02);
    expect(error).toBeLessThanOrEqual(0.1001);
  });

  test('leaves alone what no pass is bound by, and says so', () => {
    const passes = passesOf([
      [1, 1, 100],
      [2, 1, 4000],
      [8, 1, 9000],
    ]);
    const { profile, undetermined } = fitRoofline('a100-80gb', 'qwen2.5-7b', passes, { computeEfficiency: 0.5 });
    expect(undetermined).toEqual(['computeEfficiency']);
    expect(profile.assumptions.computeEfficiency).toBe(0.5);
    expect(profile.passMs('target', { rows: 4, newTokens: 1, contextTokens: 6000 })).toBeCloseTo(
      rooflineProfile('a100-80gb', 'qwen2.5-7b', TRUE).passMs('target', { rows: 4, newTokens: 1, contextTokens: 6000 }),
      1,
    );
  });

  test('refuses fewer passes than constants, and times that are none', () => {
    expect(() => fitRoofline('l40s', 'qwen2.5-7b', passesOf(SHAPES).slice(0, 2))).toThrow(InvalidOptionError);
    expect(() =>
      fitRoofline(
        'l40s',
        'qwen2.5-7b',
        passesOf(SHAPES).map((pass) => ({ ...pass, milliseconds: 0 })),
      ),
    ).toThrow(/passes\.milliseconds/);
  });
});
