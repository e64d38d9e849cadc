/**
 * Traces that the demo page plans with: what the bundled target writes for held-out problems, tier by tier.
 *
 *   npm run demo:traces [-- PROBLEMS]
 *
 * What a branch writes does not depend on the machine; the page adds the time that passes take on its own device.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { bundledModels, Decoder, formatTrace, recordTraces, type ProblemTrace, type TokenRecord } from 'latency-tts';
import { generateProblems, TIERS } from 'latency-tts/problems';

const FOLDER = new URL('../examples/browser/public/traces/', import.meta.url);
const SEED = 501;
const BRANCHES = 16;
const problemCount = Number(process.argv[2] ?? 80);

/** Without log-probabilities, which none of the page's plans goes by. */
function withoutLogprobs({ branches, ...trace }: ProblemTrace): ProblemTrace {
  const bare = <Kind extends TokenRecord>(record: Kind): Kind => ({ ...record, logprobs: [] });
  return { ...trace, branches: branches.map(({ probes, ...branch }) => ({ ...bare(branch), ...(probes && { probes: probes.map(bare) }) })) };
}

const { target } = await bundledModels();
const engine = new Decoder({ model: target, thread: 'main' });
mkdirSync(FOLDER, { recursive: true });
for (const tier of TIERS) {
  const problems = generateProblems({ seed: SEED, tier, count: problemCount, split: 'test' });
  const lines: string[] = [];
  for await (const trace of recordTraces({
    engine,
    problems: problems.map(({ id, question, answer }) => ({ id, prompt: question, reference: answer, group: String(tier) })),
    branches: BRANCHES,
    seed: SEED,
  })) {
    lines.push(formatTrace(withoutLogprobs(trace)));
  }
  writeFileSync(new URL(`tier-${tier}.jsonl.gz`, FOLDER), gzipSync(lines.join(''), { level: 9 }));
  console.log(`tier ${tier}: ${lines.length} problems`);
}
await engine.dispose();
