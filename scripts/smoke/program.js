/** What every project runs: a vote over a server, and the error of a wrong option, which names itself also when it is minified. */
import { InvalidOptionError, openaiCompatibleEngine, SelfConsistency } from 'latency-tts';

export async function vote(baseURL) {
  const engine = openaiCompatibleEngine({ baseURL, model: 'smoke', server: 'openai' });
  const { answer } = await new SelfConsistency({ branches: 4 }).run({ engine, prompt: 'What is 6 × 7?', deadlineMs: 20_000 });
  let name = 'none';
  try {
    new SelfConsistency({ branches: 0 });
  } catch (error) {
    name = error instanceof InvalidOptionError ? error.name : String(error);
  }
  await engine.dispose();
  return `answer ${answer}, ${name}`;
}
