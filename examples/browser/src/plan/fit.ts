import { LatencyOptimizer } from 'latency-tts';
import type { Tier } from 'latency-tts/problems';
import type { FitRequest, FitResponse } from './fit-worker.ts';

export interface FitOptions {
  readonly tier: Tier;
  /** What `MeasuredProfile.toJSON` gave. */
  readonly profile: unknown;
  readonly signal: AbortSignal;
  /** Told how much of the work is done, from 0 to 1. */
  readonly onProgress: (share: number) => void;
}

/** Finds out what plans do on problems of a tier, at the speed of a profile. @throws the signal's reason when it is aborted. */
export async function fitPlans({ tier, profile, signal, onProgress }: FitOptions): Promise<LatencyOptimizer> {
  const traces = await fetchTraces(tier, signal);
  const worker = new Worker(new URL('./fit-worker.ts', import.meta.url), { type: 'module' });
  try {
    return await new Promise<LatencyOptimizer>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      worker.addEventListener('error', ({ message }) => reject(new Error(message)));
      worker.addEventListener('message', ({ data }: MessageEvent<FitResponse>) => {
        if (data.type === 'progress') onProgress(data.share);
        else if (data.type === 'failed') reject(new Error(data.message));
        else resolve(LatencyOptimizer.load(data.fitted));
      });
      worker.postMessage({ traces, profile } satisfies FitRequest);
    });
  } finally {
    worker.terminate();
  }
}

/** Written by `npm run demo:traces`. Some servers unpack the file, others leave that to the page. */
async function fetchTraces(tier: Tier, signal: AbortSignal): Promise<string> {
  const response = await fetch(`traces/tier-${tier}.jsonl.gz`, { signal });
  if (!response.ok || !response.body) throw new Error(`The traces of tier ${tier} cannot be fetched (${response.status}).`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const stream = new Blob([bytes]).stream();
  return new Response(isPacked ? stream.pipeThrough(new DecompressionStream('gzip')) : stream).text();
}
