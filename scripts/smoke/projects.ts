/** A project of each kind that installs the package. Each prints what `program.js` says, or nothing where it only compiles. */
import { copyFile, readdir, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Project } from './run.ts';

/** The 15 MB of the README, in bytes. */
const MOST_BYTES = 15e6;
const EXPECTED = 'answer 42, InvalidOptionError';
const bin = (name: string, path: string): string => join(createRequire(import.meta.url).resolve(`${name}/package.json`), '..', path);

const MAIN = "import { vote } from './program.js';\nconsole.log(await vote(process.env.BASE_URL));\n";
/** Without the optional packages Vite has to be told that they are not there. */
const WITHOUT_RUNTIMES = 'build: { rolldownOptions: { external: [/^@huggingface\\/transformers/, /^onnxruntime-/] } }';

const MISSING = `import { bundledModels, Decoder, loadOnnxModel } from 'latency-tts';
const { target } = await bundledModels();
const engine = new Decoder({ model: target });
for (const attempt of [() => engine.open('2 + 2 =', {}), () => loadOnnxModel('onnx-community/some-model')]) {
  await attempt().catch(({ name, message }) => console.log(name, /npm install/.test(message)));
}
await engine.dispose();
`;

const TYPED = `import * as root from 'latency-tts';
import * as problems from 'latency-tts/problems';
import * as serve from 'latency-tts/serve';
import * as testing from 'latency-tts/testing';
import { openaiCompatibleEngine, SelfConsistency, type ProfileData, type SelfConsistencyOptions } from 'latency-tts';

const options: SelfConsistencyOptions = { branches: 4 };
// @ts-expect-error: no number
const wrong: SelfConsistencyOptions = { branches: 'four' };
// @ts-expect-error: no such option
const misspelt: SelfConsistencyOptions = { branchs: 4 };
export async function vote(profile: ProfileData): Promise<readonly unknown[]> {
  const engine = openaiCompatibleEngine({ baseURL: 'http://127.0.0.1:1/v1', model: 'smoke' });
  const { answer } = await new SelfConsistency(options).run({ engine, prompt: 'x', deadlineMs: 100 });
  const text: string | undefined = answer;
  const rows: number | undefined = profile.parts[0]?.points[0]?.rows;
  return [text, rows, wrong, misspelt, root, problems, serve, testing];
}
`;

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Strict, with every library's declarations checked. */
const typed = (module: string, moduleResolution: string, lib: readonly string[]): Project['run'] => {
  const compilerOptions = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false, noEmit: true };
  return async ({ folder, run, types }) => {
    await writeFile(join(folder, 'main.ts'), TYPED);
    const all = { ...compilerOptions, target: 'es2022', module, moduleResolution, lib, types: lib.includes('dom') ? [] : ['node'], typeRoots: [types] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: all, files: ['main.ts'] }));
    await run(process.execPath, [bin('typescript', 'bin/tsc'), '-p', '.']);
  };
};

