/** What servers do wrong, one fault at a time, and what a vote over branches makes of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openaiCompatibleEngine } from '../../src/engines/remote/openai-compatible-engine.ts';
import { isLatencyTtsError } from '../../src/errors.ts';
import { SelfConsistency, type SelfConsistencyResult } from '../../src/strategies/self-consistency.ts';
import { ConformanceServer, type Fault, type SeenRequest } from '../../test/engines/remote/conformance-server.ts';

/** One fault of a server and what a vote over branches of it came to. */
export interface FaultOutcome {
  readonly fault: string;
  /** Which requests it hit. */
  readonly hit: 'every other request' | 'every request';
  readonly outcome: string;
  /** Branches that came to their end, of all. */
  readonly ended: number;
  readonly branches: number;
  /** Whole answers of the server, to requests that the fault did not hit, that no branch of the result has. */
  readonly lost: number;
  /** Requests the server still had open when the run was over. */
  readonly leaked: number;
  readonly totalMs: number;
  /**
   * In time, nothing lost, nothing left open; and a result, with at least half of the branches where only every other request
   * was hit. Where every request was hit, an error of the library is a right end too.
   */
  readonly isSurvived: boolean;
}

const BRANCHES = 6;
const DEADLINE_MS = 4000;
/** The machine's own delays. */
const GRACE_MS = 500;
const FAULTS: readonly Fault[] = [
  ...(['refuse', 'hang', 'wrong-type', 'not-json', 'giant-line', 'bad-utf8', 'malformed-event', 'wrong-shape'] as const).map((kind) => ({ kind })),
  ...[400, 401, 404, 429, 500, 503].map((status) => ({ kind: 'status' as const, status })),
  ...(['hang-behind', 'truncate', 'reset', 'error-event'] as const).map((kind) => ({ kind, tokens: 5 })),
  ...(['no-done', 'split-bytes', 'whole-json', 'pings', 'no-usage', 'ignores-limits', 'no-logprobs', 'keeps-generating'] as const).map((kind) => ({ kind })),
];

export async function runFaultMatrix(): Promise<FaultOutcome[]> {
  const outcomes: FaultOutcome[] = [];
  for (const fault of FAULTS) {
    for (const hit of ['every other request', 'every request'] as const) outcomes.push(await runWith(fault, hit));
  }
  return outcomes;
}

async function runWith(fault: Fault, hit: FaultOutcome['hit']): Promise<FaultOutcome> {
  const hitRequests = new Set<SeenRequest>();
  const server = await ConformanceServer.start({
    fault: (request, index) => {
      if (hit === 'every other request' && index % 2 === 1) return undefined;
      hitRequests.add(request);
      return fault;
    },
  });
  const engine = openaiCompatibleEngine({ baseURL: server.url, model: 'scripted', firstTokenTimeoutMs: 400, stallTimeoutMs: 400 });
  try {
    await engine.ready();
    const startedAt = performance.now();
    const result = await vote(engine);
    const totalMs = performance.now() - startedAt;
    const leaked = await openAfterAWhile(server);
    const reports = 'branches' in result ? result.branches : [];
    const ended = reports.filter(({ finish }) => finish === 'end').length;
    const whole = server.completions.filter((request) => !hitRequests.has(request) && !request.isCancelled).length;
    const lost = Math.max(0, whole - ended);
    const isRight = 'branches' in result ? hit === 'every request' || ended >= BRANCHES / 2 : hit === 'every request' && isLatencyTtsError(result);
    return {
      fault: 'status' in fault ? `status ${fault.status}` : fault.kind,
      hit,
      outcome: describe(result),
      ended,
      branches: BRANCHES,
      lost,
      leaked,
      totalMs,
      isSurvived: isRight && lost === 0 && leaked === 0 && totalMs <= DEADLINE_MS + GRACE_MS,
    };
  } finally {
    await engine.dispose();
    await server.stop();
  }
}

/** Every branch is to come to its end: none is stopped by a vote. */
function vote(engine: ReturnType<typeof openaiCompatibleEngine>): Promise<SelfConsistencyResult | Error> {
  const strategy = new SelfConsistency({ branches: BRANCHES, earlyDecision: 'none', forcedAnswer: false });
  return strategy.run({ engine, prompt: 'abba 12', seed: 1, deadlineMs: DEADLINE_MS }).catch((error: unknown) => error as Error);
}

function describe(result: SelfConsistencyResult | Error): string {
  if (!('branches' in result)) return isLatencyTtsError(result) ? result.code : `${result.name}: ${result.message}`;
  const failed = result.branches.filter(({ finish }) => finish === 'failed').length;
  return `${result.stopReason}${failed > 0 ? `, ${failed} failed` : ''}`;
}

/** Connections take a moment to close. */
async function openAfterAWhile(server: ConformanceServer): Promise<number> {
  for (let look = 0; look < 50 && server.openRequests > 0; look++) await sleep(20);
  return server.openRequests;
}
