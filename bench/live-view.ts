/**
 * What the live view of `latency-tts solve` costs: by how much runs pass their deadline into a pipe and on a pseudo-terminal, in turns.
 *
 *   npm run bench:live -- [--rounds 15] [--branches 64] [--deadline 500]
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { quantile } from '../src/maths/quantile.ts';
import { describeMachine, loadWarning } from './support/machine.ts';

const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const PROBLEM = 'Mia has 34 apples. She buys 7 boxes with 12 apples in each. How many apples does Mia have now?';
const TARGET_MS = 50;
const run = promisify(execFile);

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, branches: { type: 'string', default: '64' }, deadline: { type: 'string', default: '500' } },
});
const [rounds, deadlineMs] = [Number(values.rounds), Number(values.deadline)];

/** So hot that branches do not end by themselves. */
function wordsOf(seed: number): string[] {
  return [process.execPath, CLI, 'solve', PROBLEM, '-d', `${deadlineMs}ms`, '-b', values.branches, '-t', '5', '--seed', String(seed)];
}

async function inPipe(seed: number): Promise<number> {
  const [command, ...words] = wordsOf(seed);
  return overshoot((await run(command!, words)).stdout);
}

/** Through `script` of util-linux, which gives the command a terminal. */
async function onTerminal(seed: number): Promise<number> {
  const quoted = wordsOf(seed).map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
  return overshoot((await run('script', ['-qec', `stty rows 24 cols 80; ${quoted.join(' ')}`, '/dev/null'])).stdout);
}

function overshoot(printed: string): number {
  const [, totalMs] = /stopped: .*?(\d+) ms/.exec(printed) ?? [];
  if (totalMs === undefined) throw new Error(`No result in ${JSON.stringify(printed.slice(-300))}`);
  return Number(totalMs) - deadlineMs;
}

const machine = describeMachine([]);
const pairs: { readonly pipe: number; readonly terminal: number }[] = [];
for (let seed = 0; seed < rounds; seed++) pairs.push({ pipe: await inPipe(seed), terminal: await onTerminal(seed) });

const spread = (numbers: readonly number[]): string => [0.1, 0.5, 0.9].map((share) => quantile(numbers, share).toFixed(0)).join(' / ');
const differences = pairs.map(({ pipe, terminal }) => terminal - pipe);
console.log(`${machine.date}, ${machine.cpu}, ${machine.cores} cores; ${values.branches} branches, ${deadlineMs} ms, ${rounds} rounds`);
const warning = loadWarning(machine);
if (warning !== undefined) console.log(warning);
console.log(
  `past the deadline, ms (10 % / median / 90 %): pipe ${spread(pairs.map(({ pipe }) => pipe))}, terminal ${spread(pairs.map(({ terminal }) => terminal))}`,
);
console.log(`terminal over pipe, ms: ${spread(differences)}; wanted: a median within ${TARGET_MS}`);
