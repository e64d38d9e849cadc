/** The test page, built by Vite and served on this machine. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { ROOT, type TestBrowser } from '../../support/browser.ts';
import type {} from '../app/main.ts';

/**
 * Builds a page in a project of its own that has nothing but a dependency on this package: no configuration.
 *
 * @param page - Folder of its sources.
 * @param name - Of the project, which is made in a folder that git ignores.
 * @returns the folder of the built page.
 */
export async function buildApp(page = fileURLToPath(new URL('../app', import.meta.url)), name = 'browser-app'): Promise<string> {
  const project = `${ROOT}coverage/${name}`;
  rmSync(project, { recursive: true, force: true });
  mkdirSync(`${project}/node_modules`, { recursive: true });
  cpSync(page, project, { recursive: true });
  writeFileSync(`${project}/package.json`, JSON.stringify({ name, private: true, type: 'module' }));
  symlinkSync(ROOT, `${project}/node_modules/latency-tts`);
  await build({ root: project, configFile: false, logLevel: 'error', build: { reportCompressedSize: false, chunkSizeWarningLimit: Infinity } });
  return `${project}/dist`;
}

export interface Site {
  readonly url: string;
  /** Paths that were asked for, in order. */
  readonly requests: string[];
  close(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json', '.wasm': 'application/wasm' };

/** Serves the built page, and the package's models beside it. */
export async function serve(folder: string): Promise<Site> {
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    requests.push(path);
    const root = path.startsWith('/models/') ? ROOT : folder;
    const file = join(root, normalize(path === '/' ? '/index.html' : path));
    if (!file.startsWith(normalize(`${root}${sep}`)) || !existsSync(file) || !statSync(file).isFile()) return void response.writeHead(404).end();
    const body = readFileSync(file);
    response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Content-Length': body.length }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    requests,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** A page with the test functions, and whatever it complains of. */
export async function openPage({ context }: TestBrowser, { url }: Site): Promise<{ readonly page: Page; readonly complaints: string[] }> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  await page.goto(url);
  await page.waitForFunction(() => 'tests' in window);
  return { page, complaints };
}
