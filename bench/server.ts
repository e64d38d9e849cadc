/**
 * `latency-tts serve` under load on loopback, and what an engine over HTTP makes of a server that fails.
 *
 *   npm run bench:server [-- --quick] [--json FILE] [--markdown] [--docs]
 *   npm run bench:server -- --from FILE --docs
 *
 * `bench/README.md` says what is measured and how.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { generateProblems } from '../src/problems/index.ts';
import { commandOf, countOf, printTable } from './support/command-line.ts';
import { runFaultMatrix } from './support/fault-matrix.ts';
import { generateLoad, type LoadRequest } from './support/load-generator.ts';
import { atEnd, describeMachine, loadWarning } from './support/machine.ts';
import { readReport, replaceSection, writeReport } from './support/report-files.ts';
import type { ServerState } from './support/server-messages.ts';
import {
  faultTable,
  headlineOf,
  levelTable,
  markdownOf,
  soakTable,
  summariseLevel,
  summariseSoak,
  verdicts,
  type LevelRow,
  type ServerBenchSettings,
  type ServerReport,
  type SoakReport,
} from './support/server-report.ts';
import { ServedModel } from './support/served-model.ts';

const DOCS_PAGE = 'docs/benchmarks.md';
const STRATEGY = 'self-consistency';
const BRANCHES = 8;
const DEADLINE_MS = 1000;
const PROBLEMS = generateProblems({ seed: 3, tier: 4, count: 64, split: 'test' });
/** How often the server's memory is looked at. */
const STATE_INTERVAL_MS = 500;

const { values: options } = parseArgs({
  options: {
    /** A few seconds of everything: for a look, not for the record. */
    quick: { type: 'boolean', default: false },
    /** Writes the results here. */
    json: { type: 'string' },
    /** Prints the section of the docs page. */
    markdown: { type: 'boolean', default: false },
    /** Writes the section into the docs page. */
    docs: { type: 'boolean', default: false },
    /** Takes the results of an earlier run from this file, measures nothing. */
    from: { type: 'string' },
    clients: { type: 'string' },
    seconds: { type: 'string' },
    soak: { type: 'string' },
  },
});

const report = options.from === undefined ? await measure() : readReport<ServerReport>(options.from, 'server');
print(report);
if (options.json !== undefined) writeReport(options.json, report);
if (options.markdown) console.log(`\n${markdownOf(report)}`);
if (options.docs) replaceSection(DOCS_PAGE, 'bench:server', markdownOf(report));

async function measure(): Promise<ServerReport> {
  const settings: ServerBenchSettings = {
    strategy: STRATEGY,
    branches: BRANCHES,
    deadlineMs: DEADLINE_MS,
    maxRunning: 4,
    maxQueued: 64,
    levelSeconds: countOf('seconds', options.seconds ?? (options.quick ? '3' : '30')),
    soakSeconds: countOf('soak', options.soak ?? (options.quick ? '6' : '330')),
    soakClients: 8,
  };
  const clients = (options.clients ?? (options.quick ? '1,8,32' : '1,2,4,8,16,32,64')).split(',').map((text) => countOf('clients', text));
  const machine = describeMachine(['hono', '@hono/node-server', 'onnxruntime-node']);
  const warning = loadWarning(machine);
  if (warning) console.log(warning);
  const server = await ServedModel.start({ maxRunning: settings.maxRunning, maxQueued: settings.maxQueued });
  let levels: LevelRow[];
  let soak: SoakReport;
  try {
    await load(server, 1, 1000, voteRequest, settings);
    levels = await measureLevels(server, clients, settings);
    soak = await measureSoak(server, settings);
  } finally {
    await server.stop();
  }
  const faults = await runFaultMatrix();
  const measured = { levels, soak, faults };
  return {
    benchmark: 'server',
    command: commandOf('bench:server'),
    machine: atEnd(machine),
    settings,
    headline: headlineOf(measured),
    ...measured,
  };
}

function load({ url }: ServedModel, clients: number, durationMs: number, request: (index: number) => LoadRequest, { deadlineMs }: ServerBenchSettings) {
  return generateLoad({ url, clients, durationMs, deadlineMs, request });
}

async function measureLevels(server: ServedModel, clients: readonly number[], settings: ServerBenchSettings): Promise<LevelRow[]> {
  const rows: LevelRow[] = [];
  for (const count of clients) {
    const startedAt = performance.now();
    const samples = await load(server, count, 1000 * settings.levelSeconds, voteRequest, settings);
    const row = summariseLevel(count, samples, (performance.now() - startedAt) / 1000);
    console.log(
      `${count} clients: ${row.answeredPerSecond.toFixed(1)} answers/s, ${row.refused} refused, ${row.givenUp} given up, ${row.misses - row.givenUp} late, ${row.lost} lost`,
    );
    rows.push(row);
  }
  return rows;
}

/** Everything at once, for long: does memory grow, does anything stay behind? */
async function measureSoak(server: ServedModel, settings: ServerBenchSettings): Promise<SoakReport> {
  const states: ServerState[] = [];
  const watching = new AbortController();
  const watched = (async () => {
    while (!watching.signal.aborted) {
      states.push(await server.state());
      await sleep(STATE_INTERVAL_MS);
    }
  })();
  const samples = await load(server, settings.soakClients, 1000 * settings.soakSeconds, mixedRequest, settings);
  watching.abort();
  await watched;
  for (const { outcome, reason } of samples) if (outcome === 'lost') console.log(`lost: ${reason}`);
  return summariseSoak(samples, states, await settled(server));
}

/** The server a moment after the last client has gone. */
async function settled(server: ServedModel): Promise<ServerState> {
  let state = await server.state();
  for (let look = 0; look < 20 && state.queued + state.running + state.openSessions > 0; look++) {
    await sleep(100);
    state = await server.state();
  }
  return state;
}

function voteRequest(index: number): LoadRequest {
  return { body: { messages: messagesOf(index), strategy: { name: STRATEGY, options: { branches: BRANCHES } } } };
}

/** Strategies, plain sampling and streams in turn; one client in ten leaves early. */
function mixedRequest(index: number): LoadRequest {
  const strategies = ['single', 'self-consistency', 'first-finish', { name: 'beam-search', options: { beams: 8, width: 4 } }];
  const body = { messages: messagesOf(index), strategy: strategies[index % strategies.length], stream: index % 3 === 0 };
  return { body, ...(index % 10 === 9 && { leavesAfterMs: 20 }) };
}

function messagesOf(index: number): readonly object[] {
  return [{ role: 'user', content: PROBLEMS[index % PROBLEMS.length]!.question }];
}

function print(report: ServerReport): void {
  for (const table of [levelTable(report), soakTable(report), faultTable(report)]) printTable(table);
  for (const line of verdicts(report)) console.log(line);
  console.log(JSON.stringify({ headline: report.headline }, null, 2));
}
