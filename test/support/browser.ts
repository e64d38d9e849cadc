/** A headless Chromium with WebGPU on its software adapter. Without one, tests that need it are skipped and say why. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type BrowserContext, type BrowserContextOptions } from 'playwright-core';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const CANDIDATES = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const chromiumPath = CANDIDATES.find((path): path is string => path !== undefined && existsSync(path));

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

/** Whether the tests of browsers must run: a machine without one then fails them. */
const isBrowserRequired = process.env['LATENCY_TTS_REQUIRE_BROWSER'] === '1';

/** What tests need that is not on every machine: why they are skipped here, or `undefined` where it is there or must be. */
export interface Need {
  readonly missing: string | undefined;
}

const need = (missing: string | undefined): Need => ({ missing: isBrowserRequired ? undefined : missing });

export const aBrowser = need(chromiumPath === undefined ? 'no Chromium here; install it, or name its path in CHROMIUM_PATH' : undefined);

/** Environment of a Node process that finds the software adapter which comes with Chromium. */
const SOFTWARE_ADAPTER = '/usr/lib/chromium/vk_swiftshader_icd.json';
export const softwareAdapterEnvironment = { VK_ICD_FILENAMES: SOFTWARE_ADAPTER, LD_LIBRARY_PATH: dirname(SOFTWARE_ADAPTER), XDG_RUNTIME_DIR: '/tmp' };
export const aSoftwareAdapter = need(existsSync(SOFTWARE_ADAPTER) ? undefined : `there is no ${SOFTWARE_ADAPTER}`);

/** A title for tests that says why they are skipped, where they are. */
export function titled(title: string, { missing }: Need): string {
  return missing === undefined ? title : `${title} (skipped: ${missing})`;
}

export interface TestBrowser {
  readonly context: BrowserContext;
  /** Ends the browser and removes its data. */
  close(): Promise<void>;
}

/** Starts Chromium with an empty user-data directory. */
export async function launchBrowser(options: BrowserContextOptions = {}): Promise<TestBrowser> {
  if (chromiumPath === undefined) throw new Error('There is no Chromium here. Install it, or name its path in CHROMIUM_PATH.');
  const directory = mkdtempSync(join(tmpdir(), 'latency-tts-browser-'));
  const context = await chromium.launchPersistentContext(directory, { executablePath: chromiumPath, args: FLAGS, headless: true, ...options });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
