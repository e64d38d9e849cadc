/** What each export costs a page. Runs against `dist`, which `npm run build:js` makes. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bundleKilobytes } from './support/bundle-size.ts';

/**
 * Most kilobytes of each export that runs in a browser, with everything it loads at once, minified and compressed. One that grows beyond
 * its budget has found a reason, or a mistake: a whole library for one function, a table that nobody needs.
 */
const BUDGETS: Readonly<Record<string, number>> = {
  '.': 192,
  './ai-sdk': 84,
  './langchain': 60,
  './problems': 6,
  './testing': 3,
  './worker': 62,
};

const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly exports: Readonly<Record<string, { readonly import?: { readonly default: string } }>>;
};

/** Most kilobytes of a page that uses these alone: of one extractor none of the others, and none of what compares answers. */
const ALONE: Readonly<Record<string, number>> = { lastNumber: 4, boxedAnswer: 4.5, choiceAnswer: 8.5, extractAnswer: 10.5 };

describe('the bundle of', () => {
  test.each(Object.entries(BUDGETS))('%s stays below %i kB', { timeout: 120_000 }, async (name, budget) => {
    const kilobytes = await bundleKilobytes(exports[name]!.import!.default);
    expect(kilobytes).toBeGreaterThan(0.5);
    expect(kilobytes).toBeLessThan(budget);
  });

  test.each(Object.entries(ALONE))('%s alone stays below %d kB', { timeout: 120_000 }, async (name, budget) => {
    const kilobytes = await bundleKilobytes(exports['.']!.import!.default, [name]);
    expect(kilobytes).toBeGreaterThan(0.5);
    expect(kilobytes).toBeLessThan(budget);
  });
});
