import { preview } from 'vite';
import { launchBrowser } from '/work/wt/e-demo/test/support/browser.ts';
const server = await preview({ root: '/work/wt/e-demo/examples/browser', preview: { port: 0, host: '127.0.0.1' }, logLevel: 'error' });
const url = server.resolvedUrls!.local[0]!;
const { context, close } = await launchBrowser({ viewport: { width: 1366, height: 900 } });
const t0 = Date.now();
const log = (...a: unknown[]) => console.log(((Date.now() - t0) / 1000).toFixed(1), ...a);
try {
  const page = await context.newPage();
  page.on('console', (m) => log('console', m.type(), m.text()));
  page.on('pageerror', (e) => log('pageerror', e.message));
  await page.goto(url);
  log('loaded');
  for (let i = 0; i < 12; i++) {
    log(await page.textContent('#engine-text'), '|', await page.textContent('#frontier-note'));
    await page.waitForTimeout(1500);
  }
  log('click');
  await page.click('#run');
  log('clicked');
  for (let i = 0; i < 6; i++) {
    log(
      await page.textContent('#answer'),
      await page.textContent('#clock'),
      await page.textContent('#clock-note'),
      await page.textContent('#branches-note'),
      await page.textContent('#drafts-note'),
    );
    await page.waitForTimeout(500);
  }
  log('isolated', await page.evaluate(() => crossOriginIsolated));
  await page.screenshot({ path: '/tmp/shots-real/probe.png' });
  log('shot');
  await page.screenshot({ path: '/tmp/shots-real/probe-full.png', fullPage: true });
  log('full');
} finally {
  await close();
  await server.close();
}
