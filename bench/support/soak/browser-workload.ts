/** The package in a page of headless Chromium, whose model runs in a Web Worker. */
import type { CDPSession } from 'playwright-core';
import { buildApp, openPage, serve } from '../../../test/browser/support/site.ts';
import { launchBrowser } from '../../../test/support/browser.ts';
import type { RunningWorkload, Workload } from './workload.ts';

const PROMPT = 'Ben has 12 coins. He finds 30 coins. How many coins does Ben have now?';

export const browserWorkload: Workload = { name: 'Decoder in a Web Worker', start: startPage };

async function startPage(): Promise<RunningWorkload> {
  const site = await serve(await buildApp());
  const browser = await launchBrowser();
  const { page } = await openPage(browser, site);
  const session = await browser.context.newCDPSession(page);
  const workers = await WorkerSessions.attach(session);
  await page.evaluate(() => window.tests.openEngine({ device: 'wasm', model: 'target', inWorker: true }));
  return {
    request: (index) => page.evaluate(([prompt, seed]) => window.tests.runOpen(prompt, seed), [PROMPT, index] as const),
    liveBytes: async () => {
      await session.send('HeapProfiler.collectGarbage');
      const { usedSize } = await session.send('Runtime.getHeapUsage');
      return usedSize + (await workers.liveBytes());
    },
    close: async () => {
      await browser.close();
      await site.close();
    },
  };
}

/** Speaks with the workers of a page, which Playwright has no sessions for. */
class WorkerSessions {
  readonly #page: CDPSession;
  readonly #ids = new Set<string>();
  readonly #answers = new Map<number, (result: unknown) => void>();
  #next = 0;

  private constructor(page: CDPSession) {
    this.#page = page;
    page.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      if (targetInfo.type === 'worker') this.#ids.add(sessionId);
    });
    page.on('Target.detachedFromTarget', ({ sessionId }) => this.#ids.delete(sessionId));
    page.on('Target.receivedMessageFromTarget', ({ message }) => {
      const { id, result } = JSON.parse(message) as { readonly id?: number; readonly result?: unknown };
      if (id !== undefined) this.#answers.get(id)?.(result);
    });
  }

  static async attach(page: CDPSession): Promise<WorkerSessions> {
    const sessions = new WorkerSessions(page);
    await page.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
    return sessions;
  }

  async liveBytes(): Promise<number> {
    if (this.#ids.size === 0) throw new Error('The page has no worker.');
    let bytes = 0;
    for (const sessionId of this.#ids) {
      await this.#send(sessionId, 'HeapProfiler.collectGarbage');
      bytes += ((await this.#send(sessionId, 'Runtime.getHeapUsage')) as { readonly usedSize: number }).usedSize;
    }
    return bytes;
  }

  async #send(sessionId: string, method: string): Promise<unknown> {
    const id = this.#next++;
    const answer = new Promise((resolve) => this.#answers.set(id, resolve));
    await this.#page.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) });
    const result = await answer;
    this.#answers.delete(id);
    return result;
  }
}
