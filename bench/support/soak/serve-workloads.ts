/** `serve` over HTTP: every kind of request on connections that are kept. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { listen } from '../../../src/node/listen.ts';
import { prometheusMetrics } from '../../../src/node/prometheus-metrics.ts';
import { createHandler } from '../../../src/serve/handler.ts';
import { GatedEngine } from '../../../test/serve/gated-engine.ts';
import { ScriptedStepScorer } from '../../../test/strategies/scripted-scorer.ts';
import { openSolver } from '../../../test/strategies/solver.ts';
import type { RunningWorkload, Workload } from './workload.ts';

const VOTE = { strategy: { name: 'self-consistency', options: { branches: 4 } } };
const RANK = { strategy: { name: 'best-of-n', options: { branches: 4 } } };

export const serveWorkloads: readonly Workload[] = [
  { name: 'serve, plain', start: () => startSolving({}) },
  { name: 'serve, streamed', start: () => startSolving({ stream: true }) },
  { name: 'serve, vote', start: () => startSolving({ ...VOTE, deadline_ms: 60_000 }) },
  { name: 'serve, vote streamed', start: () => startSolving({ ...VOTE, stream: true, deadline_ms: 60_000 }) },
  { name: 'serve, scored', start: () => startSolving({ ...RANK, deadline_ms: 60_000 }) },
  { name: 'serve, refused', start: () => startSolving({ n: -1 }, 400) },
  { name: 'serve, client gone', start: () => startAbandoning({}) },
  { name: 'serve, client gone from a stream', start: () => startAbandoning({ ...VOTE, stream: true }) },
];

async function startSolving(fields: object, status = 200): Promise<RunningWorkload> {
  const { engine, model } = await openSolver();
  const scorer = new ScriptedStepScorer({ steps: () => [0.5] });
  const handler = createHandler({ models: { served: { engine, scorer } }, metrics: prometheusMetrics() });
  const listener = await listen(handler, { port: 0 });
  const agent = new Agent({ keepAlive: true });
  return {
    request: async (index) => {
      const response = await post(listener.port, agent, { ...fields, seed: index });
      let text = '';
      for await (const piece of response.setEncoding('utf8')) text += piece as string;
      if (response.statusCode !== status || (status === 200 && text.includes('"error":{'))) throw new Error(`${response.statusCode}: ${text}`);
      // The scripted model remembers its passes.
      model.forwards.length = 0;
      scorer.calls.length = 0;
    },
    close: async () => {
      agent.destroy();
      await listener.close();
      await engine.dispose();
    },
  };
}

/** Clients that leave in the middle of the work. */
async function startAbandoning(fields: object): Promise<RunningWorkload> {
  const engine = new GatedEngine();
  const handler = createHandler({ models: { served: { engine } } });
  const listener = await listen(handler, { port: 0 });
  const agent = new Agent({ keepAlive: true });
  return {
    request: async (index) => {
      const leaving = new AbortController();
      const left = post(listener.port, agent, { ...fields, seed: index }, leaving.signal).then(
        (response) => response.on('error', () => undefined),
        () => undefined,
      );
      await engine.reached(1);
      leaving.abort();
      await left;
      while (engine.openSessions > 0) await nextTurn();
      // The scripted engine remembers what it was asked.
      engine.prompts.length = 0;
      engine.options.length = 0;
    },
    close: async () => {
      agent.destroy();
      await listener.close();
    },
  };
}

function post(port: number, agent: Agent, fields: object, signal?: AbortSignal): Promise<IncomingMessage> {
  const body = JSON.stringify({ model: 'served', messages: [{ role: 'user', content: 'how many?' }], ...fields });
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const options = { agent, port, host: '127.0.0.1', path: '/v1/chat/completions', method: 'POST', headers, ...(signal && { signal }) };
    const sent = httpRequest(options, resolve);
    // A kept connection may be closed by the server in the moment in which it is used again.
    const retry = (error: Error): void =>
      sent.reusedSocket && 'code' in error && error.code === 'ECONNRESET' ? resolve(post(port, agent, fields, signal)) : reject(error);
    sent.on('error', retry).end(body);
  });
}
