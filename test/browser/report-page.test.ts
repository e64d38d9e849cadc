/** The page of `latency-tts report`, opened from a file. Runs against `dist`, which `npm run build:js` makes. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writePlanFile } from '../../src/cli/planning/plan-file.ts';
import { LatencyOptimizer } from '../../src/planning/optimizer/latency-optimizer.ts';
import { MeasuredProfile } from '../../src/planning/profile/measured-profile.ts';
import type { ProfileData } from '../../src/planning/profile/profile-data.ts';
import { inventTraces, PROFILE } from '../planning/optimizer/recorded-problems.ts';
import { aBrowser, launchBrowser, titled, type TestBrowser } from '../support/browser.ts';
import { runHere } from '../support/cli-host.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PATIENCE = 60_000;

/** A target timed at two numbers of rows and of new tokens. */
const MEASURED: ProfileData = {
  format: 'latency-tts/profile',
  version: 1,
  measuredAt: '2025-06-01T00:00:00.000Z',
  engine: 'invented',
  models: { target: { name: 'invented </script>' } },
  machine: {},
  requestMs: 1,
  parts: (['target', 'prefill'] as const).map((part) => ({
    part,
    points: [1, 4].flatMap((rows) =>
      [1, 5].map((newTokens) => {
        const medianMs = 2 + 0.1 * rows * newTokens;
        return { rows, newTokens, contextTokens: 32, medianMs, p10Ms: medianMs, p90Ms: medianMs, samples: 3 };
      }),
    ),
    spread: [[0.5, 1]],
  })),
};

describe.skipIf(aBrowser.missing)(titled('the report', aBrowser), () => {
  const directory = mkdtempSync(join(tmpdir(), 'latency-tts-report-'));
  const complaints: string[] = [];
  const requests: string[] = [];
  let browser: TestBrowser;
  let page: Page;

  beforeAll(async () => {
    const traces = inventTraces({ count: 8, branches: 4, ease: (problem) => 0.3 + 0.08 * problem });
    const optimizer = await LatencyOptimizer.fit({ traces, profile: PROFILE, branches: [1, 4], draftLengths: [0, 2], replicas: 1, deadlines: 5 });
    const [plan, html] = [join(directory, 'plan.json'), join(directory, 'report.html')];
    await writePlanFile(plan, { optimizer, profile: new MeasuredProfile(MEASURED) });
    expect(await runHere(['report', '--from', plan, '--out', html])).toMatchObject({ code: 0 });
    browser = await launchBrowser();
    page = await browser.context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(html).href);
    await page.waitForFunction(() => Array.from(document.querySelectorAll('figure')).every((figure) => figure.querySelector('svg')));
  }, PATIENCE);

  afterAll(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true });
  });

  test('draws its charts, asks for nothing, complains of nothing', async () => {
    const titles = await page.locator('h2').allTextContents();
    expect(titles).toEqual(['Accuracy against latency', 'Branches and drafts as the deadline grows', 'Step times']);
    expect(await page.locator('figcaption').count()).toBe(5);
    expect(requests).toHaveLength(1);
    expect(complaints).toEqual([]);
  });

  test('has the figures of each section in a table', async () => {
    const sections = await page.locator('section').all();
    for (const section of sections) {
      await section.locator('details').first().locator('summary').click();
      expect(await section.locator('details').first().locator('tbody tr').count()).toBeGreaterThan(0);
    }
    expect(await page.locator('section').last().locator('tbody td').allTextContents()).toContain('2.4');
  });

  test.each(['light', 'dark'] as const)('fits a phone and is accessible, %s', async (colorScheme) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme });
    await page.waitForFunction(() => Array.from(document.querySelectorAll('figure svg')).every((chart) => chart.getBoundingClientRect().right <= 360));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run());
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
  });
});
