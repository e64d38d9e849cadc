import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** What a page needs anyway, or brings itself; everything else of a bundle counts as ours. */
const NOT_OURS = [/^onnxruntime-/, /^@huggingface\//, /^@langchain\//, /^@ai-sdk\//, /^node:/];

/**
 * Kilobytes (1000 bytes) of a built file and all it loads at once, bundled, minified and compressed, without ONNX Runtime,
 * transformers.js and the libraries that adapters adapt to.
 */
export async function bundleKilobytes(file: string): Promise<number> {
  const result = (await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: true,
      target: 'es2022',
      rolldownOptions: { input: `${ROOT}${file}`, external: NOT_OURS, preserveEntrySignatures: 'strict', output: { format: 'es' } },
    },
  })) as Rolldown.RolldownOutput;
  const chunks = new Map(result.output.flatMap((part) => (part.type === 'chunk' ? [[part.fileName, part] as const] : [])));
  // What an entry imports statically loads with it; the comparison of answers comes when a run first votes.
  const loaded = new Set([...chunks.values()].filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName));
  for (const name of loaded) for (const imported of chunks.get(name)!.imports) if (chunks.has(imported)) loaded.add(imported);
  return [...loaded].reduce((sum, name) => sum + gzipSync(chunks.get(name)!.code).length, 0) / 1000;
}
