import * as v from 'valibot';
import { openaiCompatibleEngine } from '../engines/remote/openai-compatible-engine.ts';
import { InvalidOptionError, ServerError } from '../errors.ts';
import { ServerClient } from '../servers/server-client.ts';
import type { ChosenEngine } from './chosen-engine.ts';
import type { CliHost } from './host.ts';
import type { ModelChoice } from './model-options.ts';

const KEY = 'LATENCY_TTS_SERVER_KEY';
const OPENAI_KEY = 'OPENAI_API_KEY';
const OPENAI_HOST = 'api.openai.com';

const modelList = v.object({ data: v.array(v.object({ id: v.string() })) });

/**
 * A model on an OpenAI-compatible server; the only one that it has where none is named.
 *
 * @throws {InvalidOptionError | ServerError}
 */
export async function chooseServer(choice: ModelChoice & { readonly baseUrl: string }, env: CliHost['env'], signal: AbortSignal): Promise<ChosenEngine> {
  const { tokenizer, dtype, device, draft, threads } = choice;
  for (const [option, value] of Object.entries({ tokenizer, dtype, device, draft, threads })) {
    if (value !== undefined) throw new InvalidOptionError(option, 'left out with `baseUrl`', value, 'The server decides on it.');
  }
  const baseURL = withVersion(choice.baseUrl);
  const apiKey = keyFor(baseURL, choice.keyEnv, env);
  const server = { baseURL, ...(apiKey !== undefined && { apiKey }) };
  // Checks the address before it is asked.
  const engineOf = (model: string): ChosenEngine['engine'] => openaiCompatibleEngine({ ...server, model });
  engineOf('any');
  try {
    const model = choice.model ?? (await onlyModel(new ServerClient(server), signal));
    const engine = engineOf(model);
    return { engine, id: model, isBundled: false, dispose: () => engine.dispose() };
  } catch (error) {
    throw withKeyHint(error, apiKey);
  }
}

/** An address without a path gets the version that every server has. */
function withVersion(url: string): string {
  return /^https?:\/\/[^/]+\/?$/.test(url) ? `${url.replace(/\/$/, '')}/v1` : url;
}

/** OpenAI's key goes to OpenAI alone, unless it is named. @throws {InvalidOptionError} for a variable that is not set. */
function keyFor(baseURL: string, variable: string | undefined, env: CliHost['env']): string | undefined {
  const set = (name: string): string | undefined => (env[name]?.trim() === '' ? undefined : env[name]?.trim());
  if (variable === undefined) return set(KEY) ?? (URL.canParse(baseURL) && new URL(baseURL).hostname === OPENAI_HOST ? set(OPENAI_KEY) : undefined);
  // Not shown: a key given in place of its variable is a key all the same.
  const key = set(variable);
  if (key === undefined) throw new InvalidOptionError('keyEnv', 'the name of an environment variable that holds a key', InvalidOptionError.NOT_SHOWN);
  return key;
}

async function onlyModel(client: ServerClient, signal: AbortSignal): Promise<string> {
  const { data } = await client.get('/models', modelList, signal);
  const ids = data.map(({ id }) => id);
  if (ids.length === 1) return ids[0]!;
  throw new InvalidOptionError(
    'model',
    ids.length === 0 ? 'given' : `one of ${ids.join(', ')}`,
    undefined,
    'The server has more than one model, or names none.',
  );
}

/** @returns the error, which says where to put the key if the server wants one and got none. */
export function withKeyHint(error: unknown, apiKey: string | undefined): unknown {
  if (!(error instanceof ServerError) || error.kind !== 'authentication' || apiKey !== undefined) return error;
  const message = `${error.message} Put the key into ${KEY}, or name the variable that holds it with \`keyEnv\`.`;
  return new ServerError(error.kind, message, { cause: error, ...(error.status !== undefined && { status: error.status }) });
}
