/**
 * Which of the files in a model directory are its weights. The hub has them in `onnx/` or in the root, under several names,
 * in one precision or in many.
 *
 * @module
 */
import { ModelLoadError, ModelMemoryError } from '../errors.ts';
import type { ModelFile, ModelFiles } from './model-files.ts';
import type { OnnxDtype } from './onnx-model-options.ts';

/** A graph that is on this machine, with the weights beside it. */
export interface Weights {
  /** Folder within the model's; empty for the root. */
  readonly folder: string;
  /** Name of the graph's file without suffix and `.onnx`. */
  readonly base: string;
  readonly dtype: Precision;
  /** Size of the graph and its external data. */
  readonly bytes: number;
}

/** Where a graph is looked for, if not in the usual places. */
interface WeightsPlace {
  readonly subfolder?: string | undefined;
  readonly modelFileName?: string | undefined;
}

export type Precision = Exclude<OnnxDtype, 'auto'>;

const SUFFIXES: Readonly<Record<Precision, string>> = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
};
const FOLDERS = ['onnx', ''];
/** Names of a decoder's graph, newest exporters' first. */
const BASES = ['model', 'decoder_model_merged'];
const GRAPH = '.onnx';
/** What exporters add to a graph's name for the files with its weights: `.onnx_data`, `.onnx_data_1`, `.onnx.data`. */
const EXTERNAL_DATA = /^[._]data/;

/**
 * The graph to load.
 *
 * @param dtype - What the options or the configuration ask for; `undefined` for float32 or, where there is no such graph, the only one there is.
 * @returns `undefined` where the wanted graph is not on this machine and may be fetched.
 * @throws {ModelLoadError} that names what is there, where nothing may be fetched.
 */
export async function findWeights(
  source: string,
  files: ModelFiles,
  { subfolder, modelFileName }: WeightsPlace,
  dtype: Precision | undefined,
  mayFetch: boolean,
): Promise<Weights | undefined> {
  const found = await listWeights(files, { subfolder, modelFileName });
  const exact = found.find((weights) => weights.dtype === (dtype ?? 'fp32'));
  if (exact) return exact;
  if (mayFetch) return undefined;
  if (dtype === undefined && found.length === 1) return found[0];
  const wanted = `${modelFileName ?? BASES[0]}${SUFFIXES[dtype ?? 'fp32']}${GRAPH}`;
  if (found.length === 0) {
    const graphs = await listGraphs(files, subfolder === undefined ? FOLDERS : [subfolder]);
    const others = graphs.length > 0 ? `There are ${graphs.join(', ')}; pass \`modelFileName\` for one of them.` : 'There is no .onnx file in it.';
    throw new ModelLoadError(source, `${source} has no ${wanted}, neither in onnx/ nor beside its configuration. ${others}`);
  }
  const offers = found.map((weights) => `\`dtype: '${weights.dtype}'\` (${pathOf(weights)})`).join(', ');
  throw new ModelLoadError(source, `${source} has no ${wanted}. Pass one of ${offers}.`);
}

/** Whether a value is the name of a precision whose files are known. */
export function isPrecision(value: unknown): value is Precision {
  return typeof value === 'string' && Object.hasOwn(SUFFIXES, value);
}

/** @throws {ModelMemoryError} when weights do not fit into memory. */
export function requireMemory(source: string, bytes: number, freeBytes: number): void {
  if (bytes > freeBytes) throw new ModelMemoryError(source, bytes, freeBytes);
}

/** All graphs that are on this machine, one of each format. */
export async function listWeights(files: ModelFiles, { subfolder, modelFileName }: WeightsPlace): Promise<Weights[]> {
  const found: Weights[] = [];
  for (const folder of subfolder === undefined ? FOLDERS : [subfolder]) {
    const list = await files.list(folder);
    for (const base of modelFileName === undefined ? BASES : [modelFileName]) {
      for (const [dtype, suffix] of Object.entries(SUFFIXES) as [Precision, string][]) {
        const bytes = sizeOf(list, `${base}${suffix}${GRAPH}`);
        if (bytes !== undefined && !found.some((weights) => weights.dtype === dtype)) found.push({ folder, base, dtype, bytes });
      }
    }
  }
  return found;
}

/** Bytes of a graph and its external data; `undefined` where there is no such graph. */
function sizeOf(list: readonly ModelFile[], graph: string): number | undefined {
  if (!list.some(({ name }) => name === graph)) return undefined;
  const parts = list.filter(({ name }) => name === graph || (name.startsWith(graph) && EXTERNAL_DATA.test(name.slice(graph.length))));
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function listGraphs(files: ModelFiles, folders: readonly string[]): Promise<string[]> {
  const lists = await Promise.all(folders.map(async (folder) => ({ folder, list: await files.list(folder) })));
  return lists.flatMap(({ folder, list }) => list.filter(({ name }) => name.endsWith(GRAPH)).map(({ name }) => join(folder, name)));
}

function pathOf({ folder, base, dtype }: Weights): string {
  return join(folder, `${base}${SUFFIXES[dtype]}${GRAPH}`);
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
