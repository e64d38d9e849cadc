/**
 * Tokens per second of speculative decoding against plain decoding, transformers.js and node-llama-cpp, on the same
 * weights, paired in one run.
 *
 *   npm run bench:speculative [-- --quick] [--json FILE] [--markdown] [--docs] [--plots]
 *   npm run bench:speculative -- --from FILE --docs --plots
 *
 * `bench/README.md` says what is measured and how.
 */
import { parseArgs } from 'node:util';
import { commandOf, countOf, printTable, threadsOf } from './support/command-line.ts';
import { measureSpeculation } from './support/measure-speculation.ts';
import { missingPeer } from './support/peers.ts';
import { readReport, replaceSection, writeReport } from './support/report-files.ts';
import { writePlots } from './support/speculative-plots.ts';
import { verdicts, type SpeculativeReport } from './support/speculative-report.ts';
import { agreementLines, markdownOf, shareTable, speedTable } from './support/speculative-text.ts';

const DOCS_PAGE = 'docs/benchmarks.md';
const IMAGES = 'docs/images';

const { values: options } = parseArgs({
  options: {
    /** Fewer rounds and prompts: for a look, not for the record. */
    quick: { type: 'boolean', default: false },
    /** Writes the results here. */
    json: { type: 'string' },
    /** Prints the section of the docs page. */
    markdown: { type: 'boolean', default: false },
    /** Writes the section into the docs page. */
    docs: { type: 'boolean', default: false },
    /** Draws the plots of the docs page. */
    plots: { type: 'boolean', default: false },
    /** Takes the results of an earlier run from this file, measures nothing. */
    from: { type: 'string' },
    rounds: { type: 'string' },
    prompts: { type: 'string' },
    branches: { type: 'string', default: '1,4,8,16' },
    threads: { type: 'string', default: 'default' },
  },
});

const report =
  options.from === undefined
    ? await measureSpeculation({
        command: commandOf('bench:speculative'),
        rounds: countOf('rounds', options.rounds ?? (options.quick ? '3' : '9')),
        prompts: countOf('prompts', options.prompts ?? (options.quick ? '2' : '4')),
        comparedPrompts: options.quick ? 8 : 30,
        branchCounts: options.branches.split(',').map((text) => countOf('branches', text)),
        threads: threadsOf(options.threads),
        say: (line) => console.log(line),
      })
    : readReport<SpeculativeReport>(options.from, 'speculative');
print(report);
if (options.json !== undefined) writeReport(options.json, report);
if (options.markdown) console.log(`\n${markdownOf(report)}`);
if (options.docs) replaceSection(DOCS_PAGE, 'bench:speculative', markdownOf(report));
if (options.plots) {
  const missing = missingPeer('vega-lite');
  if (missing === undefined) await writePlots(report, IMAGES);
  else console.log(`Without plots: ${missing}.`);
}

function print(report: SpeculativeReport): void {
  for (const table of [speedTable(report), shareTable(report)]) printTable(table);
  for (const line of [...agreementLines(report), ...verdicts(report)]) console.log(line);
  console.log(JSON.stringify({ headline: report.headline }, null, 2));
}
