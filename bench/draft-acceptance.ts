/**
 * How many drafted tokens of `lookup`, `sibling` and `history` stand on solutions that a real model writes.
 *
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY npm run bench:drafts -- --problems FILE [--count 8] [--record FILE]
 *   npm run bench:drafts -- --from FILE [--costs int8] [--branches 8]
 *
 * Coupled verification writes what plain decoding writes, whatever was drafted. So the branches of each problem are decoded once,
 * without drafts, and every drafter is then played against the recorded tokens, all branches in step. How much faster that would be
 * follows from a table of what passes cost on some machine: `--costs`. `bench/README.md` says more.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadOnnxModel } from 'latency-tts';
import { LocalEngine } from '../src/engines/local/local-engine.ts';
import { AdaptiveDrafting } from '../src/engines/speculation/adaptive-drafting.ts';
import { fixedDraftLength } from '../src/engines/speculation/draft-policy.ts';
import { Speculation } from '../src/engines/speculation/speculation.ts';
import { SuffixDrafter, type SuffixScope } from '../src/engines/speculation/suffix-drafter.ts';
import { loadWhole } from '../src/models/load-whole.ts';
import { resolveSampling } from '../src/maths/sampling.ts';
import { HOW_TO_GET_REAL_MODELS, REAL_MODELS, realModelDirectory } from '../test/support/real-models.ts';
import { commandOf, countOf, printTable } from './support/command-line.ts';
import { replay, type PassTable, type Solutions } from './support/draft-replay.ts';

const SCOPES: readonly (readonly SuffixScope[])[] = [['lookup'], ['sibling'], ['sibling', 'lookup'], ['sibling', 'lookup', 'history']];
const LENGTHS = [1, 2, 4, 8];
const LONGEST = 8;
/**
 * Milliseconds of a pass of Qwen2.5-Coder-0.5B by new tokens over all branches. Two cores of an AMD EPYC without instructions for
 * 8-bit dot products (AVX2), by our engine; and of one with them, by the runtime alone.
 */
const COSTS = {
  int8: [
    [1, 20.1],
    [2, 23],
    [3, 25.7],
    [4, 27.1],
    [5, 31],
    [8, 40],
    [12, 54],
    [16, 67.5],
    [24, 96],
    [32, 122],
    [40, 147],
    [48, 174.5],
  ],
  int4: [
    [1, 15.7],
    [2, 20.8],
    [4, 33.3],
    [8, 59.8],
    [16, 112],
    [24, 163],
    [40, 267],
    [48, 318],
  ],
  'int8-vnni': [
    [1, 22.5],
    [4, 24.9],
    [8, 35.1],
    [16, 51.7],
    [40, 94.7],
  ],
} as const satisfies Record<string, PassTable>;
const SAMPLING = { temperature: 0.7, topK: 20, topP: 0.8 };
const INSTRUCTION = 'Please reason step by step, and put your final answer within \\boxed{}.';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'qwen2.5-coder-0.5b' },
    dtype: { type: 'string', default: 'q4' },
    /** JSON lines with `id` and `prompt`. */
    problems: { type: 'string' },
    count: { type: 'string', default: '36' },
    branches: { type: 'string', default: '8' },
    /** Most new tokens of a branch. */
    tokens: { type: 'string', default: '240' },
    temperature: { type: 'string', default: String(SAMPLING.temperature) },
    /** Writes what was decoded here. */
    record: { type: 'string' },
    /** Takes what an earlier run recorded, decodes nothing. */
    from: { type: 'string' },
    /** What passes cost: `int8`, `int4`, `int8-vnni`, or a JSON file of pairs of new tokens and milliseconds. */
    costs: { type: 'string', default: 'int8' },
  },
});

const recorded = options.from === undefined ? await decodeAll() : linesOf<Solutions>(options.from);
const solutions = recorded.slice(0, countOf('count', options.count));
if (options.record !== undefined) writeFileSync(options.record, recorded.map((each) => `${JSON.stringify(each)}\n`).join(''));
const branchCount = countOf('branches', options.branches);
const costs = COSTS[options.costs as keyof typeof COSTS] ?? (JSON.parse(readFileSync(options.costs, 'utf8')) as PassTable);
const plain = await replay(solutions, undefined, { branches: branchCount, longest: LONGEST, costs });
console.log(`${commandOf('bench:drafts')}: ${solutions.length} problems, ${branchCount} branches, ${plain.tokens} tokens`);
console.log(`No drafts: ${((1000 * plain.tokens) / plain.milliseconds).toFixed(1)} tokens a second, by passes of ${options.costs}`);
const rows: string[][] = [];
for (const scopes of SCOPES) for (const length of [...LENGTHS, undefined]) rows.push(await play(scopes, length));
const head = ['drafters', 'draft length', 'drafted a round', 'acceptance', 'accepted a round', 'by position', '× no drafts', 'drafting, ms a branch'];
printTable({ head, rows });

function linesOf<Line>(file: string): Line[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Line);
}

async function decodeAll(): Promise<Solutions[]> {
  const name = REAL_MODELS.find((known) => known === options.model);
  const directory = name && realModelDirectory(name);
  if (directory === undefined) throw new Error(`There is no model ${options.model}. ${HOW_TO_GET_REAL_MODELS}`);
  if (options.problems === undefined) throw new Error('Name a file of problems with --problems: JSON lines with `id` and `prompt`.');
  const problems = linesOf<{ id: string; prompt: string }>(options.problems).slice(0, countOf('count', options.count));
  const { model, tokenizer } = await loadWhole(await loadOnnxModel(directory, { dtype: options.dtype === 'q8' ? 'q8' : 'q4' }));
  const engine = new LocalEngine({ name: options.model, model, tokenizer, sampling: resolveSampling(), maxRows: 64 });
  const all: Solutions[] = [];
  for (const [seed, { id, prompt }] of problems.entries()) {
    const text = [{ role: 'user' as const, content: `${prompt}\n${INSTRUCTION}` }];
    const session = await engine.open(text, { seed, sampling: { ...SAMPLING, temperature: Number(options.temperature) } });
    const branches = session.branch(countOf('branches', options.branches));
    const segments = await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: countOf('tokens', options.tokens) } })));
    await session.dispose();
    all.push({ id, prompt: tokenizer.encodePrompt(text), tokens: segments.map(({ tokens }) => [...tokens]) });
    console.log(`decoded ${id}`);
  }
  await engine.dispose();
  return all;
}

/** Plays one drafter at one length, or as adaptive drafting has it, against all solutions. */
async function play(scopes: readonly SuffixScope[], length: number | undefined): Promise<string[]> {
  const policy = length === undefined ? new AdaptiveDrafting({ longest: LONGEST, isPadded: false }) : fixedDraftLength(length);
  const speculation = new Speculation({ drafters: [new SuffixDrafter(scopes)], policy });
  const settings = { branches: branchCount, longest: LONGEST, costs, ...(length !== undefined && { length }) };
  const { tally, branchRounds, tokens, milliseconds, draftingMs } = await replay(solutions, speculation, settings);
  const { proposed, accepted, byPosition } = tally.usage();
  const share = (part: number, whole: number): string => (whole === 0 ? '' : (part / whole).toFixed(3));
  const positions = byPosition.map((position) => share(position.accepted, position.proposed).slice(0, 4)).join(' ');
  return [
    scopes.join(', '),
    length === undefined ? 'adaptive' : String(length),
    share(proposed, branchRounds),
    share(accepted, proposed),
    share(accepted, branchRounds),
    positions,
    share(tokens / milliseconds, plain.tokens / plain.milliseconds),
    share(draftingMs, branchRounds),
  ];
}
