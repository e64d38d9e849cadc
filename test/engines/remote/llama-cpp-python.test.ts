/**
 * The engine on a server that nobody here wrote: `llama-cpp-python[server]` with the bundled target as GGUF. It has to be built,
 * which takes a quarter of an hour on two cores, so these tests are skipped unless told where it is:
 *
 *   python -m venv DIR && DIR/bin/pip install 'llama-cpp-python[server]'
 *   python training/export_gguf.py target
 *   LLAMA_CPP_PYTHON=DIR/bin/python npx vitest run test/engines/remote/llama-cpp-python.test.ts
 *
 * llama.cpp has no tokenizer like the bundled one, so texts make little sense here: these are tests of the interface.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Segment } from '../../../src/contracts/engine.ts';
import { openaiCompatibleEngine, type OpenAICompatibleEngine } from '../../../src/engines/remote/openai-compatible-engine.ts';
import { SelfConsistency } from '../../../src/strategies/self-consistency.ts';

const PYTHON = process.env['LLAMA_CPP_PYTHON'];
const GGUF = fileURLToPath(new URL('../../../bench/peers/models/target.gguf', import.meta.url));
const PROMPT = { text: 'ben has 12 coins. he finds 30 coins. how many coins does ben have now?' };
const GREEDY = { temperature: 0 } as const;

function missing(): string | undefined {
  if (PYTHON === undefined) return 'LLAMA_CPP_PYTHON does not name a Python that has it';
  return existsSync(GGUF) ? undefined : 'the bundled target is not there as GGUF (python training/export_gguf.py target)';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const servers: ChildProcess[] = [];

/** Returns its base URL. */
async function startServer(options: readonly string[]): Promise<string> {
  const port = await freePort();
  const fixed = ['--model', GGUF, '--n_ctx', '512', '--n_threads', '1', '--host', '127.0.0.1', '--port', String(port)];
  const child = spawn(PYTHON!, ['-m', 'llama_cpp.server', ...fixed, ...options], { stdio: 'ignore' });
  const baseURL = `http://127.0.0.1:${port}/v1`;
  servers.push(child);
  await vi.waitFor(async () => expect((await fetch(`${baseURL}/models`)).ok).toBe(true), { timeout: 60_000, interval: 200 });
  return baseURL;
}

const reason = missing();

describe.skipIf(reason)(`llama-cpp-python${reason ? `: ${reason}` : ''}`, () => {
  const engines: OpenAICompatibleEngine[] = [];

  async function engineOn(options: readonly string[]): Promise<OpenAICompatibleEngine> {
    const engine = openaiCompatibleEngine({ baseURL: await startServer(options), model: 'target', contextTokens: 512 });
    engines.push(engine);
    return engine;
  }

  let plain: OpenAICompatibleEngine;
  let drafting: OpenAICompatibleEngine;
  let interrupted: OpenAICompatibleEngine;

  beforeAll(async () => {
    const patient = ['--interrupt_requests', 'false'];
    plain = await engineOn(patient);
    drafting = await engineOn([...patient, '--draft_model', 'prompt-lookup-decoding', '--draft_model_num_pred_tokens', '4', '--logits_all', 'true']);
    // By default the server breaks a request off when another one comes, and ends its stream in good order.
    interrupted = await engineOn([]);
  });

  afterAll(async () => {
    await Promise.all(engines.map((engine) => engine.dispose()));
    await Promise.all(
      servers.map(async (child) => {
        const exit = once(child, 'exit');
        child.kill('SIGKILL');
        await exit;
      }),
    );
  });

  async function greedyText(engine: OpenAICompatibleEngine): Promise<Segment> {
    const session = await engine.open(PROMPT, { sampling: GREEDY });
    const segment = await session.branch(1)[0]!.advance({ until: { tokens: 40 } });
    await session.dispose();
    return segment;
  }

  test('writes, up to a limit of tokens, and says how it ended', async () => {
    const { text, tokenCount, finish } = await greedyText(plain);
    expect(text.length).toBeGreaterThan(10);
    expect(tokenCount).toBeLessThanOrEqual(40);
    expect(['length', 'end']).toContain(finish);
    expect(plain.server).toBe('other');
  });

  test('keeps seeds apart, and gives the same texts for the same seed', async () => {
    const run = () =>
      new SelfConsistency({ branches: 3, maxTokens: 30, sampling: { temperature: 1.5 }, earlyDecision: 'none', forcedAnswer: false }).run({
        engine: plain,
        prompt: PROMPT,
        seed: 7,
      });
    const [first, second] = [await run(), await run()];
    expect(new Set(first.branches.map(({ text }) => text)).size).toBe(3);
    expect(second.branches.map(({ text }) => text)).toEqual(first.branches.map(({ text }) => text));
  });

  test('ends at a stop string and goes on behind it', async () => {
    const { text } = await greedyText(plain);
    const stop = text.slice(4, 6);
    const session = await plain.open(PROMPT, { sampling: GREEDY });
    const branch = session.branch(1)[0]!;
    expect(await branch.advance({ until: { stop: [stop], tokens: 40 } })).toMatchObject({
      finish: 'stop',
      text: text.slice(0, text.indexOf(stop) + stop.length),
    });
    const stopped = branch.text;
    const { text: further } = await branch.advance({ until: { tokens: 4 } });
    expect(further).not.toBe('');
    expect(branch.text).toBe(stopped + further);
    await session.dispose();
  });

  test('writes the same with prompt look-up for drafts', async () => {
    expect((await greedyText(drafting)).text).toBe((await greedyText(plain)).text);
  });

  test('a request that is broken off for another one is not taken for an end', async () => {
    const result = await new SelfConsistency({ branches: 2, maxTokens: 30, earlyDecision: 'none', forcedAnswer: false, sampling: { temperature: 1.5 } }).run({
      engine: interrupted,
      prompt: PROMPT,
      seed: 7,
    });
    for (const { finish, tokenCount } of result.branches) expect(finish === 'end' || finish === 'failed' || tokenCount >= 30, finish).toBe(true);
    expect(result.usage.server!.retryCount).toBeGreaterThan(0);
  });
});
