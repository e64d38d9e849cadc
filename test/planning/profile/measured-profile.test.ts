import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { InvalidOptionError, ProfileMismatchError } from '../../../src/errors.ts';
import { loadProfile, MeasuredProfile } from '../../../src/planning/profile/measured-profile.ts';
import type { ProfileData } from '../../../src/planning/profile/profile-data.ts';

const point = (rows: number, newTokens: number, medianMs: number): ProfileData['parts'][number]['points'][number] => ({
  rows,
  newTokens,
  contextTokens: 16,
  medianMs,
  p10Ms: 0.9 * medianMs,
  p90Ms: 1.2 * medianMs,
  samples: 7,
});

const DATA: ProfileData = {
  format: 'latency-tts/profile',
  version: 1,
  measuredAt: '2026-11-25T01:00:00.000Z',
  engine: 'speculative',
  models: { target: { name: 'large', fingerprint: 'a-b', vocabularySize: 255, settings: { threads: 1 } }, draft: { name: 'small' } },
  machine: { processor: 'Fast 9000', cores: 8, platform: 'linux x64', versions: { node: '20.0.0' } },
  requestMs: 1.5,
  parts: [
    {
      part: 'target',
      points: [point(1, 1, 2), point(8, 1, 4), point(1, 5, 3), point(8, 5, 9)],
      spread: [
        [0.1, 0.8],
        [0.5, 1],
        [0.9, 1.4],
      ],
    },
    { part: 'prefill', points: [point(1, 64, 8)], spread: [[0.5, 1]] },
  ],
};

const change = (edit: (data: Record<string, unknown>) => void): unknown => {
  const copy = structuredClone(DATA) as unknown as Record<string, unknown>;
  edit(copy);
  return copy;
};

describe('a saved profile', () => {
  test('comes back as it was, from text and from what was parsed', () => {
    const profile = new MeasuredProfile(DATA);
    const text = JSON.stringify(profile);
    expect(JSON.parse(text)).toEqual(DATA);
    for (const again of [loadProfile(text), loadProfile(JSON.parse(text))]) {
      expect(again.toJSON()).toEqual(DATA);
      expect(again.label).toBe('large, draft small on Fast 9000 (measured 2026-11-25)');
      expect(again.warnings).toEqual([]);
    }
  });

  test('predicts after its return what it predicted before', () => {
    const profile = new MeasuredProfile(DATA);
    const again = loadProfile(JSON.stringify(profile));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 900 }), (rows, newTokens, contextTokens) => {
        const shape = { rows, newTokens, contextTokens };
        expect(again.passMs('target', shape)).toBe(profile.passMs('target', shape));
      }),
    );
  });

  test('spreads about 1, and never falls', () => {
    const profile = new MeasuredProfile(DATA);
    expect([0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999].map((probability) => Number(profile.spread('target', probability).toFixed(6)))).toEqual([
      0.8, 0.8, 0.9, 1, 1.2, 1.4, 1.4,
    ]);
    expect(profile.spread('prefill', 0.99)).toBe(1);
    expect(() => profile.spread('draft', 0.5)).toThrow(/`part`.*target, prefill/);
    expect(() => profile.spread('target', 0)).toThrow(InvalidOptionError);
  });

  test.each([
    ['no JSON', '{', /`profile` to be JSON/],
    ['something else', { hello: 1 }, /`profile\.format`/],
    ['a later version', change((data) => (data['version'] = 2)), /`profile\.version`.*measure again/],
    [
      'a time of nothing',
      change((data) => Object.assign((data['parts'] as ProfileData['parts'])[0]!.points[1]!, { medianMs: 0 })),
      /profile\.parts\.0\.points\.1\.medianMs/,
    ],
    ['a hole in the grid', change((data) => (data['parts'] as ProfileData['parts'])[0]!.points.pop()), /`points` to be a full grid/],
  ])('is refused when it is %s', (_, json, message) => {
    expect(() => loadProfile(json)).toThrow(InvalidOptionError);
    expect(() => loadProfile(json)).toThrow(message);
  });
});

describe('a profile of something else', () => {
  test.each([
    ['another model', { target: { name: 'huge' } }, 'Its target is “large”, not “huge”.'],
    ['other weights', { target: { name: 'large', fingerprint: 'a-c' } }, 'Its target “large” has weights “a-b”, not “a-c”.'],
    ['other threads', { target: { settings: { threads: 2 } } }, 'Its target “large” has threads 1, not 2.'],
    ['a draft it lacks', { scorer: { name: 'judge' } }, 'It has no scorer.'],
    ['another machine', { machine: { processor: 'Slow 1' } }, 'It was measured with processor “Fast 9000”, not “Slow 1”.'],
    ['fewer cores', { machine: { cores: 2 } }, 'It was measured with cores 8, not 2.'],
  ])('is told by name: %s', (_, expect_, sentence) => {
    const onWarning = vi.fn();
    const profile = loadProfile(DATA, { expect: expect_, onWarning });
    expect(profile.warnings).toEqual([sentence]);
    expect(onWarning).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(sentence));
    expect(() => loadProfile(DATA, { expect: expect_, strict: true })).toThrow(ProfileMismatchError);
  });

  test('is not told where nothing is known to compare with', () => {
    const { warnings } = loadProfile(DATA, { expect: { target: { name: 'large', contextTokens: 4096 }, machine: {} }, strict: true });
    expect(warnings).toEqual([]);
  });
});
