/**
 * ONNX Runtime in a browser: imported when a model is loaded, one call at a time for the whole page.
 *
 * @module
 */
import type { GraphSession } from '../models/graph-session.ts';
import type { InferenceSession } from 'onnxruntime-common';
import type * as Runtime from 'onnxruntime-web';
import type { TokenModel } from '../contracts/token-model.ts';
import { InvalidOptionError, ModelLoadError } from '../errors.ts';
import { openTokenModel, type TokenModelFacts } from '../models/detect-layout.ts';
import { ExclusiveSession, pageTurns } from '../models/exclusive-session.ts';
import { openDeviceModel } from '../models/open-device-model.ts';
import { missingRuntime } from '../models/transformers.ts';
import { largestBuffer, turnsOf, type WebGpuDevice } from '../models/webgpu-device.ts';
import { requireWholeNumber } from '../options.ts';

/**
 * Where a model is computed in a browser. `auto`: on a GPU where the browser offers one that is not made of software, else in
 * WebAssembly.
 */
export type WebDevice = 'wasm' | 'webgpu' | 'auto';

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

/** ONNX Runtime warns about every graph that keeps weights in an order it would not have chosen. */
const ERRORS_ONLY = 3;
const DEVICES: readonly WebDevice[] = ['wasm', 'webgpu', 'auto'];

/** @throws {InvalidOptionError} */
export function requireWebRuntimeOptions({ device = 'wasm', threads }: WebRuntimeOptions): void {
  if (!DEVICES.includes(device)) throw new InvalidOptionError('device', DEVICES.map((name) => `'${name}'`).join(' or '), device);
  if (threads !== undefined) requireWholeNumber('threads', threads, 1);
}

const isMissing = missingRuntime('onnxruntime-web');

/** Makes the model of a graph's bytes. @throws {ModelLoadError} */
export async function openWebModel(graph: Uint8Array, facts: TokenModelFacts, options: WebRuntimeOptions): Promise<TokenModel> {
  const { source } = facts;
  const device = await availableDevice(source, options.device ?? 'wasm');
  // WebAssembly alone has a build of its own, of half the size and without the cost of waiting for a GPU.
  const runtime = await (device === 'webgpu' ? import('onnxruntime-web/webgpu').catch(isMissing) : import('onnxruntime-web/wasm').catch(isMissing));
  configure(runtime.env.wasm, options);
  const create = (bytes: Uint8Array, wanted: InferenceSession.SessionOptions): Promise<GraphSession> =>
    pageTurns(() => runtime.InferenceSession.create(bytes, { logSeverityLevel: ERRORS_ONLY, ...wanted }));
  try {
    if (device === 'wasm') return await openTokenModel(new ExclusiveSession(await create(graph, { executionProviders: ['wasm'] }), pageTurns), facts);
    return await openDeviceModel(graph, graph, facts, {
      open: async (bytes, outputs) => {
        const session = await create(bytes, { executionProviders: ['webgpu'], ...(outputs && { preferredOutputLocation: outputs }) });
        return new ExclusiveSession(session, turnsOf(await deviceOf(runtime)));
      },
      maxBufferBytes: async () => largestBuffer(await deviceOf(runtime)),
    });
  } catch (error) {
    if (error instanceof ModelLoadError) throw error;
    const detail = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const advice = 'If it did not find its files, pass `wasmPaths`.';
    throw new ModelLoadError(source, `${source} cannot be loaded by ONNX Runtime (${detail}). ${advice}`, { cause: error });
  }
}

type RuntimeModule = typeof Runtime;

/** @throws {ModelLoadError} where a GPU was asked for and there is none. */
async function availableDevice(source: string, wanted: WebDevice): Promise<'wasm' | 'webgpu'> {
  if (wanted === 'wasm') return wanted;
  const { gpu } = globalThis.navigator as { readonly gpu?: WebGpu };
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (wanted === 'webgpu') {
    if (adapter) return wanted;
    throw new ModelLoadError(source, `${source} cannot be loaded: this browser offers no WebGPU adapter. Choose the device 'auto' or 'wasm'.`);
  }
  return adapter && !(adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter) ? 'webgpu' : 'wasm';
}

function configure(wasm: Runtime.Env.WebAssemblyFlags, { wasmPaths, threads = 1 }: WebRuntimeOptions): void {
  if (wasmPaths !== undefined) wasm.wasmPaths = wasmPaths;
  else if (isDownload(wasm.wasmPaths)) delete wasm.wasmPaths;
  wasm.numThreads = threads;
}

/** Whether transformers.js, which may have been loaded before, has set the addresses that it sets when nobody else has. */
function isDownload(paths: Runtime.Env.WebAssemblyFlags['wasmPaths']): boolean {
  const address = typeof paths === 'string' ? paths : String(paths?.wasm ?? '');
  return address.startsWith('https://cdn.jsdelivr.net/npm/onnxruntime-web@');
}

/** What is used of WebGPU's own objects. */
interface WebGpu {
  requestAdapter(): Promise<{ readonly info?: { readonly isFallbackAdapter?: boolean }; readonly isFallbackAdapter?: boolean } | null>;
}

function deviceOf(runtime: RuntimeModule): Promise<WebGpuDevice> {
  return runtime.env.webgpu.device as Promise<WebGpuDevice>;
}
