/**
 * A vote of several branches on a server that speaks OpenAI's interface: vLLM, SGLang, llama.cpp, Ollama or another.
 *
 *   npm run build:js && npx tsx examples/openai-compatible.ts [BRANCHES] [BASE_URL MODEL]
 *
 * Without an address it starts a server of its own on loopback, over the bundled model. The key comes from API_KEY.
 */
import { bundledModels, Decoder, openaiCompatibleEngine, SelfConsistency } from 'latency-tts';
import { createHandler, listen } from 'latency-tts/serve';

const [branches = '8', baseURL, model = 'bundled'] = process.argv.slice(2);
const own = baseURL === undefined ? await startServer() : undefined;
const apiKey = process.env['API_KEY'];
const engine = openaiCompatibleEngine({ baseURL: baseURL ?? `${own!.url}/v1`, model, ...(apiKey !== undefined && { apiKey }) });
await engine.ready();

const { answer, votes, usage, timing, stopReason } = await new SelfConsistency({ branches: Number(branches) }).run({
  engine,
  prompt: 'Mia has 34 apples. She buys 7 boxes with 12 apples in each. She gives 28 apples to Ben. How many apples does Mia have now?',
  deadlineMs: 20_000,
});
console.log(`answer ${answer ?? 'none'} by ${votes[0]?.votes ?? 0} of ${branches} branches, ${timing.totalMs.toFixed(0)} ms, ${stopReason}`);
console.log(`${engine.name}, ${engine.capabilities.logprobs ? 'with' : 'without'} log-probabilities, token counts ${engine.capabilities.tokenCounts}`);
console.log(usage);
await engine.dispose();
await own?.close();

/** The bundled model behind `latency-tts/serve`. */
async function startServer(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { target } = await bundledModels();
  const decoder = new Decoder({ model: target });
  const handler = createHandler({ models: { bundled: { engine: decoder, tokenizer: await target.loadTokenizer() } } });
  await handler.ready();
  const listener = await listen(handler, { port: 0 });
  return {
    url: listener.url,
    close: async () => {
      await listener.close({ graceMs: 1_000 });
      await decoder.dispose();
    },
  };
}
