/** The package in a page of a real browser. Runs against `dist`, which `npm run build:js` makes. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WebDevice } from '../../src/index.ts';
import { Decoder } from '../../src/engines/decoder.ts';
import { bundledModels } from '../../src/node/bundled-models.ts';
import { PrmScorer } from '../../src/scoring/prm-scorer.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { aBrowser, launchBrowser, titled, type TestBrowser } from '../support/browser.ts';
import { buildApp, openPage, serve, type Site } from './support/site.ts';

const PROMPT = 'Ben has 12 coins. He finds 30 coins. How many coins does Ben have now?';
const TOKENS = 6;
/** Shaders are compiled in software, and a pass takes seconds when the machine is busy. */
const PATIENCE = 240_000;

let browser: TestBrowser;
let site: Site;
let page: Page;
let complaints: string[];
/** Greedy tokens of a branch on the CPU in Node. */
let expected: Readonly<Record<'target' | 'draft', readonly number[]>>;

async function greedyTokens(name: 'target' | 'draft'): Promise<readonly number[]> {
  const engine = new Decoder({ model: (await bundledModels())[name], thread: 'main' });
  const session = await engine.open(PROMPT, { sampling: { temperature: 0 } });
  const { tokens } = await session.branch(1)[0]!.advance({ until: { tokens: TOKENS } });
  await engine.dispose();
  return tokens;
}

