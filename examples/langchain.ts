/**
 * A strategy in a chain of LangChain.js: a prompt template, a vote of several branches, a parser.
 *
 *   npm run build:js && npx tsx examples/langchain.ts [BRANCHES]
 */
import { StringOutputParser } from '@langchain/core/output_parsers';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { bundledModels, Decoder, SelfConsistency } from 'latency-tts';
import { ChatLatencyTts, type ChatLatencyTtsMetadata } from 'latency-tts/langchain';

const branches = Number(process.argv[2] ?? 8);
const { target } = await bundledModels();
const engine = new Decoder({ model: target });
const model = new ChatLatencyTts({ engine, strategy: new SelfConsistency({ branches }), deadlineMs: 5_000 });

const template = ChatPromptTemplate.fromTemplate('Mia has {count} apples. She buys 7 boxes with 12 apples in each. How many apples does Mia have now?');
console.log(await template.pipe(model).pipe(new StringOutputParser()).invoke({ count: 34 }));

const message = await template.pipe(model).invoke({ count: 20 });
const { answer, confidence, usage } = (message.response_metadata as ChatLatencyTtsMetadata).latencyTts;
console.log(`answer ${answer}, ${(100 * confidence).toFixed(0)} % of the votes, ${usage.completionTokens} tokens over all branches`);
await engine.dispose();
