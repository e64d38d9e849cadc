import * as v from 'valibot';
import { ServerError } from '../errors.ts';
import type { Dialect } from './dialects.ts';
import type { ServerClient } from './server-client.ts';

/** Why a stream without any text has failed, asked for by a request without a stream where the server has ended it without a word. */
export async function reasonOfSilence(
  error: unknown,
  { client, dialect }: { readonly client: ServerClient; readonly dialect: Dialect },
  { path, body }: { readonly path: string; readonly body: object },
  signal: AbortSignal,
): Promise<unknown> {
  if (!dialect.failsInSilence || !(error instanceof ServerError) || error.kind !== 'stream' || error.status !== undefined) return error;
  return client.post(path, { ...body, stream: false, stream_options: undefined, max_tokens: 1 }, v.unknown(), signal).then(
    () => error,
    (told: unknown) => told,
  );
}
