/** Runs what the documents show. Code runs against `dist`, which `npm run build:js` makes. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as errors from '../src/errors.ts';
import {
  cliOptionsIn,
  describeDifference,
  expectedOutput,
  extractBlocks,
  linkedPaths,
  npmScriptsIn,
  optionsOfHelp,
  typeCheckBlocks,
  type DocBlock,
} from './support/doc-blocks.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Ignored by git; within the package, so that a block can import it by name. */
const WORKPLACE = `${ROOT}coverage/doc-blocks/`;
const LONGEST_RUN_MS = 60_000;

const read = (file: string): string => readFileSync(`${ROOT}${file}`, 'utf8');
const guides = ['README.md', ...readdirSync(`${ROOT}docs`, { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`)].filter((file) =>
  file.endsWith('.md'),
);
const documents = [
  ...guides,
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'models/README.md',
  'training/README.md',
  'bench/README.md',
  'examples/browser/README.md',
].filter((file) => existsSync(`${ROOT}${file}`));
const blocks = guides.flatMap((file) => extractBlocks(read(file), file)).filter(({ language }) => language === 'ts');
const placeOf = ({ file, line }: DocBlock): string => `${file}:${line}`;

/** Runs a block as a program of its own. @returns what it printed; rejects with what it wrote to stderr when it fails. */
async function printedBy(block: DocBlock): Promise<string> {
  const script = `${WORKPLACE}${placeOf(block).replaceAll(/[^\w]/g, '-')}.mjs`;
  const { outputText } = ts.transpileModule(block.code, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } });
  writeFileSync(script, outputText);
  const { stdout } = await run(process.execPath, [script], { cwd: ROOT, timeout: LONGEST_RUN_MS, env: { ...process.env, NODE_OPTIONS: '' } });
  return stdout;
}

const COMMANDS = ['solve', 'serve', 'calibrate', 'plan', 'report'];
/** Options of the command, which every document is compared with. */
let commandOptions: ReadonlySet<string>;

beforeAll(async () => {
  mkdirSync(WORKPLACE, { recursive: true });
  const helps = await Promise.all(COMMANDS.map((command) => run(process.execPath, [`${ROOT}dist/cli.js`, command, '--help'])));
  commandOptions = optionsOfHelp(helps.map(({ stdout }) => stdout).join('\n'));
});

afterAll(() => {
  rmSync(WORKPLACE, { recursive: true, force: true });
});

describe('blocks of TypeScript', () => {
  test('are there', () => {
    expect(blocks.length).toBeGreaterThan(5);
  });

  test('have the right types', () => {
    expect(typeCheckBlocks(blocks, ROOT)).toEqual([]);
  });

  test('are marked with nothing but no-run', () => {
    expect(blocks.filter(({ flags }) => flags.some((flag) => flag !== 'no-run')).map(placeOf)).toEqual([]);
  });

  test.each(blocks.filter(({ flags }) => !flags.includes('no-run')).map((block) => ({ place: placeOf(block), block })))(
    'run and print what they promise: $place',
    async ({ block }) => {
      const expected = expectedOutput(block);
      const printed = await printedBy(block);
      if (expected !== undefined) expect(describeDifference(expected, printed)).toBeUndefined();
    },
  );

  test('fail when they throw, with the reason', async () => {
    await expect(printedBy({ file: 'broken.md', line: 1, language: 'ts', flags: [], code: "throw new Error('as planned');" })).rejects.toThrow('as planned');
  });

  test('import the built package, not its sources', async () => {
    const code = "console.log(import.meta.resolve('latency-tts').endsWith('/dist/index.node.js'));";
    expect(await printedBy({ file: 'built.md', line: 1, language: 'ts', flags: [], code })).toBe('true\n');
  });
});

describe.each(documents)('%s', (file) => {
  const text = read(file);

  test('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
    expect(npmScriptsIn(text).filter((name) => !(name in scripts))).toEqual([]);
  });

  test('gives the command only options that it has', () => {
    const shell = extractBlocks(text, file).filter(({ language }) => language === 'bash');
    const used = shell.flatMap(({ code }) => cliOptionsIn(code));
    expect(commandOptions.size).toBeGreaterThan(5);
    expect(used.filter((option) => !commandOptions.has(option))).toEqual([]);
  });

  test('links to files that exist', () => {
    expect(linkedPaths(text, file).filter((path) => !existsSync(`${ROOT}${path}`))).toEqual([]);
  });
});

describe('the reference pages', () => {
  test('docs/errors.md has every error with its code', () => {
    const page = read('docs/errors.md');
    const names = Object.values(errors)
      .filter((value) => Object.prototype.isPrototypeOf.call(errors.LatencyTtsError, value))
      .map((value) => value.name);
    const codes = [...read('src/errors.ts').matchAll(/'(LTTS_\w+)'/g)].map(([, code]) => code!).filter((code) => code !== 'LTTS_');
    expect(codes).toHaveLength(names.length);
    expect([...names, ...codes].filter((word) => !page.includes(`\`${word}\``))).toEqual([]);
  });

  test('docs/events.md has every event with its fields', () => {
    const page = read('docs/events.md');
    const events = [...read('src/contracts/event.ts').matchAll(/'([a-z-]+)': \(event: EventBase & \{([^}]*)\}/g)];
    expect(events.length).toBeGreaterThan(4);
    const missing = events.flatMap(([, name, fields]) => {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? '';
      return [...fields!.matchAll(/readonly (\w+):/g)].filter(([, field]) => !row.includes(`\`${field}\``)).map(([, field]) => `${name}: ${field}`);
    });
    expect(missing).toEqual([]);
  });
});
