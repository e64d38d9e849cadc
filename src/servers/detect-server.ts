import * as v from 'valibot';
import { ServerError } from '../errors.ts';
import { DIALECTS, type Dialect, type ServerName } from './dialects.ts';
import type { ServerClient } from './server-client.ts';

/** What is known of a server before the first request. */
export interface ServerFacts {
  readonly dialect: Dialect;
  /** Of the model, where the server tells. */
  readonly contextTokens: number | undefined;
  /** Requests handled at once; `undefined` for many, or where the server does not tell. */
  readonly slots: number | undefined;
}

/** What a user says of a server. */
export interface DeclaredFacts {
  readonly server?: ServerName | undefined;
  readonly contextTokens?: number | undefined;
}

/** What our own server says of a model. */
const Ours = v.nullish(v.looseObject({ logprobs: v.nullish(v.boolean()), top_logprobs: v.nullish(v.number()) }));
const Models = v.looseObject({
  data: v.array(v.looseObject({ id: v.string(), owned_by: v.nullish(v.string()), max_model_len: v.nullish(v.number()), latency_tts: Ours })),
});
const Anything = v.looseObject({});
const LlamaProps = v.looseObject({ default_generation_settings: v.looseObject({ n_ctx: v.nullish(v.number()) }), total_slots: v.nullish(v.number()) });
const LlamaPythonPage = v.looseObject({ info: v.looseObject({ title: v.pipe(v.string(), v.regex(/llama\.cpp Python/)) }) });
const TgiInfo = v.looseObject({ model_id: v.string(), max_total_tokens: v.nullish(v.number()) });
const Version = v.looseObject({ version: v.string() });

/** Services that are known by their address. */
const HOSTS: Readonly<Record<string, ServerName>> = { 'api.openai.com': 'openai', 'openrouter.ai': 'openrouter' };

/** Who owns the models says which server it is. */
const OWNERS: Readonly<Record<string, ServerName>> = {
  vllm: 'vllm',
  sglang: 'sglang',
  llamacpp: 'llama.cpp',
  library: 'ollama',
  organization_owner: 'lm-studio',
  'latency-tts': 'latency-tts',
  openai: 'openai',
  system: 'openai',
};

/**
 * Asks a server which it is.
 *
 * @param declared - What its user says: it is asked only for what is still unknown.
 * @throws {ServerError} when it cannot be reached or refuses the key.
 */
export async function detectServer(client: ServerClient, model: string, declared: DeclaredFacts, signal: AbortSignal): Promise<ServerFacts> {
  const { server } = declared;
  const models = await optional(client.get('/models', Models, signal));
  const known = models?.data.find(({ id }) => id === model) ?? models?.data[0];
  const name = server ?? HOSTS[new URL(client.baseURL).hostname] ?? OWNERS[known?.owned_by ?? ''] ?? (await probe(client, signal));
  const dialect = dialectOf(name, known?.latency_tts);
  const contextTokens = declared.contextTokens ?? known?.max_model_len ?? undefined;
  if (contextTokens !== undefined) return { dialect, contextTokens, slots: dialect.slots };
  const told = await limitsOf(client, name, signal);
  return { dialect, contextTokens: told.contextTokens, slots: dialect.slots ?? told.slots };
}

/** Our own server tells what a model has, so that nobody has to ask for what would be refused. */
function dialectOf(name: ServerName, told: v.InferOutput<typeof Ours>): Dialect {
  const dialect = DIALECTS[name];
  if (name !== 'latency-tts' || !told) return dialect;
  if (told.logprobs === false) return { ...dialect, hasLogprobs: false, topLogprobs: 0, tokenIdsField: undefined };
  return { ...dialect, topLogprobs: Math.min(dialect.topLogprobs, told.top_logprobs ?? 0) };
}

/** Each server has a page that no other has. */
async function probe(client: ServerClient, signal: AbortSignal): Promise<ServerName> {
  const found = await Promise.all([
    optional(client.get('//props', LlamaProps, signal)).then((answer) => answer && ('llama.cpp' as const)),
    optional(client.get('//api/version', Version, signal)).then((answer) => answer && ('ollama' as const)),
    optional(client.get('//info', TgiInfo, signal)).then((answer) => answer && ('tgi' as const)),
    optional(client.get('//openapi.json', LlamaPythonPage, signal)).then((answer) => answer && ('llama-cpp-python' as const)),
    optional(client.get('//server_info', Anything, signal)).then((answer) => answer && ('sglang' as const)),
    optional(client.get('//version', Version, signal)).then((answer) => answer && ('vllm' as const)),
  ]);
  return found.find((name) => name !== undefined) ?? 'other';
}

async function limitsOf(
  client: ServerClient,
  name: ServerName,
  signal: AbortSignal,
): Promise<{ readonly contextTokens?: number | undefined; readonly slots?: number | undefined }> {
  if (name === 'llama.cpp') {
    const props = await optional(client.get('//props', LlamaProps, signal));
    return { contextTokens: props?.default_generation_settings.n_ctx ?? undefined, slots: props?.total_slots ?? undefined };
  }
  if (name === 'tgi') return { contextTokens: (await optional(client.get('//info', TgiInfo, signal)))?.max_total_tokens ?? undefined };
  return {};
}

/** A page that a server does not have, or has in another form, tells that it is another server. */
async function optional<Output>(answer: Promise<Output>): Promise<Output | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ServerError && (error.kind === 'request' || error.kind === 'protocol' || error.kind === 'status')) return undefined;
    throw error;
  }
}
