/**
 * What real models answer when they are cut short: how many of their forced answers parse in the form that the prompt asked
 * for, and how many equal the answer of the same branch run to its end.
 *
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY npm run eval:forced -- --problems FILE [--problems FILE] [--models a,b] [--forms boxed,json]
 *     [--cut half|deadline] [--count 20] [--skip 0] [--at-once 4] [--max-tokens 400] [--json FILE] [--runs FILE]
 *
 * Problems are lines of JSON with `prompt` and, where it is known, `answer`. Branches are greedy, so that the cut one and the
 * whole one write the same text. Each problem is solved to its end first. `--cut half` then runs it again with `maxTokens` at half
 * of its own length: the figures do not depend on how fast the machine is. `--cut deadline` runs it with a deadline of half the
 * median time that the solutions took. `--runs` keeps every run in a file, a line of JSON each: a command that was interrupted
 * goes on where it stopped, and both ways of cutting share the whole solutions.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { quantile } from 'simple-statistics';
import { Decoder, equivalent, loadOnnxModel, NoCandidateError, SelfConsistency, type BranchReport, type Engine } from 'latency-tts';
import { HOW_TO_GET_REAL_MODELS, realModelDirectory, REAL_MODELS, type RealModelName } from '../test/support/real-models.ts';
import { commandOf, countOf, printTable } from './support/command-line.ts';
import { percent } from './support/proportions.ts';

/** What prompts say of the form, after the problem; and how a strict reader finds an answer in it, where it must stand last. */
const FORMS: Readonly<Record<string, { readonly asks: string; readonly parse: (text: string) => string | undefined }>> = {
  none: { asks: '', parse: lastBox },
  boxed: { asks: 'Please reason step by step, and put your final answer within \\boxed{}.', parse: lastBox },
  answer: {
    asks: 'Think step by step. The last line of your response should be of the form "Answer: X", where X is the answer.',
    parse: lastLineOf(/Answer:(.*)/g),
  },
  sentence: { asks: 'Think step by step and finish with "The final answer is X".', parse: lastLineOf(/The final answer is(.*)/g) },
  hashes: { asks: 'Think step by step. End with the answer on a line of its own after "####".', parse: lastLineOf(/####(.*)/g) },
  json: { asks: 'Reply with JSON: {"reasoning": "your steps", "answer": "the final answer"}', parse: jsonField },
  tag: { asks: 'Think step by step, then give the final answer as <answer>…</answer>.', parse: lastLineOf(/<answer>([^<]*)<\/answer>/g) },
};

function lastLineOf(pattern: RegExp): (text: string) => string | undefined {
  return (text) => [...text.trimEnd().matchAll(pattern)].at(-1)?.[1]?.trim();
}

function lastBox(text: string): string | undefined {
  const start = text.lastIndexOf('\\boxed{') + '\\boxed{'.length;
  for (let end = start, depth = 1; end < text.length; end++) {
    if (text[end] === '{') depth++;
    if (text[end] === '}' && --depth === 0) return text.slice(start, end);
  }
  return undefined;
}

/** The field of an object that parses; one that was stopped before its end is closed first. */
function jsonField(text: string): string | undefined {
  for (let start = text.lastIndexOf('{'); start >= 0; start = start === 0 ? -1 : text.lastIndexOf('{', start - 1)) {
    for (const end of ['', '}']) {
      try {
        const { answer } = JSON.parse(text.slice(start).trim().replace(/,$/, '') + end) as { answer?: unknown };
        if (answer !== undefined && answer !== null) return typeof answer === 'string' ? answer : JSON.stringify(answer);
      } catch {
        // Tried from an earlier brace.
      }
    }
  }
  return undefined;
}

/** Whether it may be the answer to one of these problems: a number, a formula, or a word or three; no sentence. */
function isShort(answer: string | undefined): boolean {
  if (answer === undefined || answer.trim() === '') return false;
  const words = answer.trim().split(/\s+/).length;
  return /[\d\\$=^]/.test(answer) ? words <= 8 || answer.includes('\\') : words <= 3;
}

interface Problem {
  readonly prompt: string;
  readonly answer?: string;
}

type Cut = 'half' | 'deadline';

interface Case {
  readonly form: string;
  readonly problem: Problem;
}

interface Row {
  readonly model: string;
  readonly form: string;
  readonly cut: Cut;
  readonly problems: number;
  readonly forced: number;
  readonly read: number;
  readonly inForm: number;
  readonly sameAsWhole: number;
  readonly comparable: number;
  readonly rightForced: number;
  readonly rightWhole: number;
}

const { values } = parseArgs({
  options: {
    problems: { type: 'string', multiple: true, default: [] },
    models: { type: 'string', default: 'qwen2.5-coder-0.5b,smollm2-135m' },
    forms: { type: 'string', default: Object.keys(FORMS).join() },
    cut: { type: 'string', default: 'half' },
    count: { type: 'string', default: '20' },
    skip: { type: 'string', default: '0' },
    'at-once': { type: 'string', default: '4' },
    'max-tokens': { type: 'string', default: '400' },
    json: { type: 'string' },
    runs: { type: 'string' },
  },
});
const cut: Cut = values.cut === 'deadline' ? 'deadline' : 'half';
const count = countOf('count', values.count);
const skip = Number(values.skip);
const maxTokens = countOf('max-tokens', values['max-tokens']);
const forms = values.forms.split(',');
const limit = pLimit(countOf('at-once', values['at-once']));

interface Limits {
  readonly maxTokens: number;
  readonly deadlineMs?: number;
  readonly isForced: boolean;
}

interface Ran {
  readonly branch?: BranchReport;
  readonly ms: number;
}

/** A run as it is kept: `deadlineMs` is there where a deadline cut it. */
interface KeptRun extends Ran {
  readonly key: string;
  readonly deadlineMs?: number;
}

const kept = new Map<string, KeptRun>();
if (values.runs !== undefined && existsSync(values.runs))
  for (const line of readFileSync(values.runs, 'utf8').split('\n').filter(Boolean)) {
    const run = JSON.parse(line) as KeptRun;
    kept.set(run.key, run);
  }

/** A run that is kept, else one that is made and kept. */
async function keep(key: string, make: () => Promise<KeptRun>): Promise<KeptRun> {
  const known = kept.get(key);
  if (known) return known;
  const made = await make();
  kept.set(key, made);
  if (values.runs !== undefined) appendFileSync(values.runs, `${JSON.stringify(made)}\n`);
  console.error(
    `${new Date().toISOString().slice(11, 19)} ${kept.size} ${key.slice(0, 60)}: ${made.branch?.tokenCount ?? 0} tokens in ${Math.round(made.ms)} ms`,
  );
  return made;
}

const keyOf = (model: string, pass: string, { form, problem }: Case): string => [model, pass, form, problem.prompt].join(' · ');

async function run(engine: Engine, { form, problem }: Case, { maxTokens, deadlineMs, isForced }: Limits): Promise<Ran> {
  const strategy = new SelfConsistency({ branches: 1, maxTokens, sampling: { temperature: 0 }, ...(!isForced && { forcedAnswer: false }) });
  const prompt = `${problem.prompt}\n\n${FORMS[form]!.asks}`.trim();
  try {
    const { branches, timing } = await strategy.run({ engine, prompt, ...(deadlineMs !== undefined && { deadlineMs }) });
    return { branch: branches[0]!, ms: timing.totalMs };
  } catch (error) {
    if (error instanceof NoCandidateError) return { ms: deadlineMs ?? 0 };
    throw error;
  }
}

interface Pair extends Case {
  readonly whole: BranchReport;
  readonly cut: BranchReport;
}

function tally(model: string, form: string, pairs: readonly Pair[]): Row {
  const forced = pairs.filter((pair) => pair.cut.isForced);
  const comparable = forced.filter(({ whole }) => whole.finish === 'end' && whole.answer !== undefined);
  const same = (left: string | undefined, right: string | undefined): boolean => left !== undefined && right !== undefined && equivalent(left, right);
  return {
    model,
    form,
    cut,
    problems: pairs.length,
    forced: forced.length,
    read: forced.filter((pair) => pair.cut.answer !== undefined).length,
    inForm: forced.filter((pair) => isShort(pair.cut.answer) && isShort(FORMS[form]!.parse(pair.cut.text))).length,
    sameAsWhole: comparable.filter((pair) => same(pair.whole.answer, pair.cut.answer)).length,
    comparable: comparable.length,
    rightForced: forced.filter((pair) => same(pair.cut.answer, pair.problem.answer)).length,
    rightWhole: forced.filter((pair) => same(pair.whole.answer, pair.problem.answer)).length,
  };
}

async function evaluateForm(engine: Engine, model: string, form: string, problems: readonly Problem[]): Promise<Row> {
  const cases = problems.map((problem): Case => ({ form, problem }));
  const solve = (one: Case): Promise<KeptRun> => {
    const key = keyOf(model, 'whole', one);
    return keep(key, async () => ({ key, ...(await run(engine, one, { maxTokens, isForced: false })) }));
  };
  const cutAt = (one: Case, limits: Omit<Limits, 'isForced'>): Promise<KeptRun> => {
    const { deadlineMs } = limits;
    const key = keyOf(model, cut, one);
    return keep(key, async () => ({ key, ...(deadlineMs !== undefined && { deadlineMs }), ...(await run(engine, one, { ...limits, isForced: true })) }));
  };
  const pairOf = (one: Case, whole: Ran, short: Ran): Pair[] => (whole.branch && short.branch ? [{ ...one, whole: whole.branch, cut: short.branch }] : []);
  if (cut === 'half') {
    const pairs = cases.map((one) =>
      limit(async () => {
        const whole = await solve(one);
        return pairOf(one, whole, await cutAt(one, { maxTokens: Math.max(1, Math.floor((whole.branch?.tokenCount ?? maxTokens) / 2)) }));
      }),
    );
    return tally(model, form, (await Promise.all(pairs)).flat());
  }
  const whole = await Promise.all(cases.map((one) => limit(() => solve(one))));
  const deadlineMs = Math.round(
    quantile(
      whole.map(({ ms }) => ms),
      0.5,
    ) / 2,
  );
  console.error(`deadline ${deadlineMs} ms, half of the median solution`);
  const short = await Promise.all(cases.map((one) => limit(() => cutAt(one, { maxTokens: 2 * maxTokens, deadlineMs }))));
  return tally(
    model,
    form,
    cases.flatMap((one, index) => pairOf(one, whole[index]!, short[index]!)),
  );
}

async function evaluate(name: RealModelName): Promise<Row[]> {
  const directory = realModelDirectory(name);
  if (!directory) {
    console.log(`${name} is left out. ${HOW_TO_GET_REAL_MODELS}`);
    return [];
  }
  const engine = new Decoder({ model: await loadOnnxModel(directory, { name, dtype: 'q4', localFilesOnly: true }) });
  try {
    await engine.ready();
    const problems = values.problems
      .flatMap((file) =>
        readFileSync(file, 'utf8')
          .trim()
          .split('\n')
          .slice(skip, skip + count),
      )
      .map((line) => JSON.parse(line) as Problem);
    const rows: Row[] = [];
    for (const form of forms) {
      const row = await evaluateForm(engine, name, form, problems);
      console.log(JSON.stringify(row));
      rows.push(row);
    }
    return rows;
  } finally {
    await engine.dispose();
  }
}

if (values.problems.length === 0) throw new Error('Name a file of problems: --problems FILE, lines of JSON with `prompt` and `answer`.');
const names = values.models.split(',').filter((name): name is RealModelName => (REAL_MODELS as readonly string[]).includes(name));
const rows: Row[] = [];
for (const name of names) rows.push(...(await evaluate(name)));
const share = (part: number, of: number): string => (of === 0 ? '–' : `${part} of ${of} (${percent(part / of)} %)`);
printTable({
  head: ['model', 'form', 'problems', 'forced', 'read', 'in the form asked for', 'as the whole branch', 'right, forced', 'right, whole'],
  rows: rows.map((row) => [
    row.model,
    row.form,
    String(row.problems),
    String(row.forced),
    share(row.read, row.forced),
    share(row.inForm, row.forced),
    share(row.sameAsWhole, row.comparable),
    share(row.rightForced, row.forced),
    share(row.rightWhole, row.forced),
  ]),
});
console.log(`${commandOf('eval:forced')}\n${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.version}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
