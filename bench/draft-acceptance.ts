/**
 * How many drafted tokens of `lookup`, `sibling` and `history` stand on solutions that a real model writes.
 *
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY npm run bench:drafts -- --problems FILE [--count 8] [--record FILE]
 *   npm run bench:drafts -- --from FILE
 *
 * Coupled verification writes what plain decoding writes, whatever was drafted. So the branches of each problem are decoded once,
 * without drafts, and every drafter is then played against the recorded tokens, all branches in step. `bench/README.md` says more.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadOnnxModel } from 'latency-tts';
import { LocalEngine } from '../src/engines/local/local-engine.ts';
import { fixedDraftLength } from '../src/engines/speculation/draft-policy.ts';
import { Speculation } from '../src/engines/speculation/speculation.ts';
import { SpeculationTally } from '../src/engines/speculation/speculation-tally.ts';
import { SuffixDrafter, type SuffixScope } from '../src/engines/speculation/suffix-drafter.ts';
import { loadWhole } from '../src/models/load-whole.ts';
import { resolveSampling } from '../src/maths/sampling.ts';
import { systemClock } from '../src/runtime/system-clock.ts';
import { HOW_TO_GET_REAL_MODELS, REAL_MODELS, realModelDirectory } from '../test/support/real-models.ts';
import { commandOf, countOf, printTable } from './support/command-line.ts';

/** What the branches of one problem wrote. */
interface Solutions {
  readonly id: string;
  /** Tokens of the prompt. */
  readonly prompt: readonly number[];
  /** Tokens of each branch. */
  readonly tokens: readonly (readonly number[])[];
}

const SCOPES: readonly (readonly SuffixScope[])[] = [['lookup'], ['sibling'], ['sibling', 'lookup'], ['sibling', 'lookup', 'history']];
const LENGTHS = [1, 2, 4, 8];
const SAMPLING = { temperature: 0.7, topK: 20, topP: 0.8 };
const INSTRUCTION = 'Please reason step by step, and put your final answer within \\boxed{}.';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'qwen2.5-coder-0.5b' },
    dtype: { type: 'string', default: 'q4' },
    /** JSON lines with `id` and `prompt`. */
    problems: { type: 'string' },
    count: { type: 'string', default: '8' },
    branches: { type: 'string', default: '8' },
    /** Most new tokens of a branch. */
    tokens: { type: 'string', default: '240' },
    temperature: { type: 'string', default: String(SAMPLING.temperature) },
    /** Writes what was decoded here. */
    record: { type: 'string' },
    /** Takes what an earlier run recorded, decodes nothing. */
    from: { type: 'string' },
  },
});

const solutions = options.from === undefined ? await decodeAll() : linesOf<Solutions>(options.from);
if (options.record !== undefined) writeFileSync(options.record, solutions.map((each) => `${JSON.stringify(each)}\n`).join(''));
const tokenCount = solutions.reduce((sum, { tokens }) => sum + tokens.flat().length, 0);
console.log(`${commandOf('bench:drafts')}: ${solutions.length} problems, ${solutions[0]?.tokens.length ?? 0} branches, ${tokenCount} tokens`);
const rows: string[][] = [];
for (const scopes of SCOPES) for (const length of LENGTHS) rows.push(await play(scopes, length));
printTable({ head: ['drafters', 'draft length', 'drafted a round', 'acceptance', 'accepted a round', 'by position'], rows });

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

/** Plays one drafter against all solutions. */
async function play(scopes: readonly SuffixScope[], length: number): Promise<string[]> {
  const speculation = new Speculation({ drafters: [new SuffixDrafter(scopes)], policy: fixedDraftLength(length) });
  const tally = new SpeculationTally();
  let rounds = 0;
  for (const { prompt, tokens } of solutions) {
    const branches = tokens.map((written) => ({ written, tokens: written.slice(0, 1) }));
    const isOpen = ({ written, tokens }: (typeof branches)[number]): boolean => tokens.length < written.length - 1;
    for (let open = branches.filter(isOpen); open.length > 0; open = open.filter(isOpen)) {
      const calls = open.map((branch) => {
        const limit = Math.min(length, branch.written.length - branch.tokens.length - 1);
        const request = { branch, promptTokens: prompt, tokens: branch.tokens, limit, sampling: resolveSampling(SAMPLING), draw: () => 0 };
        return { request, isFixed: true };
      });
      const drafts = await speculation.propose(calls, open.length, systemClock);
      for (const [index, branch] of open.entries()) {
        const drafted = drafts[index]!.tokens;
        const start = branch.tokens.length;
        let accepted = 0;
        while (accepted < drafted.length && drafted[accepted] === branch.written[start + accepted]) accepted++;
        if (drafted.length > 0) tally.add({ proposed: drafted.length, accepted });
        branch.tokens.push(...branch.written.slice(start, start + accepted + 1));
      }
      rounds += open.length;
    }
    for (const branch of branches) speculation.forget(branch);
    speculation.forget(prompt);
  }
  const { proposed, accepted, byPosition } = tally.usage();
  const share = (part: number, whole: number): string => (whole === 0 ? '' : (part / whole).toFixed(3));
  const positions = byPosition.map((position) => share(position.accepted, position.proposed).slice(0, 4)).join(' ');
  return [scopes.join(', '), String(length), share(proposed, rounds), share(accepted, proposed), share(accepted, rounds), positions];
}
