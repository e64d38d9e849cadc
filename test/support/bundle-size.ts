import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Plugin, type Rolldown } from 'vite';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const SOME = 'virtual:some-exports';

/** What a page needs anyway, or brings itself; everything else of a bundle counts as ours. */
const NOT_OURS = [/^onnxruntime-/, /^@huggingface\//, /^@langchain\//, /^@ai-sdk\//, /^node:/];

/**
 * Kilobytes (1000 bytes) of a built file and all it loads at once, bundled, minified and compressed, without ONNX Runtime,
 * transformers.js and the libraries that adapters adapt to.
 *
 * @param names - Exports of the file that the bundle uses. @default all
 */
export async function bundleKilobytes(file: string, names: readonly string[] = []): Promise<number> {
  const entry = `${ROOT}${file}`;
  const some: Plugin = {
    name: 'some-exports',
    resolveId: (id) => (id === SOME ? id : undefined),
    load: (id) => (id === SOME ? `export { ${names.join(', ')} } from ${JSON.stringify(entry)};` : undefined),
  };
  const result = (await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    plugins: [some],
    build: {
      write: false,
      minify: true,
      target: 'es2022',
      rolldownOptions: { input: names.length > 0 ? SOME : entry, external: NOT_OURS, preserveEntrySignatures: 'strict', output: { format: 'es' } },
    },
  })) as Rolldown.RolldownOutput;
  const chunks = new Map(result.output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part] as const] : [])));
  // What an entry imports statically loads with it; the comparison of answers comes when a run first votes.
  const loaded = new Set([...chunks.values()].filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName));
  for (const name of loaded) for (const imported of chunks.get(name)!.imports) if (chunks.has(imported)) loaded.add(imported);
  return [...loaded].reduce((sum, name) => sum + gzipSync(chunks.get(name)!.code).length, 0) / 1000;
}
