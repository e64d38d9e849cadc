/**
 * The file of a graph in place of a session over it, so that the graph can be changed before it is loaded.
 *
 * transformers.js finds, downloads and caches files, but hands them straight to ONNX Runtime. A backend of ONNX Runtime is where the
 * two meet: one that loads nothing is given the file, and the session is made by whoever asked.
 *
 * @module
 */
import type { Backend, InferenceSession, InferenceSessionHandler } from 'onnxruntime-common';
import type { GraphSession } from './graph-session.ts';

/** The copy of ONNX Runtime that transformers.js uses, and the files it reads. */
export interface GraphRuntime {
  createSession(file: string | Uint8Array, options: InferenceSession.SessionOptions): Promise<GraphSession>;
  registerBackend(name: string, backend: Backend, priority: number): void;
  /** Whether it has what choosing tokens on the graph takes: builds for browsers lack products in double precision. */
  readonly choosesTokens: boolean;
  /** Execution providers that take changed graphs. */
  readonly providers: readonly string[];
  /** Reads a file whose path was handed over. */
  read(path: string): Promise<Uint8Array>;
}

/** A path, or the bytes where files have none, and the options that a session over it was to have. */
export interface GraphFile {
  readonly file: string | Uint8Array;
  readonly options: InferenceSession.SessionOptions;
}

/** Errors of a runtime that does not know the backend name it. */
export const FILE_BACKEND = 'latency-tts-file';

const runtimes = new WeakSet<object>();
/** By a number that travels in the session's options, since loads may overlap. */
const handedOver = new Map<number, GraphFile>();
let loads = 0;

/**
 * @param load - Makes transformers.js load a model with these options of its session.
 * @throws what `load` throws.
 */
export async function handOverFile<Loaded>(
  runtime: GraphRuntime,
  load: (options: InferenceSession.SessionOptions) => Promise<Loaded>,
): Promise<{ readonly loaded: Loaded; readonly graph: GraphFile | undefined }> {
  if (!runtimes.has(runtime)) {
    runtimes.add(runtime);
    runtime.registerBackend(FILE_BACKEND, fileBackend, 0);
  }
  const number = ++loads;
  try {
    const loaded = await load({ executionProviders: [FILE_BACKEND], extra: { [FILE_BACKEND]: number } });
    const graph = handedOver.get(number);
    if (!graph) return { loaded, graph };
    const extra = { ...graph.options.extra };
    delete extra[FILE_BACKEND];
    return { loaded, graph: { file: graph.file, options: { ...graph.options, extra, executionProviders: runtime.providers } } };
  } finally {
    handedOver.delete(number);
  }
}

const fileBackend: Backend = {
  init: async () => undefined,
  createInferenceSessionHandler: async (file: string | Uint8Array, options: InferenceSession.SessionOptions = {}) => {
    handedOver.set(options.extra![FILE_BACKEND] as number, { file, options });
    return NO_SESSION;
  },
} as Backend;

const NO_SESSION: InferenceSessionHandler = {
  inputNames: [],
  outputNames: [],
  inputMetadata: [],
  outputMetadata: [],
  startProfiling: () => undefined,
  endProfiling: () => undefined,
  dispose: async () => undefined,
  run: async () => ({}),
};
