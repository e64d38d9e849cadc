import type { EngineUsage } from '../contracts/engine.ts';
import type { Load } from './admission.ts';
import type { ApiErrorCode } from './api-error.ts';
import type { Endpoint } from './completion-task.ts';

/**
 * How a request ended. `completed`: with everything it asked for. `deadline`: with what there was at its deadline. `aborted`:
 * the client left. Else the code of the error it was told.
 */
export type RequestOutcome = 'completed' | 'deadline' | 'aborted' | Exclude<ApiErrorCode, 'client_closed_request'>;

/** One request to a completion endpoint, when it is over. Holds nothing of what was asked or answered. */
export interface RequestRecord {
  readonly id: string;
  readonly endpoint: Endpoint;
  /** `undefined` where the request was not understood, so that nobody can make up names without end. */
  readonly model: string | undefined;
  readonly strategy: string | undefined;
  readonly isStreamed: boolean;
  readonly outcome: RequestOutcome;
  readonly status: number;
  /** Milliseconds from arrival to the end of the reply, and of these in the queue. */
  readonly totalMs: number;
  readonly queuedMs: number;
  /** Infinity without one. */
  readonly deadlineMs: number;
  /** Whether a reply came after its deadline, or none came because of it. A refusal at once is no miss. */
  readonly isMiss: boolean;
  readonly usage: EngineUsage | undefined;
  /** What the reply warns of, a sentence each: branches that failed, scores that are missing. */
  readonly warnings: readonly string[];
  /** What went wrong, where something did; the client may have been told less. */
  readonly error: unknown;
}

/** Keeps count of requests, in whatever system a host has. Must not throw. */
export interface ServeMetrics {
  onRequest(record: RequestRecord): void;
  onLoad(load: Load): void;
  /** What `/metrics` replies. */
  expose(): Promise<{ readonly contentType: string; readonly body: string }>;
}
