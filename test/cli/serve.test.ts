/** Runs the built command as a server and stops it as users and supervisors do. */
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runHere } from '../support/cli-host.ts';
import { startCommand, type Command } from '../support/command.ts';

interface ServeCommand extends Command {
  readonly url: string;
}

async function startServing(...words: readonly string[]): Promise<ServeCommand> {
  const command = startCommand(['serve', '--port', '0', ...words]);
  onTestFinished(() => void command.process.kill('SIGKILL'));
  let printed = '';
  for await (const text of command.process.stdout.iterator({ destroyOnReturn: false })) {
    printed += String(text);
    const [, url] = /at (http:\S+)\/v1\n/.exec(printed) ?? [];
    if (url) return { ...command, url };
  }
  throw new Error(`It ended: ${(await command.result).stderr}`);
}

function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const messages = [{ role: 'user', content: 'Ben has 12 coins. He finds 30 coins. How many coins does Ben have now?' }];
  const body = JSON.stringify({ model: 'bundled', messages, max_tokens: 20 });
  return fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
}

describe('latency-tts serve', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('serves the bundled model until %s, with a line for each request', async (signal) => {
    const { process, result, url } = await startServing('--strategy', 'self-consistency', '--deadline', '1m');
    expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ ready: true });
    const reply = (await (await ask(url)).json()) as { latency_tts: { strategy: string; timing: object } };
    expect(reply.latency_tts).toMatchObject({ strategy: 'self-consistency', timing: { deadline_ms: 60_000 } });
    process.kill(signal);
    const { code, stdout, stderr } = await result;
    expect({ code, stdout }).toEqual({ code: 0, stdout: `Serving bundled at ${url}/v1\n` });
    expect(stderr).toMatch(/^\S+Z chat bundled self-consistency (?:completed|deadline) 200 \d+ ms, \d+ ms of it queued \d+\+\d+ tokens chatcmpl-\S+$/m);
    expect(stderr).toMatch(/Shutting down; 0 requests are under way\.\n$/);
    expect(stderr).not.toContain('coins');
  });

  test('takes the key from a file and says it nowhere', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'latency-tts-key-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    writeFileSync(join(directory, 'key'), 'open sesame\n');
    const { process, result, url } = await startServing('--api-key-file', join(directory, 'key'));
    expect((await ask(url)).status).toBe(401);
    expect((await ask(url, { authorization: 'Bearer open sesame' })).status).toBe(200);
    process.kill('SIGTERM');
    const { code, stdout, stderr } = await result;
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain('sesame');
  });

  test('--quiet writes no line for a request', async () => {
    const { process, result, url } = await startServing('--quiet', '--name', 'mine');
    expect((await ask(url)).status).toBe(404);
    process.kill('SIGTERM');
    expect((await result).stderr).not.toContain('model_not_found');
  });

  test('says which port is taken', async () => {
    const other = createServer();
    onTestFinished(() => void other.close());
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, stderr } = await runHere(['serve', '--port', String(port)]);
    expect(code).toBe(2);
    expect(stderr).toContain(`one that is free, got \`${port}\``);
  });

  test.each([
    ['an address beyond loopback without a key', ['--host', '0.0.0.0'], /loopback address.*LATENCY_TTS_API_KEY/],
    ['a strategy that is not there', ['--strategy', 'luck'], /`--strategy` to be one of single, self-consistency.*"luck"/],
    ['a key file that is not there', ['--api-key-file', '/nowhere/key'], /`--api-key-file`.*can be read/],
    ['a tokenizer without a model', ['--tokenizer', 'x'], /`--tokenizer`/],
    ['a model that is not there', ['--model', '/nowhere'], /\/nowhere/],
    ['a port that is none', ['--port', 'x'], /port.*whole number of at least 0/],
    ['a grace without a unit', ['--grace', '5'], /no unit/],
    ['an unknown option', ['--fast'], /serve --help/],
  ])('refuses %s in one line', async (_, words, message) => {
    const { code, stdout, stderr } = await runHere(['serve', ...words]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});