export const PROJECTS: readonly Project[] = [
  {
    name: 'installation without optional packages, at most 15 MB',
    async run({ installed }) {
      const bytes = await bytesBelow(join(installed, 'node_modules'));
      if (bytes > MOST_BYTES) throw new Error(`It takes ${(bytes / 1e6).toFixed(1)} MB.`);
    },
  },
  {
    name: 'ES module',
    expected: EXPECTED,
    run: async ({ folder, run }) => {
      await writeFile(join(folder, 'main.js'), MAIN);
      return run(process.execPath, ['main.js']);
    },
  },
  {
    name: 'CommonJS',
    expected: EXPECTED,
    run: async ({ folder, run, program }) => {
      const body = program.replace(/^import (.*) from ('.*');$/m, 'const $1 = require($2);').replace('export ', '');
      await writeFile(join(folder, 'main.cjs'), `${body}\nvote(process.env.BASE_URL).then(console.log);\n`);
      return run(process.execPath, ['main.cjs']);
    },
  },
  {
    name: 'local engines without a runtime say what to install',
    expected: 'LocalRuntimeMissingError true\nLocalRuntimeMissingError true',
    run: async ({ folder, run }) => {
      await writeFile(join(folder, 'main.js'), MISSING);
      return run(process.execPath, ['main.js']);
    },
  },
  {
    name: 'command line, over a server',
    expected: /42/,
    run: ({ installed, run }) => {
      const cli = join(installed, 'node_modules/latency-tts/dist/cli.js');
      return run(process.execPath, [cli, 'solve', '--base-url', process.env['BASE_URL']!, '--model', 'smoke', '-d', '5s', 'What is 6 × 7?']);
    },
  },
  { name: 'strict TypeScript, nodenext, without DOM', run: typed('nodenext', 'nodenext', ['es2022']) },
  { name: 'strict TypeScript, bundler, without Node', run: typed('esnext', 'bundler', ['es2022', 'dom', 'dom.iterable']) },
  {
    name: 'esbuild, minified, its output moved away',
    expected: EXPECTED,
    run: async ({ folder, run, elsewhere }) => {
      await writeFile(join(folder, 'main.js'), MAIN);
      await run(bin('esbuild', 'bin/esbuild'), ['main.js', '--bundle', '--minify', '--platform=node', '--format=esm', '--outfile=out.mjs']);
      await copyFile(join(folder, 'out.mjs'), join(elsewhere, 'out.mjs'));
      return run(process.execPath, [join(elsewhere, 'out.mjs')]);
    },
  },
  {
    name: 'Vite, for a page',
    run: async ({ folder, run }) => {
      await writeFile(join(folder, 'main.js'), "import { vote } from './program.js';\nvote('/v1').then((text) => (document.title = text));\n");
      await writeFile(join(folder, 'index.html'), '<!doctype html><script type="module" src="/main.js"></script>');
      await writeFile(join(folder, 'vite.config.js'), `export default { ${WITHOUT_RUNTIMES} };\n`);
      await run(process.execPath, [bin('vite', 'bin/vite.js'), 'build', '--logLevel', 'error']);
    },
  },
  {
    name: 'Vite, for Node',
    expected: EXPECTED,
    run: async ({ folder, run }) => {
      await writeFile(join(folder, 'main.js'), MAIN);
      await writeFile(join(folder, 'vite.config.js'), `export default { ssr: { noExternal: true }, ${WITHOUT_RUNTIMES} };\n`);
      await run(process.execPath, [bin('vite', 'bin/vite.js'), 'build', '--ssr', 'main.js', '--logLevel', 'error']);
      return run(process.execPath, ['dist/main.js']);
    },
  },
  {
    name: 'webpack, target node',
    isSlow: true,
    expected: EXPECTED,
    run: async ({ folder, run, npm }) => {
      await writeFile(join(folder, 'main.js'), MAIN);
      await npm(['install', 'webpack', 'webpack-cli']);
      const output = { filename: 'main.mjs', module: true, chunkFormat: 'module', library: { type: 'module' } };
      const config = { mode: 'production', target: 'node20', entry: './main.js', experiments: { outputModule: true }, output };
      await writeFile(join(folder, 'webpack.config.js'), `export default ${JSON.stringify(config)};\n`);
      await run(process.execPath, ['node_modules/webpack/bin/webpack.js']);
      return run(process.execPath, ['dist/main.mjs']);
    },
  },
  {
    name: 'Next.js, a route',
    isSlow: true,
    run: async ({ folder, run, npm }) => {
      await npm(['install', 'next', 'react', 'react-dom']);
      const { mkdir } = await import('node:fs/promises');
      await mkdir(join(folder, 'app/vote'), { recursive: true });
      await writeFile(join(folder, 'app/layout.js'), 'export default ({ children }) => <html><body>{children}</body></html>;\n');
      const route = "import { vote } from '../../program.js';\nexport const dynamic = 'force-static';\n";
      await writeFile(join(folder, 'app/vote/route.js'), `${route}export const GET = async () => new Response(await vote(process.env.BASE_URL));\n`);
      await run(process.execPath, ['node_modules/next/dist/bin/next', 'build']);
      // A static route is answered during the build.
      const { readFile } = await import('node:fs/promises');
      const body = await readFile(join(folder, '.next/server/app/vote.body'), 'utf8');
      if (body !== EXPECTED) throw new Error(`The route answered ${body}.`);
    },
  },
];
