import type { GraphSession } from './graph-session.ts';
import type { ForwardRow, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { ModelLoadError } from '../errors.ts';
import { firstDisagreement, withAccuracyLevel, writeProbe } from './accuracy-level.ts';
import { openTokenModel, type TokenModelFacts } from './detect-layout.ts';
import type { GraphFile, GraphRuntime } from './graph-file.ts';
import { unifyGraph, type UnifiedGraph } from './unified-graph.ts';
import { UnifiedTokenModel } from './unified-token-model.ts';

/** Tokens that come between two others, enough for the cache to grow. */
const BETWEEN = 96;
/** Share of the range of logits by which they may differ where arithmetic is in 8 bits. */
const TOLERANCE = 0.05;

/**
 * The model over a file's graph, changed where that lets it decode all branches as one row.
 *
 * @param accuracyLevel - Of products with 4-bit weights that have none, where that changes no token of a probe text.
 * @throws {ModelLoadError}
 */
export async function openGraph(runtime: GraphRuntime, graph: GraphFile, facts: TokenModelFacts, accuracyLevel?: number): Promise<TokenModel> {
  const plain = await openChanged(runtime, graph, facts);
  const levelled = accuracyLevel === undefined ? undefined : withAccuracyLevel(await bytesOf(runtime, graph), accuracyLevel);
  if (!levelled) return plain;
  // One after the other: there may be no memory for both.
  const probe = await writeProbe(plain).finally(() => plain.dispose());
  const model = await openChanged(runtime, graph, facts, levelled);
  const place = await firstDisagreement(model, probe).catch(async (error: unknown) => {
    await model.dispose();
    throw error;
  });
  if (place === undefined) return model;
  await model.dispose();
  const share = `${place - probe.given} of ${probe.tokens.length - probe.given}`;
  throw new ModelLoadError(
    facts.source,
    `With \`accuracyLevel: ${accuracyLevel}\` ${facts.source} writes another text: only the first ${share} tokens of a probe are the same. Leave the option out.`,
  );
}

/** @param changed - In place of the file's bytes. */
async function openChanged(runtime: GraphRuntime, graph: GraphFile, facts: TokenModelFacts, changed?: Uint8Array): Promise<TokenModel> {
  const unified = unifyGraph(changed ?? (await bytesOf(runtime, graph)), { ...facts, choosesTokens: runtime.choosesTokens });
  return (unified && (await openUnified(runtime, graph, unified, facts))) ?? openTokenModel(await createSession(runtime, graph, changed), facts);
}

async function openUnified(runtime: GraphRuntime, graph: GraphFile, unified: UnifiedGraph, facts: TokenModelFacts): Promise<TokenModel | undefined> {
  // A build of the runtime may lack an operator. What is wrong with the graph itself comes out when it is opened as it is.
  const session = await createSession(runtime, graph, unified.bytes).catch(() => undefined);
  if (!session) return undefined;
  const model = new UnifiedTokenModel(session, unified.shape, facts);
  if (await isRight(model)) return model;
  await model.dispose();
  return undefined;
}

async function bytesOf(runtime: GraphRuntime, { file }: GraphFile): Promise<Uint8Array> {
  return typeof file === 'string' ? runtime.read(file) : file;
}

function createSession(runtime: GraphRuntime, graph: GraphFile, changed?: Uint8Array): Promise<GraphSession> {
  return changed ? runtime.createSession(changed, { ...graph.options, extra: extraOf(graph) }) : runtime.createSession(graph.file, graph.options);
}

/** A graph that comes as bytes has no directory in which its weights would be looked for. */
function extraOf({ file, options }: GraphFile): Record<string, unknown> {
  const { session, ...rest } = (options.extra ?? {}) as { readonly session?: object };
  if (typeof file !== 'string') return { ...options.extra };
  return { ...rest, session: { ...session, model_external_initializers_file_folder_path: file.replace(/[^/\\]*$/, '') } };
}

/** Whether the runtime goes by the positions and the bias: a text gives the same logits with another one in the cache. */
async function isRight(model: UnifiedTokenModel): Promise<boolean> {
  const between = Math.min(BETWEEN, model.contextTokens - 2);
  if (between < 1) return false;
  const after = async (count: number): Promise<Float32Array> => {
    const [text, other] = [model.openSequence(), model.openSequence()];
    const row = (sequence: TokenSequence, tokens: readonly number[]): ForwardRow => ({ sequence, tokens, logitCount: 1 });
    const next = row(text, [Math.min(2, model.vocabularySize - 1)]);
    try {
      await model.forward([row(text, [1])]);
      if (count === 0) return (await model.forward([next])).slice();
      await model.forward([
        row(
          other,
          Array.from({ length: count }, (_, index) => index % model.vocabularySize),
        ),
      ]);
      // In one pass, so that both are in the same cells.
      return (await model.forward([next, row(other, [1])])).slice(0, model.vocabularySize);
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
