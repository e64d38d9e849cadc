/**
 * What decoding on WebGPU costs, pass by pass, in headless Chromium: the split of the time, and the bytes that come back.
 * On a software adapter times say nothing of a GPU; bytes and equal tokens do.
 *
 *   npm run bench:webgpu [-- --quick --json FILE]
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundledModels, Decoder } from 'latency-tts';
import { buildApp, openPage, serve } from '../test/browser/support/site.ts';
import { aBrowser, launchBrowser } from '../test/support/browser.ts';
import { bundleKilobytes } from '../test/support/bundle-size.ts';
import { atEnd, describeMachine, loadWarning } from './support/machine.ts';
import type { Measured, Workload } from './webgpu-page/main.ts';

const PROMPT = 'Ben has 12 coins. He finds 30 coins. How many coins does Ben have now?';
/** Read-backs are rounded up to this many bytes. */
const ALIGNMENT = 16;

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } } });
/** That of the bundled models, and those of the hub. */
const LAYOUTS = ['native', 'masked', 'gqa'] as const;
const WORKLOADS: readonly Workload[] = values.quick
  ? LAYOUTS.map((layout) => ({ model: 'draft', layout, branches: 2, tokens: 6, prompt: PROMPT }))
  : LAYOUTS.flatMap((layout) =>
      (['draft', 'target'] as const).flatMap((model) => [1, 4, 8].map((branches) => ({ model, layout, branches, tokens: 12, prompt: PROMPT }))),
    );

interface Row extends Workload, Measured {
  readonly oursMs: number;
  /** What came back beyond the wanted logits. */
  readonly kvReadBackBytes: number;
  readonly isGreedyIdentical: boolean;
}

/** Greedy tokens of one branch on the CPU in Node, and the length of its rows of logits. */
async function onCpu(name: 'target' | 'draft', tokens: number): Promise<{ readonly tokens: readonly number[]; readonly vocabularySize: number }> {
  const model = (await bundledModels())[name];
  const engine = new Decoder({ model, thread: 'main' });
  const session = await engine.open(PROMPT, { sampling: { temperature: 0 } });
  const segment = await session.branch(1)[0]!.advance({ until: { tokens } });
  await engine.dispose();
  const loaded = await model.load();
  await loaded.dispose();
  return { tokens: segment.tokens, vocabularySize: loaded.vocabularySize };
}

function judged(workload: Workload, measured: Measured, expected: Awaited<ReturnType<typeof onCpu>>): Row {
  const { totalMs, uploadMs, dispatchMs, readBackMs, passes, readBackBytes } = measured;
  const logits = ALIGNMENT * Math.ceil((4 * expected.vocabularySize * workload.branches) / ALIGNMENT);
  return {
    ...workload,
    ...measured,
    oursMs: totalMs - uploadMs - dispatchMs - readBackMs,
    kvReadBackBytes: Math.max(0, readBackBytes - passes * logits),
    isGreedyIdentical: measured.written.every((tokens) => tokens.join() === expected.tokens.join()),
  };
}

if (aBrowser.missing !== undefined) {
  console.error(`${aBrowser.missing}.`);
  process.exit(2);
}
const machine = describeMachine(['onnxruntime-web']);
const warning = loadWarning(machine);
if (warning) console.error(warning);
const site = await serve(await buildApp(fileURLToPath(new URL('webgpu-page', import.meta.url)), 'bench-app'));
const browser = await launchBrowser();
const { page } = await openPage(browser, site);
const rows: Row[] = [];
for (const workload of WORKLOADS) {
  const measured = await page.evaluate((given) => window.bench.measure(given), workload);
  rows.push(judged(workload, measured, await onCpu(workload.model, workload.tokens)));
}
await browser.close();
await site.close();

const decoded = rows.reduce((sum, { written }) => sum + written.flat().length, 0);
const headline = {
  bytes_read_back_per_token: Math.round(rows.reduce((sum, { readBackBytes }) => sum + readBackBytes, 0) / decoded),
  kv_bytes_read_back: rows.reduce((sum, { kvReadBackBytes }) => sum + kvReadBackBytes, 0),
  greedy_identical: rows.every(({ isGreedyIdentical }) => isGreedyIdentical),
  bundle_kb_gzip: Number((await bundleKilobytes('dist/index.js')).toFixed(1)),
};
const perPass = ({ passes }: Row, milliseconds: number): string => (milliseconds / passes).toFixed(2);
console.log(`${rows[0]!.adapter}; ${machine.cpu}, ${machine.cores} cores, ${machine.date.slice(0, 10)}\n`);
console.log('| model | layout | branches | passes | ms a pass | upload | dispatch | read-back, with the GPU’s work | ours | bytes up | bytes back |');
console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
for (const row of rows) {
  const times = [row.totalMs, row.uploadMs, row.dispatchMs, row.readBackMs, row.oursMs].map((time) => perPass(row, time));
  const bytes = [row.uploadedBytes, row.readBackBytes].map((count) => Math.round(count / row.passes));
  console.log(`| ${[row.model, row.layout, row.branches, row.passes, ...times, ...bytes].join(' | ')} |`);
}
console.log(`\n${JSON.stringify({ headline }, null, 2)}`);
if (values.json) writeFileSync(values.json, `${JSON.stringify({ headline, machine: atEnd(machine), rows }, null, 2)}\n`);
