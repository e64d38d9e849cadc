/**
 * ONNX Runtime in a browser: imported when a model is loaded, one call at a time for the whole page.
 *
 * @module
 */
import type { InferenceSession } from 'onnxruntime-common';
import type * as Runtime from 'onnxruntime-web';
import { InvalidOptionError, ModelLoadError } from '../errors.ts';
import { ExclusiveSession, inTurn } from '../models/exclusive-session.ts';
import { requireWholeNumber } from '../options.ts';

/** Where a model is computed in a browser. */
export type WebDevice = 'wasm' | 'webgpu';

/** Addresses of ONNX Runtime's files, where its own do not fit. */
export type WasmPaths = string | { readonly mjs?: string; readonly wasm?: string };

export interface WebRuntimeOptions {
  /** @default 'wasm' */
  readonly device?: WebDevice;
  /**
   * Where ONNX Runtime's `.wasm` and `.mjs` files are: a folder's address that ends in a slash, or one address each. Set by the
   * first model of a page; later ones share the runtime. @default beside the script, where bundlers put them
   */
  readonly wasmPaths?: WasmPaths;
  /**
   * Threads inside one operator, with `wasm`. More than one needs a page that is isolated from others (`docs/browser.md`).
   * Whole number ≥ 1. @default 1
   */
  readonly threads?: number;
}

/** @throws {InvalidOptionError} */
export function requireWebRuntimeOptions({ device = 'wasm', threads }: WebRuntimeOptions): void {
  if (device !== 'wasm' && device !== 'webgpu') throw new InvalidOptionError('device', "'wasm' or 'webgpu'", device);
  if (threads !== undefined) requireWholeNumber('threads', threads, 1);
}

/** Makes a session of a graph's bytes. @throws {ModelLoadError} */
export async function openWebSession(source: string, graph: Uint8Array, options: WebRuntimeOptions): Promise<InferenceSession> {
  const { device = 'wasm' } = options;
  const runtime = await importRuntime(device);
  return inTurn(async () => {
    configure(runtime.env.wasm, options);
    try {
      const session = await runtime.InferenceSession.create(graph, { executionProviders: [device], logSeverityLevel: 3 });
      return new ExclusiveSession(session as unknown as InferenceSession);
    } catch (error) {
      const detail = error instanceof Error ? error.message.split('\n')[0] : String(error);
      throw new ModelLoadError(source, `${source} cannot be loaded by ONNX Runtime (${detail}). If its files were not found, pass \`wasmPaths\`.`, {
        cause: error,
      });
    }
  });
}

/** WebAssembly alone has a build of its own, of half the size and without the cost of waiting for a GPU. */
function importRuntime(device: WebDevice): Promise<typeof Runtime> {
  return device === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm');
}

function configure(wasm: Runtime.Env.WebAssemblyFlags, { wasmPaths, threads = 1 }: WebRuntimeOptions): void {
  if (wasmPaths !== undefined) wasm.wasmPaths = wasmPaths;
  wasm.numThreads = threads;
}
