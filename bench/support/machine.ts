import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';

/** Where and with what a measurement was made. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly packages: Readonly<Record<string, string>>;
  /** ISO date and time of the start. */
  readonly date: string;
  /** Runnable processes over the last minute: above 0 before a measurement means that something else is running. */
  readonly loadAverage: number;
  /** The same after the measurement, which is part of it then, where it was taken. */
  readonly loadAverageAtEnd?: number;
}

/**
 * @param packages - Names of installed packages whose versions matter to the measurement.
 * @param peers - The same for packages of `bench/peers`.
 */
export function describeMachine(packages: readonly string[], peers: readonly string[] = []): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    packages: {
      'latency-tts': versionIn('../../package.json'),
      ...Object.fromEntries(packages.map((name) => [name, versionIn(`../../node_modules/${name}/package.json`)])),
      ...Object.fromEntries(peers.map((name) => [name, versionIn(`../peers/node_modules/${name}/package.json`)])),
    },
    date: new Date().toISOString(),
    loadAverage: loadavg()[0]!,
  };
}

/** The machine after a measurement. */
export function atEnd(machine: Machine): Machine {
  return { ...machine, loadAverageAtEnd: loadavg()[0]! };
}

/** One line where something else is running, else none. */
export function loadWarning({ loadAverage, cores }: Machine): string | undefined {
  if (loadAverage <= cores / 4) return undefined;
  return `Something else is running (load average ${loadAverage.toFixed(2)}): ratios may hold, rates and overheads will not.`;
}

function versionIn(path: string): string {
  return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string }).version;
}
