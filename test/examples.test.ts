/** Every example has the right types and runs, as a reader runs it: over the built package. Its argument says how much it does. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { typeCheckBlocks } from './support/doc-blocks.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const LEAST = '2';
/** Folders are pages: test/browser has their tests. */
const examples = readdirSync(`${ROOT}examples`, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [`examples/${entry.name}`] : []));

test('examples are there, and are TypeScript', () => {
  expect(examples.length).toBeGreaterThan(0);
  expect(examples.filter((file) => !file.endsWith('.ts'))).toEqual([]);
});

test('examples have the right types', () => {
  const blocks = examples.map((file) => ({ file, line: 1, language: 'ts', flags: [], code: readFileSync(`${ROOT}${file}`, 'utf8') }));
  expect(typeCheckBlocks(blocks, ROOT)).toEqual([]);
});

test.each(examples)('%s runs to its end and prints something', async (file) => {
  const directory = mkdtempSync(join(tmpdir(), 'latency-tts-example-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  // The repository's own tsconfig.json maps the package to its sources; a reader has the built package.
  const tsconfig = join(directory, 'tsconfig.json');
  writeFileSync(tsconfig, '{}');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file, LEAST], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '', TSX_TSCONFIG_PATH: tsconfig },
  });
  expect(stderr).toBe('');
  expect(stdout.trim()).not.toBe('');
});
