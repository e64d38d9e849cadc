/** Finding and starting a browser for tests. Without one, tests that need it are skipped and say why. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type BrowserContextOptions } from 'playwright-core';

const CANDIDATES = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where Chromium is; `undefined` where there is none. The environment variable CHROMIUM names another place. */
export const chromiumPath = CANDIDATES.find((path): path is string => path !== undefined && existsSync(path));

/** For `describe.skipIf`, and for the name of what is skipped. */
export const noBrowser = chromiumPath === undefined ? 'no Chromium here; install it, or name its path in CHROMIUM' : undefined;

/** WebGPU on any machine: SwiftShader computes on the CPU. Nothing is fetched but what the page asks for. */
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

export interface TestBrowser {
  readonly context: BrowserContext;
  /** Ends the browser and removes its data. */
  close(): Promise<void>;
}

/** Starts Chromium with an empty user-data directory. */
export async function launchBrowser(options: BrowserContextOptions = {}): Promise<TestBrowser> {
  const directory = mkdtempSync(join(tmpdir(), 'latency-tts-browser-'));
  const context = await chromium.launchPersistentContext(directory, { executablePath: chromiumPath!, args: FLAGS, headless: true, ...options });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
