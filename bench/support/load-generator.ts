import { setTimeout as sleep } from 'node:timers/promises';

/** One request as its client saw it. */
export interface LoadSample {
  /**
   * `answered`: with a whole reply. `refused`: turned away with an error that says why. `given-up`: let in, and told later that
   * its time had run out. `left`: the client went away, as it was told to. `lost`: neither reply nor error came, or only a part.
   */
  readonly outcome: 'answered' | 'refused' | 'given-up' | 'left' | 'lost';
  readonly latencyMs: number;
  /** Code of the error, or what was lost. */
  readonly reason?: string;
  /** Whether a request that was let in had no answer by its deadline, by the client's clock. */
  readonly isMiss: boolean;
}

/** Codes of errors that are told of time that has run out, not of time that would. */
const GIVEN_UP: ReadonlySet<string> = new Set(['queue_timeout', 'deadline_exceeded']);

export interface LoadRequest {
  readonly body: Readonly<Record<string, unknown>>;
  /** Milliseconds after which the client goes away. */
  readonly leavesAfterMs?: number;
}

export interface LoadOptions {
  readonly url: string;
  /** Clients, each of which sends its next request when it has the reply to its last one. */
  readonly clients: number;
  readonly durationMs: number;
  readonly deadlineMs: number;
  /** The nth request of all, from 0. */
  readonly request: (index: number) => LoadRequest;
}

/** Clients that never rest. One that is refused comes back when it was told to. */
export async function generateLoad({ url, clients, durationMs, deadlineMs, request }: LoadOptions): Promise<LoadSample[]> {
  const endsAt = performance.now() + durationMs;
  const samples: LoadSample[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      const { sample, retryAfterMs } = await send(url, request(next++), deadlineMs);
      samples.push(sample);
      if (retryAfterMs > 0) await sleep(Math.min(retryAfterMs, Math.max(0, endsAt - performance.now())));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return samples;
}

async function send(url: string, { body, leavesAfterMs }: LoadRequest, deadlineMs: number): Promise<{ sample: LoadSample; retryAfterMs: number }> {
  const startedAt = performance.now();
  const leaving = leavesAfterMs === undefined ? undefined : AbortSignal.timeout(leavesAfterMs);
  const sampleOf = (outcome: LoadSample['outcome'], reason?: string): LoadSample => {
    const latencyMs = performance.now() - startedAt;
    return {
      outcome,
      latencyMs,
      isMiss: outcome === 'given-up' || (outcome === 'answered' && latencyMs > deadlineMs),
      ...(reason !== undefined && { reason }),
    };
  };
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'bundled', deadline_ms: deadlineMs, ...body }),
      ...(leaving && { signal: leaving }),
    });
    const text = await response.text();
    const code = errorCodeOf(text);
    if (code !== undefined) {
      const outcome = GIVEN_UP.has(code) ? 'given-up' : 'refused';
      return { sample: sampleOf(outcome, code), retryAfterMs: Number(response.headers.get('retry-after-ms') ?? 0) };
    }
    return { sample: isWhole(text, body['stream'] === true) ? sampleOf('answered') : sampleOf('lost', 'a part of a reply'), retryAfterMs: 0 };
  } catch (error) {
    if (leaving?.aborted) return { sample: sampleOf('left'), retryAfterMs: 0 };
    return { sample: sampleOf('lost', error instanceof Error ? String(error.cause ?? error.message) : String(error)), retryAfterMs: 0 };
  }
}

/** Code of an error, in a reply of its own or within a stream. */
function errorCodeOf(text: string): string | undefined {
  const [, data] = /(?:^|^data: |\ndata: )(\{"error":.*\})/.exec(text) ?? [];
  return data === undefined ? undefined : (JSON.parse(data) as { error: { code: string } }).error.code;
}

function isWhole(text: string, isStreamed: boolean): boolean {
  if (isStreamed) return text.endsWith('data: [DONE]\n\n') && text.includes('"finish_reason":"');
  const { choices } = JSON.parse(text) as { readonly choices?: readonly { readonly message: { readonly content: string } }[] };
  return (choices?.[0]?.message.content ?? '') !== '';
}
