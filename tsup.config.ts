import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { defineConfig, type Options } from 'tsup';

type Plugin = NonNullable<Options['esbuildPlugins']>[number];

/** Modules of Node that bundled packages name without the prefix, or require, which ES modules cannot. */
const nodeModules: Plugin = {
  name: 'node-modules',
  setup(build) {
    build.onResolve({ filter: new RegExp(`^(?:node:)?(?:${builtinModules.filter((name) => !name.startsWith('_')).join('|')})$`) }, ({ path, kind }) => {
      const name = path.replace(/^(?:node:)?/, 'node:');
      return kind === 'require-call' ? { path: name, namespace: 'node-modules' } : { path: name, external: true };
    });
    build.onLoad({ filter: /.*/, namespace: 'node-modules' }, ({ path }) => ({ contents: `export * from '${path}'; export { default } from '${path}';` }));
  },
};

/** Folders of the packages whose code is in `dist`. */
const bundled = new Set<string>();

/** Writes the licences of what is bundled next to it. */
const notices: Plugin = {
  name: 'notices',
  setup(build) {
    build.initialOptions.metafile = true;
    build.onEnd(({ metafile }) => {
      const inputs = Object.values(metafile?.outputs ?? {}).flatMap((output) => Object.entries(output.inputs));
      for (const [file, { bytesInOutput }] of inputs) {
        if (bytesInOutput === 0) continue;
        const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
        if (folder) bundled.add(folder);
      }
      mkdirSync('dist', { recursive: true });
      writeFileSync('dist/THIRD_PARTY_NOTICES.txt', `This package contains code of the packages below.\n\n${[...bundled].sort().map(noticeOf).join('\n\n')}\n`);
    });
  },
};

function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as Readonly<Record<'name' | 'version' | 'license', string>>;
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return `${'-'.repeat(80)}\n${name} ${version} (${license})\n\n${file ? readFileSync(`${folder}/${file}`, 'utf8').trim() : 'No licence text in the package.'}`;
}

const common: Options = {
  platform: 'neutral',
  target: 'es2022',
  external: [/^@huggingface\//, /^onnxruntime-/],
  // Users install two small packages; all else that always runs is in these files.
  noExternal: ['@hono/node-server', 'hono', 'p-limit', 'pbf', 'prom-client', 'valibot'],
  // Without the prefix, other tools take these modules for packages.
  removeNodeProtocol: false,
  esbuildPlugins: [nodeModules, notices],
  splitting: true,
};
const libraries = {
  index: 'src/index.ts',
  'index.node': 'src/index.node.ts',
  'ai-sdk': 'src/adapters/ai-sdk/index.ts',
  langchain: 'src/adapters/langchain/index.ts',
  'node-llama-cpp': 'src/adapters/node-llama-cpp/index.ts',
  // No export of its own: so that a page with nothing but `extractAnswer` loads none of the comparison of answers.
  'extract-answer': 'src/answers/extract-answer.ts',
  problems: 'src/problems/index.ts',
  testing: 'src/testing/index.ts',
  serve: 'src/serve/index.ts',
  'serve.node': 'src/serve.node.ts',
  worker: 'src/worker.ts',
};

export default defineConfig([
  { ...common, entry: libraries, format: ['esm', 'cjs'], dts: true, shims: true },
  // Started as programs of their own, so one format is enough.
  {
    ...common,
    entry: { cli: 'src/cli/main.ts', 'model-worker': 'src/node/model-worker.ts' },
    format: 'esm',
    noExternal: [/^(?!node:|node-llama-cpp$|@huggingface\/|onnxruntime-)/],
    // Packages without an entry for all platforms have one for Node.
    platform: 'node',
  },
  // Put into the page that `latency-tts report` writes, so it holds all it needs.
  {
    entry: { 'report-page': 'src/report-page/main.ts' },
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    noExternal: [/.*/],
    minify: true,
    esbuildPlugins: [notices],
    outExtension: () => ({ js: '.js' }),
  },
]);
