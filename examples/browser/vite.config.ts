/** The demo page: `npm run demo:web`. */
import { cpSync, createReadStream, existsSync, statSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Threads of WebAssembly need shared memory, which browsers give only to pages that are isolated from others. */
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022' },
  server: { host: '127.0.0.1', headers: ISOLATION },
  preview: { host: '127.0.0.1', headers: ISOLATION },
  plugins: [bundledModels()],
});

const MODEL_FOLDERS = ['tokenizer', 'target', 'draft', 'prm'];
const TYPES: Readonly<Record<string, string>> = { '.json': 'application/json', '.onnx': 'application/octet-stream' };

/** Serves the package's model files under `models/`, and copies them when the page is built. */
function bundledModels(): Plugin {
  const models = join(ROOT, 'models');
  return {
    name: 'latency-tts-models',
    configureServer(server) {
      server.middlewares.use('/models', (request, response, next) => {
        const file = join(models, normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)));
        if (!file.startsWith(models) || !existsSync(file) || !statSync(file).isFile()) return next();
        response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
        createReadStream(file).pipe(response);
      });
    },
    writeBundle({ dir }) {
      for (const folder of MODEL_FOLDERS) cpSync(join(models, folder), join(dir!, 'models', folder), { recursive: true });
    },
  };
}
