import { defineConfig, type Options } from 'tsup';

const common: Options = {
  platform: 'neutral',
  target: 'es2022',
  external: [/^node:/],
  // These have no CommonJS of their own, which `require` of Node 20.18 and below needs.
  noExternal: ['p-limit', 'pbf'],
  // Without the prefix, other tools take these modules for packages.
  removeNodeProtocol: false,
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
  { ...common, entry: { cli: 'src/cli/main.ts', 'model-worker': 'src/node/model-worker.ts' }, format: 'esm' },
  // Put into the page that `latency-tts report` writes, so it holds all it needs.
  {
    entry: { 'report-page': 'src/report-page/main.ts' },
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    noExternal: [/.*/],
    minify: true,
    outExtension: () => ({ js: '.js' }),
  },
]);
