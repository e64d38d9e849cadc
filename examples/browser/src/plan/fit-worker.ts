/** Tries plans in simulated time, beside the page: it takes seconds of computing. */
import { LatencyOptimizer, loadProfile, parseTraces, type FittedPlans } from 'latency-tts';

export interface FitRequest {
  /** Lines of a trace file. */
  readonly traces: string;
  /** What `MeasuredProfile.toJSON` gave. */
  readonly profile: unknown;
}

export type FitResponse =
  | { readonly type: 'progress'; readonly share: number }
  | { readonly type: 'done'; readonly fitted: FittedPlans }
  | { readonly type: 'failed'; readonly message: string };

/** What the page's choices can show, and little enough to be tried within seconds. */
const GRID = { strategies: ['self-consistency'], branches: [1, 2, 4, 8, 16], draftLengths: [0, 4, 'adaptive'] } as const;
const DEADLINES = 7;
/** The coarse stage takes about this share of the time. */
const COARSE_SHARE = 0.5;

const tell = (response: FitResponse): void => postMessage(response);

async function fit({ traces, profile }: FitRequest): Promise<FittedPlans> {
  const optimizer = await LatencyOptimizer.fit({
    ...GRID,
    traces: parseTraces(traces),
    profile: loadProfile(profile),
    deadlines: DEADLINES,
    replicas: 1,
    onProgress: ({ stage, done, total }) =>
      tell({ type: 'progress', share: stage === 'coarse' ? (COARSE_SHARE * done) / total : COARSE_SHARE + ((1 - COARSE_SHARE) * done) / total }),
  });
  return optimizer.toJSON();
}

addEventListener('message', ({ data }: MessageEvent<FitRequest>) => {
  fit(data).then(
    (fitted) => tell({ type: 'done', fitted }),
    (error: unknown) => tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) }),
  );
});
