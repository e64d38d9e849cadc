/**
 * `latency-tts/serve` in Node: the portable handler, a listener and metrics for Prometheus.
 *
 * @module
 */
export * from './serve/index.ts';
export { listen, type ListenOptions, type Listener } from './node/listen.ts';
export { prometheusMetrics, type MetricsRegistry } from './node/prometheus-metrics.ts';
