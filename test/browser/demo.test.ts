/**
 * The demo page in a real browser, by mouse and by keyboard. Runs against `dist`, which `npm run build:js` makes.
 * Screenshots are left in coverage/demo; small ones are compared with test/browser/baselines for gross breakage:
 * UPDATE_BASELINES=1 writes them anew.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { build, preview, type PreviewServer } from 'vite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { aBrowser, launchBrowser, ROOT, titled, type TestBrowser } from '../support/browser.ts';
import { compareScreenshot } from '../support/screenshots.ts';

const CONFIG = join(ROOT, 'examples/browser/vite.config.ts');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ARTEFACTS = join(ROOT, 'coverage/demo');
const BASELINES = join(ROOT, 'test/browser/baselines');
const SIZES = { desktop: { width: 1366, height: 900 }, phone: { width: 390, height: 844 } } as const;

/** Share of a shrunk screenshot that may differ: answers, times and the chart do from run to run. */
const MOST_DIFFERENT = 0.08;

/** The page with an engine that needs no model, and writes slowly enough to be stopped. */
const SCRIPTED = '?engine=scripted';

describe.skipIf(aBrowser.missing)(titled('the demo page', aBrowser), () => {
  let outDir: string;
  let server: PreviewServer;
  let browser: TestBrowser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    outDir = mkdtempSync(join(tmpdir(), 'latency-tts-demo-'));
    await build({ configFile: CONFIG, logLevel: 'error', build: { outDir } });
    server = await preview({ configFile: CONFIG, logLevel: 'error', build: { outDir }, preview: { port: 0, strictPort: false } });
    browser = await launchBrowser({ viewport: SIZES.desktop });
    page = await browser.context.newPage();
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol.startsWith('http') && origin !== new URL(address()).origin) complaints.push(`asked elsewhere: ${request.url()}`);
    });
    page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
    mkdirSync(ARTEFACTS, { recursive: true });
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(outDir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    complaints = [];
    await page.setViewportSize(SIZES.desktop);
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
  });

  const address = (): string => server.resolvedUrls!.local[0]!;

  async function open(query = ''): Promise<void> {
    await page.goto(`${address()}${query}`);
    await page.waitForSelector('.engine-status[data-status=ready]', { timeout: 60_000 });
  }

  const text = async (selector: string): Promise<string> => ((await page.textContent(selector)) ?? '').trim();
  /** The page draws a change in its next frame. */
  const shows = (selector: string, wanted: string | RegExp): Promise<void> =>
    expect.poll(() => text(selector)).toEqual(typeof wanted === 'string' ? wanted : expect.stringMatching(wanted));
  const choose = (name: string, value: string): Promise<void> => page.check(`input[name=${name}][value="${value}"]`);
  const problem = (): Promise<string> => page.inputValue('#problem');
  const setDeadline = (place: number): Promise<void> => page.fill('#deadline', String(place));
  const finished = (): Promise<unknown> => page.waitForSelector('#replay:not([hidden])', { timeout: 60_000 });
  const answered = async (): Promise<void> => {
    await finished();
    await page.waitForFunction(() => document.querySelector('#clock-label')?.textContent === 'Answered in');
  };
  /** Milliseconds of `340 ms` or `1.26 s`. */
  const milliseconds = (quantity: string): number => parseFloat(quantity) * (quantity.endsWith('ms') ? 1 : 1000);
  const castVotes = (): Promise<number> => page.locator('.cell.is-cast').count();

  async function violations(): Promise<string[]> {
    // Colours on their way from one theme to the other are those of neither.
    await page.evaluate(
      async () =>
        void (await Promise.allSettled(
          document
            .getAnimations()
            .filter((animation) => animation instanceof CSSTransition)
            .map(({ finished }) => finished),
        )),
    );
    await page.evaluate(AXE);
    const { violations: found } = await page.evaluate(() => (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run());
    return found.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.map(({ html }) => html).join(' ')}`);
  }

  test('solves a problem that was picked, by clicks, before the deadline', async () => {
    await open();
    // Adaptive ones may not pay on the machine at hand.
    await choose('drafts', '4');
    await choose('tier', '2');
    const before = await problem();
    await page.click('#another-problem');
    await expect.poll(problem).not.toBe(before);
    await setDeadline(17);
    await shows('#deadline-value', '10 s');
    await page.click('#run');
    await answered();
    expect(await text('#answer')).toMatch(/^\d+$/);
    expect(await text('#answer-note')).toMatch(/^(Right|Wrong).* of 8 votes/);
    expect(milliseconds(await text('#clock'))).toBeLessThan(10_000);
    expect(await castVotes()).toBeGreaterThan(0);
    expect(await page.locator('.branch').count()).toBe(8);
    expect(await text('.branch-text >> nth=0')).toMatch(/\d/);
    expect(await text('#drafts-note')).toMatch(/of \d+ stood/);
    expect(await text('#plan-why')).toMatch(/bound/);
    expect(complaints).toEqual([]);
  });

  test('solves on WebGPU too', { timeout: 240_000 }, async () => {
    await open();
    await choose('tier', '2');
    await choose('branches', '1');
    await choose('drafts', 'off');
    await choose('device', 'webgpu');
    await setDeadline(20);
    await shows('#deadline-value', '30 s');
    await page.click('#run');
    // The engine is loaded first, and its shaders are compiled in software.
    await page.waitForSelector('#replay:not([hidden])', { timeout: 200_000 });
    expect(await text('.engine-status')).toMatch(/WebGPU, loaded in/);
    expect(await text('#answer')).toMatch(/^\d+$/);
    expect(await text('#answer-note')).toMatch(/^(Right|Wrong).* of 1 votes/);
    expect(await castVotes()).toBe(1);
    expect(await text('.branch-text >> nth=0')).toMatch(/\d/);
    expect(complaints).toEqual([]);
  });

  test('plans on this device, and follows the plan as the deadline moves', { timeout: 300_000 }, async () => {
    await open();
    await choose('tier', '2');
    await page.click('#make-plan');
    await page.waitForSelector('#follow-label:not([hidden])', { timeout: 270_000 });
    await setDeadline(20);
    await shows('#plan-facts', /Expected\d+ % right \(\d+ % to \d+ %\)in [\d.]+ m?s; 95 of 100 within/);
    const most = Number(await page.inputValue('input[name=branches]:checked'));
    expect(most).toBeGreaterThan(1);
    await page.click('#run');
    await answered();
    expect(await text('#answer')).toMatch(/^\d+$/);
    await choose('branches', '1');
    await expect.poll(() => page.isChecked('#follow')).toBe(false);
    await page.check('#follow');
    await expect.poll(() => page.inputValue('input[name=branches]:checked')).toBe(String(most));
    expect(complaints).toEqual([]);
  });

  test('is driven by the keyboard alone', async () => {
    await open(SCRIPTED);
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.id || document.activeElement?.getAttribute('name') || '');
    const tabTo = async (name: string): Promise<void> => {
      for (let presses = 0; presses < 40 && (await focused()) !== name; presses++) await page.keyboard.press('Tab');
      expect(await focused()).toBe(name);
    };
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.className)).toBe('skip-link');
    await tabTo('tier');
    const before = await problem();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(problem).not.toBe(before);
    await tabTo('deadline');
    await page.keyboard.press('End');
    await expect.poll(() => page.getAttribute('#deadline', 'aria-valuetext')).toBe('30 seconds');
    await tabTo('branches');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => page.locator('.branch').count()).toBe(4);
    for (let presses = 0; presses < 10 && (await focused()) !== 'run'; presses++) await page.keyboard.press('Shift+Tab');
    expect(await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)).toBe('solid');
    await page.keyboard.press('Enter');
    await answered();
    expect(await text('#answer')).toMatch(/^\d+$/);
    await tabTo('scrub');
    await page.keyboard.press('Home');
    await shows('#answer', '–');
    await page.keyboard.press('End');
    await shows('#answer', /^\d+$/);
    expect(complaints).toEqual([]);
  });

  test('stops at once, by button and by Escape, and can start again', async () => {
    await open(SCRIPTED);
    await setDeadline(20);
    for (const stop of [() => page.click('#stop'), () => page.keyboard.press('Escape')]) {
      await page.click('#run');
      await page.waitForFunction(() => /[1-9]\d* tokens/.test(document.querySelector('#branches-note')?.textContent ?? ''));
      await stop();
      await shows('#answer-note', /^Stopped/);
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('run');
      await shows('#run-label', 'Solve in 30 s');
    }
    await page.click('#run');
    await answered();
    expect(complaints).toEqual([]);
  });

  test('shows which drafted tokens stood and which fell', async () => {
    await open(SCRIPTED);
    await choose('drafts', '4');
    await page.waitForSelector('.engine-status[data-status=ready]');
    await page.click('#run');
    await answered();
    expect(await page.locator('#draft-text .token.stood').count()).toBeGreaterThan(4);
    let fallen = 0;
    for (let branch = 0; branch < 8; branch++) {
      await page.click(`.branch >> nth=${branch} >> button`);
      await shows('.draft-branch', `Branch ${branch + 1}`);
      const kept = await page.locator('#draft-text .token:not(.fell)').allTextContents();
      const written = (await page.textContent(`.branch >> nth=${branch} >> .branch-text`)) ?? '';
      expect(kept.join('')).toBe(written.replaceAll('\n', '↵'));
      fallen += await page.locator('#draft-text .token.fell').count();
    }
    expect(fallen).toBeGreaterThan(0);
  });

  test('shows a finished run again, at any moment', async () => {
    await open(SCRIPTED);
    await page.click('#run');
    await answered();
    const end = await text('#branches-note');
    await page.fill('#scrub', '400');
    await shows('#clock-label', 'Time left');
    await page.selectOption('#replay-speed', '1');
    await page.click('#replay-play');
    await shows('#branches-note', end);
  });

  test('tells a screen reader of the start and the end, and little between', async () => {
    await open(SCRIPTED);
    await page.evaluate(() => {
      const said: string[] = [];
      new MutationObserver(() => said.push(document.querySelector('#announcer')?.textContent ?? '')).observe(document.querySelector('#announcer')!, {
        childList: true,
      });
      Object.assign(globalThis, { said });
    });
    await page.click('#run');
    await answered();
    const heard = (): Promise<string[]> => page.evaluate(() => (globalThis as unknown as { said: string[] }).said);
    await expect.poll(async () => (await heard()).at(-1)).toMatch(/^(The|No) answer/);
    const said = await heard();
    expect(said.length).toBeLessThan(6);
    expect(said[0]).toMatch(/^(Loading|Solving)/);
    expect(said.at(-1)).toMatch(/^The answer is \d+, in .+\.$/);
  });

  test('keeps a chosen theme, and follows the system without one', async () => {
    const background = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await open(SCRIPTED);
    const light = await background();
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await background();
    expect(dark).not.toBe(light);
    await choose('theme', 'light');
    expect(await background()).toBe(light);
    await page.reload();
    expect(await background()).toBe(light);
    await choose('theme', 'auto');
    expect(await background()).toBe(dark);
  });

  test('moves nothing for those who want that', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await open(SCRIPTED);
    const moving = await page.evaluate(
      () =>
        Array.from(document.querySelectorAll('*')).filter((element) => {
          const { transitionDuration, animationName } = getComputedStyle(element);
          return transitionDuration !== '0s' || animationName !== 'none';
        }).length,
    );
    expect(moving).toBe(0);
  });

  describe('behind a run', () => {
    beforeAll(async () => {
      complaints = [];
      await page.setViewportSize(SIZES.desktop);
      await open(SCRIPTED);
      await choose('drafts', '4');
      await choose('branches', '16');
      await page.waitForSelector('.engine-status[data-status=ready]');
      await page.click('#run');
      await answered();
      await page.waitForSelector('#chart svg');
    });

    test.each([320, 390, 768, 1024, 1366, 1920])('fits a screen %i pixels wide, with 16 branches', async (width) => {
      await page.setViewportSize({ width, height: 800 });
      await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      const overlaps = await page.evaluate(() => {
        const parts = Array.from(document.querySelectorAll('.column > *')).map((part) => ({
          name: part.id || part.className,
          box: part.getBoundingClientRect(),
        }));
        return parts.flatMap((one, place) =>
          parts
            .slice(place + 1)
            .filter(({ box }) => box.left < one.box.right && box.right > one.box.left && box.top < one.box.bottom && box.bottom > one.box.top)
            .map(({ name }) => `${one.name} and ${name}`),
        );
      });
      expect(overlaps).toEqual([]);
    });

    const looks = Object.keys(SIZES).flatMap((size) => (['light', 'dark'] as const).map((colorScheme) => ({ size: size as keyof typeof SIZES, colorScheme })));
    test.each(looks)('is accessible on a $size in $colorScheme colours, and looks as it did', async ({ size, colorScheme }) => {
      await page.setViewportSize(SIZES[size]);
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.evaluate(() => document.querySelector('details')?.setAttribute('open', ''));
      expect(await violations()).toEqual([]);
      await page.evaluate(() => document.querySelector('details')?.removeAttribute('open'));
      await page.evaluate(() => scrollTo(0, 0));
      const shot = await page.screenshot({ fullPage: true, animations: 'disabled', timeout: 90_000 });
      writeFileSync(join(ARTEFACTS, `${size}-${colorScheme}.png`), shot);
      expect(compareScreenshot(shot, join(BASELINES, `${size}-${colorScheme}.png`))).toBeLessThan(MOST_DIFFERENT);
    });
  });
});