describe.skipIf(aBrowser.missing)(titled('a page built by Vite without configuration', aBrowser), () => {
  beforeAll(async () => {
    expected = { target: await greedyTokens('target'), draft: await greedyTokens('draft') };
    site = await serve(await buildApp());
    browser = await launchBrowser();
    ({ page, complaints } = await openPage(browser, site));
  }, PATIENCE);

  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  const decode = (device: WebDevice, model: 'target' | 'draft', inWorker: boolean, draftLength?: number) =>
    page.evaluate(([choice, prompt, tokens]) => window.tests.decode(choice, prompt, tokens), [
      { device, model, inWorker, ...(draftLength !== undefined && { draftLength }) },
      PROMPT,
      TOKENS,
    ] as const);

  test('decodes on WebAssembly what Node decodes on the CPU, and tells what it loads', { timeout: PATIENCE }, async () => {
    const { tokens, told } = await decode('wasm', 'target', false);
    expect(tokens).toEqual([expected.target, expected.target]);
    expect(told).toMatchObject({ model: 'target', isCached: false });
    expect(told!.loadedBytes).toBeGreaterThan(2e6);
  });

  test('decodes in a worker, which takes the model out of the cache', { timeout: PATIENCE }, async () => {
    const before = site.requests.length;
    const { tokens, told, forwardCount } = await decode('wasm', 'target', true);
    expect(tokens).toEqual([expected.target, expected.target]);
    expect(told).toMatchObject({ model: 'target', isCached: true });
    expect(site.requests.slice(before).filter((path) => path.startsWith('/models/'))).toEqual([]);
    // The branches are decoded together: messages reach the loop between passes.
    expect(forwardCount).toBeLessThanOrEqual(TOKENS + 3);
  });

  test('runs a strategy to the same answer as Node', { timeout: PATIENCE }, async () => {
    const engine = new Decoder({ model: (await bundledModels()).target, thread: 'main' });
    const solved = await new SelfConsistency({ branches: 2, sampling: { temperature: 0 } }).run({ engine, prompt: PROMPT, deadlineMs: 100_000, seed: 1 });
    await engine.dispose();
    const { text, answer } = await page.evaluate((prompt) => window.tests.solve({ device: 'wasm', model: 'target', inWorker: true }, prompt), PROMPT);
    expect({ text, answer }).toEqual({ text: solved.text, answer: solved.answer });
  });

  test.each([true, false])('aborts while the loop runs (in a worker: %s), and goes on afterwards', { timeout: PATIENCE }, async (inWorker) => {
    const choice = { device: 'wasm', model: 'target', inWorker } as const;
    const { aborted, after } = await page.evaluate(([choice, prompt]) => window.tests.abort(choice, prompt), [choice, PROMPT] as const);
    expect(aborted).toBe('Error: enough');
    expect(after).toBe(2);
  });

  test('scores in a worker as in the page to the bit, and as Node does', { timeout: PATIENCE }, async () => {
    const solutions = ['12+30=42\n#### 42', '12+30=43\n#### 43'];
    const scorer = new PrmScorer({ model: (await bundledModels()).prm, thread: 'main' });
    const expected = await scorer.score(
      PROMPT,
      solutions.map((text) => ({ text, isFinished: true })),
    );
    await scorer.dispose();
    const inPage = await page.evaluate(([prompt, texts]) => window.tests.score(false, prompt, texts), [PROMPT, solutions] as const);
    const before = site.requests.length;
    const inWorker = await page.evaluate(([prompt, texts]) => window.tests.score(true, prompt, texts), [PROMPT, solutions] as const);
    for (const outcome of [inPage, inWorker]) {
      expect(outcome).toMatchObject({ aborted: 'Error: enough', again: outcome.scores, told: { model: 'prm' }, estimateMs: expect.any(Number) as number });
      expect(outcome.failures).toEqual([expect.stringMatching(/^LTTS_CONTEXT_LENGTH: .* 512/)]);
      for (const [index, steps] of expected.entries()) expect(outcome.scores[index]).toEqual(steps!.map((score) => expect.closeTo(score, 4) as number));
    }
    expect(inWorker.scores).toEqual(inPage.scores);
    // The worker takes the model out of the cache that the page has filled.
    expect(site.requests.slice(before).filter((path) => path.startsWith('/models/'))).toEqual([]);
    expect(inWorker.told).toMatchObject({ isCached: true });
  });

  test('errors keep their class and message across the worker', { timeout: PATIENCE }, async () => {
    expect(await page.evaluate(() => window.tests.tooLong({ device: 'wasm', model: 'draft', inWorker: true }))).toMatch(/^LTTS_CONTEXT_LENGTH: .* 512/);
  });

  test('models that are not there fail by their address', { timeout: PATIENCE }, async () => {
    expect(await page.evaluate(() => window.tests.missing('elsewhere/'))).toMatch(/^LTTS_MODEL_LOAD: http.*elsewhere\/target\/config.json.*404/);
  });

  test('a software adapter is no reason to leave WebAssembly', { timeout: PATIENCE }, async () => {
    const { tokens } = await decode('auto', 'draft', false);
    expect(tokens).toEqual([expected.draft, expected.draft]);
    expect(site.requests.filter((path) => path.includes('asyncify') && path.endsWith('.wasm'))).toEqual([]);
  });

  test('decodes on WebGPU what Node decodes on the CPU', { timeout: PATIENCE }, async () => {
    expect((await decode('webgpu', 'draft', false)).tokens).toEqual([expected.draft, expected.draft]);
    expect(site.requests.filter((path) => path.includes('asyncify') && path.endsWith('.wasm'))).not.toEqual([]);
  });

  test('speculates on WebGPU without changing a token', { timeout: PATIENCE }, async () => {
    const { tokens, accepted } = await decode('webgpu', 'draft', false, 2);
    expect(tokens).toEqual([expected.draft, expected.draft]);
    // The draft model is the target: whatever it proposes stands.
    expect(accepted).toBeGreaterThan(0);
  });

  test('decodes and aborts on WebGPU in a worker', { timeout: PATIENCE }, async () => {
    const choice = { device: 'webgpu', model: 'draft', inWorker: true } as const;
    const { aborted, after } = await page.evaluate(([choice, prompt]) => window.tests.abort(choice, prompt), [choice, PROMPT] as const);
    expect(aborted).toBe('Error: enough');
    expect(after).toBe(2);
  });

  test.each(['masked', 'gqa'] as const)(
    'decodes the draft in the %s layout of the hub on WebGPU, with its caches there',
    { timeout: PATIENCE },
    async (layout) => {
      const choice = { device: 'webgpu', model: 'draft', layout, inWorker: false } as const;
      const { tokens } = await page.evaluate(([choice, prompt, tokens]) => window.tests.decode(choice, prompt, tokens), [choice, PROMPT, TOKENS] as const);
      expect(tokens).toEqual([expected.draft, expected.draft]);
    },
  );

  test('changes graphs with GroupQueryAttention in WebAssembly, which decode what Node decodes', { timeout: PATIENCE }, async () => {
    expect(await page.evaluate(() => window.tests.padsRows('gqa'))).toBe(false);
    const choice = { device: 'wasm', model: 'draft', layout: 'gqa', inWorker: false } as const;
    const { tokens } = await page.evaluate(([choice, prompt, tokens]) => window.tests.decode(choice, prompt, tokens), [choice, PROMPT, TOKENS] as const);
    expect(tokens).toEqual([expected.draft, expected.draft]);
  });

  test('a lost device fails what is under way, by name', { timeout: PATIENCE }, async () => {
    const choice = { device: 'webgpu', model: 'draft', inWorker: false } as const;
    const lost = await page.evaluate(([choice, prompt]) => window.tests.lose(choice, prompt), [choice, PROMPT] as const);
    expect(lost).toMatch(/^LTTS_DEVICE_LOST: .*make a new one/);
  });

  test('nothing was complained of, and nothing fetched from elsewhere', () => {
    expect(complaints.filter((complaint) => !complaint.includes('elsewhere'))).toEqual([]);
  });
});
