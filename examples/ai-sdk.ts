/**
 * A vote of several branches behind the AI SDK's own functions, and one branch streamed.
 *
 *   npm run build:js && npx tsx examples/ai-sdk.ts [BRANCHES]
 */
import { generateText, streamText } from 'ai';
import { bundledModels, Decoder, SelfConsistency } from 'latency-tts';
import { createLatencyTts, latencyTtsReport } from 'latency-tts/ai-sdk';

const prompt = 'Mia has 34 apples. She buys 7 boxes with 12 apples in each. She gives 28 apples to Ben. How many apples does Mia have now?';
const branches = Number(process.argv[2] ?? 8);

const { target } = await bundledModels();
const engine = new Decoder({ model: target });
const tts = createLatencyTts({
  engine,
  strategies: { vote: new SelfConsistency({ branches }), single: new SelfConsistency({ branches: 1 }) },
  deadlineMs: 5_000,
});

const { usage, providerMetadata } = await generateText({ model: tts('vote'), prompt });
const { answer, confidence, stopReason, timing } = latencyTtsReport(providerMetadata)!;
console.log(
  `answer ${answer}, ${(100 * confidence).toFixed(0)} % of the votes, ${usage.outputTokens} tokens, ${timing.totalMs.toFixed(0)} ms, ${stopReason}\n`,
);

for await (const part of streamText({ model: tts('single'), prompt, temperature: 0 }).textStream) process.stdout.write(part);
await engine.dispose();
