/**
 * A quick look at what passes of the bundled family cost here: the grid that `profileEngine` chooses.
 *
 *   npm run bench:profile [-- --json FILE]
 */
import { writeFileSync } from 'node:fs';
import { bundledModels, PrmScorer, profileEngine, SpeculativeDecoder } from 'latency-tts';
import { markdownTable } from './support/report-files.ts';

const { target, draft, prm } = await bundledModels();
const [engine, scorer] = [new SpeculativeDecoder({ target, draft }), new PrmScorer({ model: prm })];
const profile = await profileEngine(engine, { scorer, onProgress: ({ part, points }) => process.stderr.write(`\r${part}: ${points} points   `) });
process.stderr.write('\n');
console.log(`${profile.label}; ${profile.requestMs.toFixed(2)} ms a request beside its passes\n`);
for (const part of profile.parts) {
  const rows = profile
    .points(part)
    .map(({ rows, newTokens, contextTokens, medianMs, p10Ms, p90Ms, samples }) =>
      [rows, newTokens, contextTokens, `${medianMs.toFixed(3)} (${p10Ms.toFixed(3)}–${p90Ms.toFixed(3)})`, samples].map(String),
    );
  console.log(`${part}\n\n${markdownTable(['rows', 'new tokens', 'context', 'ms (p10–p90)', 'samples'], rows)}\n`);
}
const file = process.argv[process.argv.indexOf('--json') + 1];
if (process.argv.includes('--json') && file) writeFileSync(file, JSON.stringify(profile));
await Promise.all([engine.dispose(), scorer.dispose()]);
