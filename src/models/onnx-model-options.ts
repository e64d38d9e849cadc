import * as v from 'valibot';
import { flag, func, listOf, oneOf, plainObject, text, value, wholeNumber, type EntriesFor } from '../option-schemas.ts';

/** What transformers.js tells while it fetches and loads files. `name` is the model's id or directory, sizes are bytes. */
export type LoadProgress =
  | { readonly status: 'initiate' | 'download' | 'done'; readonly name: string; readonly file: string }
  | {
      readonly status: 'progress';
      readonly name: string;
      readonly file: string;
      /** From 0 to 100. */
      readonly progress: number;
      readonly loaded: number;
      readonly total: number;
    }
  | {
      /** Over all files. */
      readonly status: 'progress_total';
      readonly name: string;
      /** From 0 to 100. */
      readonly progress: number;
      readonly loaded: number;
      readonly total: number;
      readonly files: Readonly<Record<string, { readonly loaded: number; readonly total: number }>>;
    }
  | { readonly status: 'ready'; readonly task: string; readonly model: string };

/** Where a model is computed, in transformers.js' terms; which are there depends on the platform. */
export type OnnxDevice = 'auto' | 'gpu' | 'cpu' | 'wasm' | 'webgpu' | 'cuda' | 'dml' | 'coreml' | 'webnn' | 'webnn-npu' | 'webnn-gpu' | 'webnn-cpu';

/** Which of a model's weight files is loaded, in transformers.js' terms. */
export type OnnxDtype = 'auto' | 'fp32' | 'fp16' | 'q8' | 'int8' | 'uint8' | 'q4' | 'bnb4' | 'q4f16';

/** How one graph is loaded. */
export interface LoadOnnxGraphOptions {
  /** For messages and reports. @default the id or path */
  readonly name?: string;
  /** @default the CPU in Node, WebAssembly in a browser */
  readonly device?: OnnxDevice;
  /** Weight format. @default what the model's configuration or transformers.js chooses for the device */
  readonly dtype?: OnnxDtype;
  /**
   * In which type activations meet 4-bit weights (`accuracy_level` of `MatMulNBits`), where the graph does not say: 1 float32, 2 float16,
   * 3 bfloat16, 4 int8, which is the fastest on most processors. Loading fails where it changes a token of a probe text. On
   * the CPU alone. @default as ONNX Runtime has it
   */
  readonly accuracyLevel?: 1 | 2 | 3 | 4;
  /** Branch, tag or commit on the hub. @default 'main' */
  readonly revision?: string;
  /** Directory for downloaded files. @default transformers.js' own */
  readonly cacheDir?: string;
  /** Directory that holds models as `<id>/…`; the id is then looked for there and nowhere else. */
  readonly localModelPath?: string;
  /** Uses only files that are on this machine already. @default false */
  readonly localFilesOnly?: boolean;
  /** Name of the graph's file without suffix and `.onnx`. @default 'model' */
  readonly modelFileName?: string;
  /** Where the graph's file lies. @default 'onnx' */
  readonly subfolder?: string;
  /** Whether weights lie beside the graph, and in how many files. @default what the model's configuration says */
  readonly externalData?: boolean | number;
  /** Name of one of the model's chat templates, or a Jinja template in place of them. @default the model's default template */
  readonly chatTemplate?: string;
  /** Threads inside one operator. Whole number ≥ 1. @default ONNX Runtime's choice: one for each core */
  readonly threads?: number;
  /** Most tokens one sequence may hold; lower it to bound memory. Whole number ≥ 1. @default what the model's configuration says */
  readonly contextTokens?: number;
  /** Further options of ONNX Runtime's session, its `InferenceSession.SessionOptions`. */
  readonly sessionOptions?: Readonly<Record<string, unknown>>;
  /** Called while files are fetched and loaded, wherever that happens. */
  readonly onProgress?: (progress: LoadProgress) => void;
}

export interface LoadOnnxModelOptions extends Omit<LoadOnnxGraphOptions, 'dtype'> {
  /**
   * Weight format. Several, from the one for narrow passes to the one for wide passes, are loaded side by side, and every session
   * of a decoder stays in one of them (`SessionOptions.format`). `'auto'` is `['q4', 'q8']` where both are on this machine and the
   * memory is enough for them; else it is transformers.js' choice.
   *
   * @default what the model's configuration or transformers.js chooses for the device
   */
  readonly dtype?: OnnxDtype | readonly OnnxDtype[];
}

const DEVICES = [
  'auto',
  'gpu',
  'cpu',
  'wasm',
  'webgpu',
  'cuda',
  'dml',
  'coreml',
  'webnn',
  'webnn-npu',
  'webnn-gpu',
  'webnn-cpu',
] as const satisfies readonly OnnxDevice[];
const DTYPES = ['auto', 'fp32', 'fp16', 'q8', 'int8', 'uint8', 'q4', 'bnb4', 'q4f16'] as const satisfies readonly OnnxDtype[];

/** What each option may be. */
export const loadOnnxGraphEntries = {
  name: /* @__PURE__ */ v.optional(text),
  device: /* @__PURE__ */ v.optional(/* @__PURE__ */ oneOf(DEVICES)),
  dtype: /* @__PURE__ */ v.optional(/* @__PURE__ */ oneOf(DTYPES)),
  accuracyLevel: /* @__PURE__ */ v.optional(
    /* @__PURE__ */ value<1 | 2 | 3 | 4>('1, 2, 3 or 4', (given) => given === 1 || given === 2 || given === 3 || given === 4),
  ),
  revision: /* @__PURE__ */ v.optional(text),
  cacheDir: /* @__PURE__ */ v.optional(text),
  localModelPath: /* @__PURE__ */ v.optional(text),
  localFilesOnly: /* @__PURE__ */ v.optional(flag),
  modelFileName: /* @__PURE__ */ v.optional(text),
  // The root of the repository is ''.
  subfolder: /* @__PURE__ */ v.optional(/* @__PURE__ */ value<string>('text', (given) => typeof given === 'string')),
  externalData: /* @__PURE__ */ v.optional(
    /* @__PURE__ */ value<boolean | number>(
      'true, false or a number of files',
      (given) => typeof given === 'boolean' || (Number.isSafeInteger(given) && (given as number) >= 0),
    ),
  ),
  chatTemplate: /* @__PURE__ */ v.optional(text),
  threads: /* @__PURE__ */ v.optional(/* @__PURE__ */ wholeNumber(1)),
  contextTokens: /* @__PURE__ */ v.optional(/* @__PURE__ */ wholeNumber(1)),
  sessionOptions: /* @__PURE__ */ v.optional(/* @__PURE__ */ plainObject<NonNullable<LoadOnnxGraphOptions['sessionOptions']>>()),
  onProgress: /* @__PURE__ */ v.optional(/* @__PURE__ */ func<(progress: LoadProgress) => void>()),
} satisfies EntriesFor<LoadOnnxGraphOptions>;

/** As `loadOnnxGraphEntries`, where several formats may be loaded. */
export const loadOnnxModelEntries = {
  ...loadOnnxGraphEntries,
  dtype: /* @__PURE__ */ v.optional(
    /* @__PURE__ */ v.union(
      [/* @__PURE__ */ oneOf(DTYPES), /* @__PURE__ */ listOf(/* @__PURE__ */ oneOf(DTYPES), 'format')],
      "a format or a list of several, such as ['q4', 'q8']",
    ),
  ),
} satisfies EntriesFor<LoadOnnxModelOptions>;
