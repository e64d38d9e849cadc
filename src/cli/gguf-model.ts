import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  llamaCppEngine,
  type AnyLlamaChatWrapper,
  type AnyLlamaModel,
  type AnyLlamaTokenPredictor,
  type LlamaCppEngineOptions,
} from '../adapters/node-llama-cpp/index.ts';
import { InvalidOptionError, ModelLoadError } from '../errors.ts';
import type { ChosenEngine } from './chosen-engine.ts';
import type { ModelChoice } from './model-options.ts';
import { oneOf } from './one-of.ts';

const DEVICES = ['auto', 'cpu', 'gpu', 'cuda', 'vulkan', 'metal'] as const;

/** What of node-llama-cpp is needed to load a file. */
interface NodeLlamaCpp {
  getLlama(options: object): Promise<{ loadModel(options: { readonly modelPath: string }): Promise<GgufModel>; dispose(): Promise<void> }>;
  resolveChatWrapper(model: AnyLlamaModel, options: object): AnyLlamaChatWrapper;
  readonly LlamaLogLevel: { readonly disabled: string };
  readonly InputLookupTokenPredictor: new () => AnyLlamaTokenPredictor;
  readonly DraftSequenceTokenPredictor: new (sequence: unknown) => AnyLlamaTokenPredictor;
}

type GgufModel = AnyLlamaModel & {
  readonly fileInfo?: { readonly metadata?: { readonly tokenizer?: { readonly chat_template?: string } } };
  createContext(options: object): Promise<{ getSequence(): unknown }>;
  dispose(): Promise<void>;
};

/** A GGUF file, loaded by node-llama-cpp. @throws {InvalidOptionError | ModelLoadError} */
export async function chooseGguf(path: string, choice: ModelChoice): Promise<ChosenEngine> {
  const { tokenizer, dtype, device, draft, threads } = choice;
  for (const [option, value] of Object.entries({ tokenizer, dtype: dtype?.join(',') })) {
    if (value !== undefined) throw new InvalidOptionError(option, 'left out for a GGUF file', value, 'The file has its own.');
  }
  const place = oneOf('device', device, DEVICES);
  if (draft !== undefined && draft !== 'none' && draft !== 'lookup' && !/\.gguf$/i.test(draft))
    throw new InvalidOptionError('draft', 'a GGUF file, `lookup` or `none` for a GGUF file', draft);
  const library = await importLlamaCpp(path);
  try {
    const gpu = place === 'cpu' ? false : place === undefined || place === 'gpu' ? 'auto' : place;
    const llama = await library.getLlama({
      gpu,
      build: 'never',
      logLevel: library.LlamaLogLevel.disabled,
      ...(threads !== undefined && { maxThreads: threads }),
    });
    const model = await llama.loadModel({ modelPath: path });
    const options = await engineOptions(library, model, choice, async (draftPath) => llama.loadModel({ modelPath: draftPath }));
    const engine = llamaCppEngine(model, options);
    return {
      engine,
      id: basename(path).replace(/\.gguf$/i, ''),
      isBundled: false,
      async dispose() {
        await engine.dispose();
        await llama.dispose();
      },
    };
  } catch (error) {
    if (error instanceof InvalidOptionError || error instanceof ModelLoadError) throw error;
    const detail = error instanceof Error ? error.message.split('\n')[0]! : String(error);
    throw new ModelLoadError(path, `node-llama-cpp cannot load ${path} (${detail.replace(/\.$/, '')}).`, { cause: error });
  }
}

async function engineOptions(
  library: NodeLlamaCpp,
  model: GgufModel,
  { draft, threads }: ModelChoice,
  loadDraft: (path: string) => Promise<GgufModel>,
): Promise<LlamaCppEngineOptions> {
  const hasTemplate = model.fileInfo?.metadata?.tokenizer?.chat_template !== undefined;
  return {
    ...(hasTemplate && { chatWrapper: library.resolveChatWrapper(model, { type: 'jinjaTemplate' }) }),
    ...(threads !== undefined && { context: { threads } }),
    ...(draft !== undefined && draft !== 'none' && { tokenPredictor: await predictorOf(library, draft, loadDraft) }),
  };
}

/** Makes the predictor of each sequence. */
async function predictorOf(
  library: NodeLlamaCpp,
  draft: string,
  loadDraft: (path: string) => Promise<GgufModel>,
): Promise<() => AnyLlamaTokenPredictor | Promise<AnyLlamaTokenPredictor>> {
  if (draft === 'lookup') return () => new library.InputLookupTokenPredictor();
  const model = await loadDraft(draft);
  // A context for each: sequences of one context take turns.
  return async () => new library.DraftSequenceTokenPredictor((await model.createContext({ contextSize: { max: 4096 } })).getSequence());
}

/** From next to this package, or from the directory that the command is run in. @throws {ModelLoadError} */
async function importLlamaCpp(path: string): Promise<NodeLlamaCpp> {
  try {
    return (await import('node-llama-cpp' as string)) as NodeLlamaCpp;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  try {
    const place = createRequire(join(process.cwd(), 'package.json')).resolve('node-llama-cpp');
    return (await import(pathToFileURL(place).href)) as NodeLlamaCpp;
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    throw new ModelLoadError(path, 'GGUF files need node-llama-cpp, which is not installed: run `npm install node-llama-cpp` in this directory.', { cause });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND');
}
