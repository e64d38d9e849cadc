/**
 * Whether memory stays where it is: thousands of requests of every kind, in one process, and the bytes that are alive after each part.
 *
 *   npm run soak [-- --requests 10000] [--only TEXT] [--json FILE]
 *
 * `bench/README.md` says what is measured and how. The tests count live objects of the same workloads.
 */
import { parseArgs } from 'node:util';
import { linearRegression, linearRegressionLine, standardDeviation } from 'simple-statistics';
import { commandOf, countOf, printTable } from './support/command-line.ts';
import { atEnd, describeMachine } from './support/machine.ts';
import { writeReport, type BenchmarkReport } from './support/report-files.ts';
import { browserWorkload } from './support/soak/browser-workload.ts';
import { bundledWorkloads, scriptedWorkloads } from './support/soak/engine-workloads.ts';
import { liveBytes } from './support/soak/live-objects.ts';
import { serveWorkloads } from './support/soak/serve-workloads.ts';
import type { Workload } from './support/soak/workload.ts';

/** Most growth in 10,000 requests, of what was alive after the warm-up. */
const MOST_GROWTH = 0.02;
const PER_REQUESTS = 10_000;
/** Looks at memory after the warm-up: a line through them tells growth from chance. */
const LOOKS = 10;
const WARM_UP_SHARE = 0.2;
/** Models that really compute are slower by as much. */
const REAL_SHARE = 0.1;

interface Row {
  readonly name: string;
  readonly requests: number;
  readonly baseBytes: number;
  /** Share of the base by which a line through all looks grows in 10,000 requests, and its standard error. */
  readonly growth: number;
  readonly error: number;
}

interface SoakReport extends BenchmarkReport {
  readonly rows: readonly Row[];
}

const { values: options } = parseArgs({
  options: {
    /** Of each workload on scripted models; a tenth of it on real ones. */
    requests: { type: 'string', default: '10000' },
    /** Workloads whose name contains this. */
    only: { type: 'string', default: '' },
    /** Writes the results here. */
    json: { type: 'string' },
  },
});

const requests = countOf('requests', options.requests);
const machine = describeMachine(['hono', '@hono/node-server', 'onnxruntime-node']);
const workloads: readonly (readonly [Workload, number])[] = [
  ...[...serveWorkloads, ...scriptedWorkloads].map((workload) => [workload, requests] as const),
  ...[...bundledWorkloads, browserWorkload].map((workload) => [workload, Math.ceil(REAL_SHARE * requests)] as const),
];
const rows: Row[] = [];
for (const [workload, count] of workloads) {
  if (!workload.name.includes(options.only)) continue;
  const row = await soak(workload, count);
  console.log(`${row.name}: ${percent(row.growth)} ± ${percent(row.error)}`);
  rows.push(row);
}
if (rows.length === 0) throw new Error(`No workload has "${options.only}" in its name: ${workloads.map(([{ name }]) => name).join('; ')}.`);
printTable({
  head: ['workload', 'requests', 'alive at first', `growth in ${PER_REQUESTS.toLocaleString('en')} requests`],
  rows: rows.map(({ name, requests, baseBytes, growth, error }) => [
    name,
    String(requests),
    `${(baseBytes / 2 ** 20).toFixed(1)} MiB`,
    `${percent(growth)} ± ${percent(error)}`,
  ]),
});
if (options.json !== undefined) {
  const report: SoakReport = {
    benchmark: 'soak',
    command: commandOf('soak'),
    machine: atEnd(machine),
    headline: { soak_worst_growth_per_10k: Math.max(...rows.map(({ growth }) => growth)) },
    rows,
  };
  writeReport(options.json, report);
}
// What chance explains is no growth.
const grown = rows.filter(({ growth, error }) => growth - 2 * error > MOST_GROWTH);
for (const { name, growth } of grown)
  console.error(`${name} grows by ${percent(growth)} in ${PER_REQUESTS} requests; at most ${percent(MOST_GROWTH)} are allowed.`);
process.exit(grown.length > 0 ? 1 : 0);

async function soak(workload: Workload, count: number): Promise<Row> {
  const running = await workload.start();
  const look = running.liveBytes ?? liveBytes;
  let done = 0;
  const until = async (end: number): Promise<void> => {
    while (done < end) await running.request(done++);
  };
  try {
    await until(Math.ceil(WARM_UP_SHARE * count));
    const start = done;
    const points: [number, number][] = [[0, await look()]];
    for (let part = 1; part <= LOOKS; part++) {
      await until(start + Math.round((part / LOOKS) * count));
      points.push([done - start, await look()]);
    }
    return { name: workload.name, requests: count, ...growthOf(points) };
  } finally {
    await running.close();
  }
}

function growthOf(points: readonly [number, number][]): Pick<Row, 'baseBytes' | 'growth' | 'error'> {
  const line = linearRegression(points as [number, number][]);
  const at = linearRegressionLine(line);
  const baseBytes = at(0);
  const counts = points.map(([count]) => count);
  const residuals = points.map(([count, bytes]) => bytes - at(count));
  const slopeError = standardDeviation(residuals) / (standardDeviation(counts) * Math.sqrt(points.length - 2));
  return { baseBytes, growth: (line.m * PER_REQUESTS) / baseBytes, error: (slopeError * PER_REQUESTS) / baseBytes };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
