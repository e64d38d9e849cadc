import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server of OpenAI's interface that answers 42 to everything. */
export async function startServer(): Promise<{ readonly baseURL: string; close(): void }> {
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data: [{ id: 'smoke', object: 'model' }] }));
      return;
    }
    request.resume().on('end', () => {
      const chunk = (delta: object, reason: string | null, usage?: object): string =>
        `data: ${JSON.stringify({ id: '1', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: reason }], ...(usage && { usage }) })}\n\n`;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk({ role: 'assistant', content: '6 × 7 = 42. ' }, null));
      response.write(chunk({ content: 'The answer is 42.' }, null));
      response.end(`${chunk({}, 'stop', { prompt_tokens: 9, completion_tokens: 12, total_tokens: 21 })}data: [DONE]\n\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, close: () => server.close() };
}
