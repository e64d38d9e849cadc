/** What `npm publish` would send. Runs against `dist`, which `npm run build:js` makes. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../src/version.ts';

interface Manifest {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
}

interface PackedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as Manifest;
const targets = [...JSON.stringify([manifest.exports, manifest.bin]).matchAll(/"\.?\/?(dist\/[^"]+)"/g)].map(([, file]) => file!);
const isDeclaration = (file: string): boolean => /\.d\.c?ts$/.test(file);

const MODELS_MOST_BYTES = 8e6;
const MODEL_FILES = ['config.json', 'generation_config.json', 'model.onnx'];
const EXPECTED = [
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'package.json',
  'dist/model-worker.js',
  'dist/report-page.js',
  'dist/THIRD_PARTY_NOTICES.txt',
  'models/README.md',
  ...['target', 'draft', 'prm'].flatMap((name) => MODEL_FILES.map((file) => `models/${name}/${file}`)),
  'models/tokenizer/tokenizer.json',
  'models/tokenizer/tokenizer_config.json',
];

test('the sources know the version of the package', () => {
  expect(VERSION).toBe(manifest.version);
});

test('installing here warns of no engine: what is for tests alone works on the Node that package.json asks for', () => {
  const { packages } = JSON.parse(readFileSync(`${ROOT}package-lock.json`, 'utf8')) as { packages: Record<string, { engines?: { node?: string } }> };
  const tooNew = Object.entries(packages).filter(([, { engines }]) => /^\s*>=\s*2[1-9]\b[^|]*$/.test(engines?.node ?? ''));
  // npm writes them again when it changes such an entry. Delete `engines` there once the tests pass on the oldest Node.
  expect(tooNew.map(([name]) => name)).toEqual([]);
});

describe('the packed package', () => {
  let files: readonly PackedFile[];
  let paths: readonly string[];

  beforeAll(async () => {
    const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT });
    [{ files }] = JSON.parse(stdout) as [{ files: readonly PackedFile[] }];
    paths = files.map(({ path }) => path);
  });

  test('holds every script that is exported or run, the models, and what a reader looks for', () => {
    const scripts = targets.filter((target) => !isDeclaration(target));
    expect(scripts.length).toBeGreaterThan(6);
    expect(paths).toEqual(expect.arrayContaining([...scripts, ...EXPECTED]));
  });

  // `npm test` alone builds no declarations; the whole check does.
  test.runIf(existsSync(`${ROOT}dist/index.d.ts`))('holds the declarations of everything that is exported', () => {
    const declarations = targets.filter(isDeclaration);
    expect(declarations.length).toBeGreaterThan(6);
    expect(paths).toEqual(expect.arrayContaining(declarations));
  });

  test('holds nothing else', () => {
    const isBuilt = (path: string): boolean => /^dist\/[\w.-]+\.(?:c?js|d\.c?ts)$/.test(path);
    expect(paths.filter((path) => !isBuilt(path) && !EXPECTED.includes(path))).toEqual([]);
  });

  test('brings models of less than 8 MB together', () => {
    const bytes = files.filter(({ path }) => path.startsWith('models/')).reduce((sum, { size }) => sum + size, 0);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(MODELS_MOST_BYTES);
  });
});
