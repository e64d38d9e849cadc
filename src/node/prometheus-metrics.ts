// One by one: the whole package brings OpenTelemetry and the metrics of the process.
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';
import type { RequestRecord, ServeMetrics } from '../serve/metrics.ts';

/** Seconds; from the milliseconds of a small model to the minutes of a large one. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** What is used of a `Registry` of prom-client. */
export interface MetricsRegistry {
  readonly contentType: string;
  metrics(): Promise<string>;
  // As prom-client declares it: of metrics of any kind.
  registerMetric(metric: never): void;
}

/**
 * Metrics of a handler in the format of Prometheus, for `HandlerOptions.metrics`. docs/serve.md lists them.
 *
 * @param registry - A `Registry` of prom-client where they are registered, in addition to those the host has. @default one of their own
 */
export function prometheusMetrics(registry: MetricsRegistry = new Registry()): ServeMetrics {
  const registers = [registry as Registry];
  const labelNames = ['endpoint', 'model', 'strategy', 'outcome'] as const;
  const requests = new Counter({ name: 'latency_tts_requests_total', help: 'Requests that are over, by outcome.', labelNames, registers });
  const duration = new Histogram({
    name: 'latency_tts_request_duration_seconds',
    help: 'From the arrival of a request to the end of its reply.',
    labelNames,
    buckets: BUCKETS,
    registers,
  });
  const waiting = new Histogram({
    name: 'latency_tts_queue_wait_seconds',
    help: 'Time of requests in the queue.',
    buckets: BUCKETS,
    registers,
  });
  const misses = new Counter({
    name: 'latency_tts_deadline_misses_total',
    help: 'Replies after their deadline, or none because of it.',
    labelNames: ['endpoint', 'model', 'strategy'],
    registers,
  });
  const aborted = new Counter({ name: 'latency_tts_aborted_total', help: 'Requests whose client left before the end.', registers });
  const tokens = new Counter({
    name: 'latency_tts_tokens_total',
    help: 'Tokens over all branches: of prompts, sampled, and appended by strategies.',
    labelNames: ['model', 'kind'],
    registers,
  });
  const queueLength = new Gauge({ name: 'latency_tts_queue_length', help: 'Requests that wait for their turn.', registers });
  const inFlight = new Gauge({ name: 'latency_tts_requests_in_flight', help: 'Requests worked on.', registers });
  return {
    onRequest(record) {
      const { model = '', strategy = '', endpoint, outcome, totalMs, queuedMs, isMiss, usage } = record;
      requests.inc({ endpoint, model, strategy, outcome });
      duration.observe({ endpoint, model, strategy, outcome }, totalMs / 1000);
      if (wasWorkedOn(record)) waiting.observe(queuedMs / 1000);
      if (isMiss) misses.inc({ endpoint, model, strategy });
      if (outcome === 'aborted') aborted.inc();
      if (!usage) return;
      tokens.inc({ model, kind: 'prompt' }, usage.promptTokens);
      tokens.inc({ model, kind: 'sampled' }, usage.completionTokens);
      tokens.inc({ model, kind: 'forced' }, usage.forcedTokens);
    },
    onLoad({ queued, running }) {
      queueLength.set(queued);
      inFlight.set(running);
    },
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

function wasWorkedOn({ usage }: RequestRecord): boolean {
  return usage !== undefined;
}
