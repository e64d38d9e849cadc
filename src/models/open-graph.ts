import type { TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { openTokenModel, type TokenModelFacts } from './detect-layout.ts';
import type { GraphFile, GraphRuntime } from './graph-file.ts';
import { unifyGraph, type UnifiedGraph } from './unified-graph.ts';
import { UnifiedTokenModel } from './unified-token-model.ts';

/** Tokens that come between two others, enough for the cache to grow. */
const BETWEEN = 96;
/** Share of the range of logits by which they may differ where arithmetic is in 8 bits. */
const TOLERANCE = 0.05;

/** The model over a file's graph, changed where that lets it decode all branches as one row. @throws {ModelLoadError} */
export async function openGraph(runtime: GraphRuntime, graph: GraphFile, facts: TokenModelFacts): Promise<TokenModel> {
  const bytes = typeof graph.file === 'string' ? await runtime.read(graph.file) : graph.file;
  const unified = unifyGraph(bytes, { ...facts, choosesTokens: runtime.choosesTokens });
  return (unified && (await openUnified(runtime, graph, unified, facts))) ?? openTokenModel(await createSession(runtime, graph), facts);
}

function createSession({ InferenceSession }: GraphRuntime, { file, options }: GraphFile): ReturnType<GraphRuntime['InferenceSession']['create']> {
  return typeof file === 'string' ? InferenceSession.create(file, options) : InferenceSession.create(file, options);
}

async function openUnified(runtime: GraphRuntime, graph: GraphFile, unified: UnifiedGraph, facts: TokenModelFacts): Promise<TokenModel | undefined> {
  const changed = { file: unified.bytes, options: { ...graph.options, extra: extraOf(graph) } };
  // A build of the runtime may lack an operator. What is wrong with the graph itself comes out when it is opened as it is.
  const session = await createSession(runtime, changed).catch(() => undefined);
  if (!session) return undefined;
  const model = new UnifiedTokenModel(session, unified.shape, facts);
  if (await isRight(model)) return model;
  await model.dispose();
  return undefined;
}

/** A graph that comes as bytes has no place beside which its weights would be looked for. */
function extraOf({ file, options }: GraphFile): Record<string, unknown> {
  const { session, ...rest } = (options.extra ?? {}) as { readonly session?: object };
  if (typeof file !== 'string') return { ...options.extra };
  return { ...rest, session: { ...session, model_external_initializers_file_folder_path: file.replace(/[^/\\]*$/, '') } };
}

/** Whether the runtime goes by the positions and the bias: a text gives the same logits with another one in the cache. */
async function isRight(model: UnifiedTokenModel): Promise<boolean> {
  const between = Math.min(BETWEEN, model.contextTokens - 1);
  if (between < 2) return false;
  const after = async (count: number): Promise<Float32Array> => {
    const [text, other] = [model.openSequence(), model.openSequence()];
    const append = (sequence: TokenSequence, tokens: readonly number[]): ReturnType<TokenModel['forward']> =>
      model.forward([{ sequence, tokens, logitCount: 1 }]);
    try {
      await append(text, [1]);
      if (count > 0)
        await append(
          other,
          Array.from({ length: count }, (_, index) => index % model.vocabularySize),
        );
      return (await append(text, [Math.min(2, model.vocabularySize - 1)])).slice();
    } finally {
      for (const sequence of [text, other]) sequence.dispose();
    }
  };
  try {
    const [alone, together] = [await after(0), await after(between)];
    const range = alone.reduce((most, value) => Math.max(most, value), -Infinity) - alone.reduce((least, value) => Math.min(least, value), Infinity);
    return together.every((value, index) => Math.abs(value - alone[index]!) <= TOLERANCE * range);
  } catch {
    return false;
  }
}
