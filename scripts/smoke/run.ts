/**
 * Installs the packed package in empty projects and runs a program in each: `npm run smoke`, after `npm run build`. `--all` adds those
 * that install a framework first. Words choose the projects whose name holds one of them.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PROJECTS } from './projects.ts';
import { startServer } from './server.ts';

export interface Workplace {
  /** The project's own. */
  readonly folder: string;
  /** Where the package is installed: the folder above. */
  readonly installed: string;
  /** A folder that sees no installed package. */
  readonly elsewhere: string;
  /** Text of `program.js`, which is in the folder. */
  readonly program: string;
  /** Folder of `@types`. */
  readonly types: string;
  /** Runs a program in the folder; its output, trimmed. */
  run(file: string, args: readonly string[]): Promise<string>;
  npm(args: readonly string[]): Promise<string>;
}

export interface Project {
  readonly name: string;
  /** Installs a framework. */
  readonly isSlow?: boolean;
  /** Of what `run` resolves to. @default anything */
  readonly expected?: string | RegExp;
  run(place: Workplace): Promise<string | void>;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HERE = dirname(fileURLToPath(import.meta.url));
/** A cold build of a framework on a busy machine. */
const MOST_MS = 300_000;
const words = process.argv.slice(2);
const named = words.filter((word) => !word.startsWith('-'));
const chosen = PROJECTS.filter(({ name, isSlow }) => (named.length > 0 ? named.some((word) => name.includes(word)) : !isSlow || words.includes('--all')));

const base = await mkdtemp(join(tmpdir(), 'latency-tts-smoke-'));
const elsewhere = await mkdtemp(join(tmpdir(), 'latency-tts-moved-'));
const server = await startServer();
process.env['BASE_URL'] = server.baseURL;
const environment = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
const runIn =
  (cwd: string) =>
  async (file: string, args: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(file, args, { cwd, env: environment, timeout: MOST_MS, maxBuffer: 1e8 });
    return stdout.trim();
  };

async function attempt({ name, expected, run }: Project, number: number): Promise<boolean> {
  const folder = join(base, `project-${number}`);
  await mkdir(folder);
  await cp(join(HERE, 'program.js'), join(folder, 'program.js'));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const program = await readFile(join(folder, 'program.js'), 'utf8');
  const inFolder = runIn(folder);
  const place = {
    folder,
    installed: base,
    elsewhere,
    program,
    types: join(ROOT, 'node_modules/@types'),
    run: inFolder,
    npm: (args: readonly string[]) => inFolder('npm', [...args, '--no-audit', '--no-fund', '--ignore-scripts']),
  };
  try {
    const said = await run(place);
    const isRight = expected === undefined || (typeof expected === 'string' ? said === expected : expected.test(said ?? ''));
    if (!isRight) throw new Error(`It printed ${JSON.stringify(said)}, not ${String(expected)}.`);
    console.log(`passed  ${name}`);
    return true;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    console.log(`FAILED  ${name}\n${error instanceof Error ? error.message : String(error)}\n${stdout}${stderr}`.trimEnd());
    return false;
  }
}

let failed = 0;
try {
  await runIn(ROOT)('npm', ['pack', '--ignore-scripts', '--pack-destination', base]);
  const tarball = (await readdir(base)).find((name) => name.endsWith('.tgz'))!;
  await writeFile(join(base, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await runIn(base)('npm', ['install', `./${tarball}`, '--omit=optional', '--no-audit', '--no-fund']);
  for (const [number, project] of chosen.entries()) if (!(await attempt(project, number))) failed++;
} finally {
  server.close();
  for (const folder of [base, elsewhere]) await rm(folder, { recursive: true, force: true });
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 && chosen.length > 0 ? 0 : 1;
