/**
 * What real models answer when a deadline cuts them: how many of their forced answers can be read in the form that the prompt
 * asked for, and how many are what the same branch says when it runs to its end.
 *
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY npm run eval:forced -- --problems FILE [--problems FILE] [--models a,b] [--forms boxed,json]
 *     [--count 20] [--at-once 4] [--max-tokens 400] [--json FILE]
 *
 * Problems are lines of JSON with `prompt` and, where it is known, `answer`. Branches are greedy, so that the cut one and the
 * whole one write the same text. Each problem is solved to its end first; the deadline of the second run is half the median of
 * the times that took. Runs go on `--at-once` together, in both passes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import { quantile } from 'simple-statistics';
import { Decoder, equivalent, loadOnnxModel, NoCandidateError, SelfConsistency, type BranchReport, type Engine } from 'latency-tts';
import { HOW_TO_GET_REAL_MODELS, realModelDirectory, REAL_MODELS, type RealModelName } from '../test/support/real-models.ts';
import { commandOf, countOf, printTable } from './support/command-line.ts';
import { percent } from './support/proportions.ts';

/** What prompts say of the form, behind the problem; and what an answer in it is found by, in text that was forced. */
const FORMS: Readonly<Record<string, { readonly asks: string; readonly shape: RegExp }>> = {
  none: { asks: '', shape: /\\boxed\{.+\}/s },
  boxed: { asks: 'Please reason step by step, and put your final answer within \\boxed{}.', shape: /\\boxed\{.+\}/s },
  answer: { asks: 'Think step by step. The last line of your response should be of the form "Answer: X", where X is the answer.', shape: /Answer:\s*\S/ },
  sentence: { asks: 'Think step by step and finish with "The final answer is X".', shape: /The final answer is\s*\S/ },
  hashes: { asks: 'Think step by step. End with the answer on a line of its own behind "####".', shape: /####\s*\S/ },
  json: { asks: 'Reply with JSON: {"reasoning": "your steps", "answer": "the final answer"}', shape: /"answer":\s*("[^"]+"|[-\d.]+|\[.+\])/s },
  tag: { asks: 'Think step by step, then give the final answer as <answer>…</answer>.', shape: /<answer>\s*[^<\s]/ },
};

interface Problem {
  readonly prompt: string;
  readonly answer?: string;
}

interface Case {
  readonly form: string;
  readonly problem: Problem;
}

interface Row {
  readonly model: string;
  readonly form: string;
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
    count: { type: 'string', default: '20' },
    'at-once': { type: 'string', default: '4' },
    'max-tokens': { type: 'string', default: '400' },
    json: { type: 'string' },
    texts: { type: 'string' },
  },
});
const count = countOf('count', values.count);
const maxTokens = countOf('max-tokens', values['max-tokens']);
const limit = pLimit(countOf('at-once', values['at-once']));

async function run(engine: Engine, { form, problem }: Case, deadlineMs?: number): Promise<{ readonly branch: BranchReport | undefined; readonly ms: number }> {
  const strategy = new SelfConsistency({
    branches: 1,
    maxTokens: deadlineMs === undefined ? maxTokens : 2 * maxTokens,
    sampling: { temperature: 0 },
    ...(deadlineMs === undefined && { forcedAnswer: false }),
  });
  const prompt = `${problem.prompt}\n\n${FORMS[form]!.asks}`.trim();
  try {
    const { branches, timing } = await strategy.run({ engine, prompt, ...(deadlineMs !== undefined && { deadlineMs }) });
    return { branch: branches[0], ms: timing.totalMs };
  } catch (error) {
    if (error instanceof NoCandidateError) return { branch: undefined, ms: deadlineMs ?? 0 };
    throw error;
  }
}

function tally(model: string, form: string, cases: readonly { readonly problem: Problem; readonly whole: BranchReport; readonly cut: BranchReport }[]): Row {
  const forced = cases.filter(({ cut }) => cut.isForced);
  const comparable = forced.filter(({ whole }) => whole.finish === 'end' && whole.answer !== undefined);
  const same = (left: string | undefined, right: string | undefined): boolean => left !== undefined && right !== undefined && equivalent(left, right);
  return {
    model,
    form,
    forced: forced.length,
    read: forced.filter(({ cut }) => cut.answer !== undefined).length,
    inForm: forced.filter(({ cut }) => FORMS[form]!.shape.test(cut.text)).length,
    sameAsWhole: comparable.filter(({ whole, cut }) => same(whole.answer, cut.answer)).length,
    comparable: comparable.length,
    rightForced: forced.filter(({ problem, cut }) => same(cut.answer, problem.answer)).length,
    rightWhole: forced.filter(({ problem, whole }) => same(whole.answer, problem.answer)).length,
  };
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
      .flatMap((file) => readFileSync(file, 'utf8').trim().split('\n').slice(0, count))
      .map((line) => JSON.parse(line) as Problem);
    const cases = values.forms.split(',').flatMap((form) => problems.map((problem) => ({ form, problem })));
    const whole = await Promise.all(cases.map((one) => limit(() => run(engine, one))));
    const deadlineMs =
      quantile(
        whole.map(({ ms }) => ms),
        0.5,
      ) / 2;
    const cut = await Promise.all(cases.map((one) => limit(() => run(engine, one, deadlineMs))));
    const pairs = cases.flatMap((one, index) => {
      const [first, second] = [whole[index]!.branch, cut[index]!.branch];
      return first && second ? [{ ...one, whole: first, cut: second }] : [];
    });
    if (values.texts !== undefined) writeFileSync(values.texts, pairs.map((pair) => JSON.stringify({ model: name, ...pair })).join('\n'), { flag: 'a' });
    console.log(`${name}: deadline ${Math.round(deadlineMs)} ms, half of the median solution; ${pairs.length} of ${cases.length} runs had time for a token`);
    return values.forms.split(',').map((form) =>
      tally(
        name,
        form,
        pairs.filter((pair) => pair.form === form),
      ),
    );
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
  head: ['model', 'form', 'forced', 'read', 'in the form asked for', 'as the whole branch', 'right, forced', 'right, whole'],
  rows: rows.map((row) => [
    row.model,
    row.form,
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
