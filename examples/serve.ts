/**
 * A server on loopback and two clients: one asks plainly, one brings a deadline and a strategy.
 *
 *   npm run build:js && npx tsx examples/serve.ts [problems]
 *
 * Prints the answer of each, the milliseconds it took, and how many tokens it cost.
 */
import { bundledModels, Decoder } from 'latency-tts';
import { generateProblems } from 'latency-tts/problems';
import { createHandler, listen } from 'latency-tts/serve';

interface Reply {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
  readonly usage: { readonly completion_tokens: number };
  readonly latency_tts: { readonly answer: string | null; readonly timing: { readonly total_ms: number } };
}

const problems = generateProblems({ seed: 5, tier: 4, count: Number(process.argv[2] ?? 5), split: 'test' });
const { target } = await bundledModels();
const engine = new Decoder({ model: target });
const handler = createHandler({ models: { bundled: { engine, tokenizer: await target.loadTokenizer() } } });
await handler.ready();
const listener = await listen(handler, { port: 0 });

async function ask(question: string, fields: object): Promise<string> {
  const response = await fetch(`${listener.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'bundled', messages: [{ role: 'user', content: question }], ...fields }),
  });
  if (!response.ok) return `refused: ${await response.text()}`;
  const { choices, usage, latency_tts } = (await response.json()) as Reply;
  const answer = latency_tts.answer ?? choices[0]?.message.content.split('#### ')[1] ?? 'none';
  return `${answer} in ${latency_tts.timing.total_ms.toFixed(0)} ms, ${usage.completion_tokens} tokens`;
}

for (const { question, answer } of problems) {
  console.log(question);
  console.log(`  plain:            ${await ask(question, {})}`);
  console.log(`  self-consistency: ${await ask(question, { strategy: 'self-consistency', deadline_ms: 5_000 })}`);
  console.log(`  right:            ${answer}`);
}

await listener.close({ graceMs: 1_000 });
await engine.dispose();
