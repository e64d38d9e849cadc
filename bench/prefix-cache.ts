/**
 * What the prefix cache saves, and what keeping prompts in the model's own cache instead would cost.
 *
 * - Time to the first token of a request whose first 1,000 tokens an earlier, closed session has read: with the cache and without.
 * - Time of a token of one branch while other sessions with prompts of 1,000 tokens each are open: a pass attends over all of them.
 *
 *   LATENCY_TTS_REAL_MODELS=DIRECTORY npm run bench:prefix [-- --model NAME --rounds N --json FILE --docs]
 */
import { parseArgs } from 'node:util';
import { Decoder, loadOnnxModel, type Session } from 'latency-tts';
import { commandOf } from './support/command-line.ts';
import { atEnd } from './support/machine.ts';
import { publish, REAL_MODEL_OPTIONS, startOnRealModel } from './support/real-model-command.ts';
import { markdownTable, provenanceOf, type BenchmarkReport } from './support/report-files.ts';
import { roundTo, spreadOf, type Spread } from './support/statistics.ts';

const FORMATS = ['q4', 'q8'] as const;
const PREFIX_TOKENS = 1000;
const OPEN_PROMPTS = [0, 1, 4];
const TOKENS = 16;
/** Numbered sentences: as natural as any text for what a pass takes, and no two with the same number of words in common. */
const EXAMPLES = Array.from({ length: 80 }, (_, number) => `Example ${number}: ${number} boxes of ${number + 3} apples hold ${number * (number + 3)} apples.`);

interface Row {
  readonly format: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  /** Milliseconds to the first token. */
  readonly whole: Spread;
  readonly cached: Spread;
  /** Milliseconds a token, by how many other prompts are open. */
  readonly whileOpen: readonly Spread[];
}

interface PrefixReport extends BenchmarkReport {
  readonly benchmark: 'prefix';
  readonly model: string;
  readonly rows: readonly Row[];
}

const { values: options } = parseArgs({
  options: {
    ...REAL_MODEL_OPTIONS,
  },
});
const { directory, rounds, machine } = startOnRealModel(options);
const rows: Row[] = [];
for (const format of FORMATS) rows.push(await measure(directory, format));
const headline = Object.fromEntries(rows.map(({ format, whole, cached }) => [`first_token_speedup_${format}`, roundTo(whole.median / cached.median, 2)]));
const report: PrefixReport = { benchmark: 'prefix', command: commandOf('bench:prefix'), model: options.model, machine: atEnd(machine), headline, rows };
publish(report, markdownOf(report), options);

async function measure(from: string, format: (typeof FORMATS)[number]): Promise<Row> {
  const engine = new Decoder({ model: await loadOnnxModel(from, { dtype: format, localFilesOnly: true }) });
  const system = await promptOf(engine, PREFIX_TOKENS);
  const [whole, cached, whileOpen]: [number[], number[], number[][]] = [[], [], OPEN_PROMPTS.map(() => [])];
  let [promptTokens, cachedTokens] = [0, 0];
  await firstToken(engine, `${system}\nWhat is 1 + 1?`, false);
  for (let round = 0; round < rounds; round++) {
    const prompt = `${system}\nWhat is ${round} + 17?`;
    whole.push((await firstToken(engine, prompt, true)).milliseconds);
    const { milliseconds, session } = await firstToken(engine, prompt, false);
    cached.push(milliseconds);
    promptTokens = session.promptTokens;
    cachedTokens = session.usage().cachedPromptTokens!;
  }
  const open: Session[] = [];
  for (const [index, count] of OPEN_PROMPTS.entries()) {
    // Other first words: they share nothing.
    while (open.length < count) open.push(await engine.open({ text: `${open.length}. ${system}` }, { readsWholePrompt: true }));
    for (let round = 0; round < rounds; round++) whileOpen[index]!.push(await msPerToken(engine));
  }
  await engine.dispose();
  return { format, promptTokens, cachedTokens, whole: spreadOf(whole), cached: spreadOf(cached), whileOpen: whileOpen.map(spreadOf) };
}

/** A text of about so many tokens. */
async function promptOf(engine: Decoder, tokens: number): Promise<string> {
  const session = await engine.open({ text: EXAMPLES.join('\n') }, { readsWholePrompt: true });
  const share = tokens / session.promptTokens;
  await session.dispose();
  return EXAMPLES.slice(0, Math.ceil(EXAMPLES.length * share)).join('\n');
}

async function firstToken(engine: Decoder, prompt: string, readsWholePrompt: boolean): Promise<{ readonly milliseconds: number; readonly session: Session }> {
  const startedAt = performance.now();
  const session = await engine.open({ text: prompt }, { readsWholePrompt, sampling: { temperature: 0 } });
  await session.branch(1)[0]!.advance({ until: { tokens: 1 } });
  const milliseconds = performance.now() - startedAt;
  await session.dispose();
  return { milliseconds, session };
}

async function msPerToken(engine: Decoder): Promise<number> {
  const session = await engine.open({ text: 'Count from one to a hundred: one, two,' }, { sampling: { temperature: 0 } });
  const [branch] = session.branch(1);
  await branch!.advance({ until: { tokens: 2 } });
  const startedAt = performance.now();
  const { tokenCount } = await branch!.advance({ until: { tokens: TOKENS } });
  const milliseconds = performance.now() - startedAt;
  await session.dispose();
  return milliseconds / tokenCount;
}

function markdownOf(measured: PrefixReport): string {
  const show = ({ median, min, max }: Spread): string => `${median.toFixed(0)} (${min.toFixed(0)}–${max.toFixed(0)})`;
  const firsts = measured.rows.map(({ format, promptTokens, cachedTokens, whole, cached }) => [
    format,
    String(promptTokens),
    String(cachedTokens),
    show(whole),
    show(cached),
  ]);
  const openRows = measured.rows.map(({ format, whileOpen }) => [
    format,
    ...whileOpen.map(({ median, min, max }) => `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`),
  ]);
  return [
    `Milliseconds to the first token of a second request to ${measured.model}: median of ${rounds} rounds, and the extremes.`,
    markdownTable(['format', 'prompt tokens', 'of these known', 'read as a whole', 'with the cache'], firsts),
    'Milliseconds a token of one branch while so many other prompts of 1,000 tokens each are open, which share nothing.',
    markdownTable(['format', ...OPEN_PROMPTS.map((count) => `${count} open`)], openRows),
    provenanceOf(measured),
  ].join('\n\n');
}
