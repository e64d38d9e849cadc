/**
 * What it is worth that one request leads: a vote with and without it, on a real server with a long prompt.
 *
 *   npm run bench:lead -- http://127.0.0.1:8080/v1 MODEL [branches] [rounds]
 *
 * Every round has prompts of its own, so that nothing is read beforehand; the two ways take turns.
 */
import { cpus } from 'node:os';
import { argv } from 'node:process';
import { openaiCompatibleEngine } from '../src/engines/remote/openai-compatible-engine.ts';

const [baseURL, model = 'default', branches = '4', rounds = '3'] = argv.slice(2);
if (baseURL === undefined) throw new Error('Name a server: npm run bench:lead -- http://127.0.0.1:8080/v1 MODEL');
const TOKENS = 16;
const FACTS = 'The lighthouse keeper wrote down the wind, the tide and every ship that passed before breakfast. '.repeat(24);

interface Round {
  readonly totalMs: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
}

async function measure(leadRequest: boolean, round: number): Promise<Round> {
  const engine = openaiCompatibleEngine({ baseURL: baseURL!, model, leadRequest });
  await engine.ready();
  const session = await engine.open(`Log ${round} ${leadRequest ? 'a' : 'b'}. ${FACTS} What did the keeper write down?`, {});
  const startedAt = performance.now();
  await Promise.all(session.branch(Number(branches)).map((branch) => branch.advance({ until: { tokens: TOKENS } })));
  const totalMs = performance.now() - startedAt;
  const { promptTokens, server } = session.usage();
  await session.dispose();
  await engine.dispose();
  return { totalMs, promptTokens, cachedTokens: server!.cachedPromptTokens };
}

const results: Record<'lead' | 'together', Round[]> = { lead: [], together: [] };
for (let round = 0; round < Number(rounds); round++) {
  results.together.push(await measure(false, round));
  results.lead.push(await measure(true, round));
}
const median = (values: readonly number[]): number => [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)]!;
for (const [name, all] of Object.entries(results)) {
  const times = all.map(({ totalMs }) => totalMs);
  const cached = median(all.map(({ cachedTokens }) => cachedTokens));
  console.log(
    `${name}: ${branches} branches of ${TOKENS} tokens, prompt of ${all[0]!.promptTokens}: median ${median(times).toFixed(0)} ms (${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)}), ${cached} prompt tokens from the cache`,
  );
}
console.log(`${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model}`);
