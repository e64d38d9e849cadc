/** Models of every kind that the flags name, through the whole command. */
import { cpSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { missingPeer, PEERS } from '../../bench/support/peers.ts';
import { runCli } from '../../src/cli/program.ts';
import { readPrompt } from '../../src/cli/read-prompt.ts';
import { withSystem } from '../../src/cli/with-system.ts';
import type { Engine } from '../../src/contracts/engine.ts';
import type { Prompt } from '../../src/contracts/prompt.ts';
import { holdHost, runHere } from '../support/cli-host.ts';
import { runCommand } from '../support/command.ts';
import { HOW_TO_GET_REAL_MODELS, realModelDirectory } from '../support/real-models.ts';
import { CannedServer } from '../servers/canned-server.ts';

const HUB = 'test/fixtures/hub/qwen3-gqa';
const SHORT = ['-b', '2', '--max-tokens', '12', '--json'];
const PROBLEM = 'Ben has 12 coins. He finds 30 coins. How many coins does Ben have now?';

const directory = mkdtempSync(join(tmpdir(), 'latency-tts-models-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Printed {
  readonly model: string;
  readonly text: string;
  readonly answer?: string;
  readonly branches: readonly { readonly text: string; readonly finish: string }[];
  readonly usage: { readonly speculation?: { readonly drafted: number } };
  readonly hint?: string;
}

async function solved(words: readonly string[], input = '', env: Readonly<Record<string, string>> = {}): Promise<Printed> {
  const { code, stdout, stderr } = await runHere(['solve', ...words], input, env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Printed;
}

describe('a hub directory', () => {
  test('runs by its name, with its weights in onnx/ or in its root', async () => {
    const root = join(directory, 'root');
    cpSync(HUB, root, { recursive: true });
    renameSync(join(root, 'onnx/model.onnx'), join(root, 'model.onnx'));
    rmSync(join(root, 'onnx'), { recursive: true });
    const inFolder = await solved(['What is 2 + 2?', '--model', HUB, ...SHORT]);
    expect(inFolder.model).toBe('qwen3-gqa');
    const inRoot = await solved(['What is 2 + 2?', '--model', root, '--device', 'cpu', '--threads', '1', ...SHORT]);
    expect(inRoot.branches).toHaveLength(2);
    expect(inRoot.hint).toBeUndefined();
  });

  test('writes the same with drafts, of texts or of a draft model', async () => {
    const words = ['What is 2 + 2?', '--model', HUB, '--threads', '1', '--dtype', 'fp32', ...SHORT];
    const plain = await solved(words);
    for (const draft of ['sibling,lookup', HUB]) {
      const { branches, usage } = await solved([...words, '--draft', draft]);
      expect(usage.speculation).toBeDefined();
      expect(branches.map(({ text }) => text)).toEqual(plain.branches.map(({ text }) => text));
    }
    expect((await solved([...words, '--draft', 'none'])).usage.speculation).toBeUndefined();
  });
});

describe('a problem', () => {
  const file = join(directory, 'problem.txt');
  beforeAll(() => writeFileSync(file, '\uFEFFfrom a file\n'));

  test.each([
    ['an argument', 'given', undefined, 'given'],
    ['standard input', undefined, undefined, 'piped'],
    ['standard input by its sign', '-', undefined, 'piped'],
    ['a file', undefined, file, 'from a file'],
    ['standard input as a file', undefined, '-', 'piped'],
  ])('comes from %s', async (_, given, promptFile, expected) => {
    const { host } = holdHost(false, '  piped\n');
    expect(await readPrompt({ given, argument: 'problem', promptFile }, host, new AbortController().signal)).toBe(expected);
  });
});

describe('the bundled model', () => {
  test.each([
    ['best-of-n', ['-b', '3']],
    ['first-finish', ['-b', '2', '--draft', 'bundled']],
    ['beam-search', ['-b', '4']],
  ])('runs %s', async (strategy, words) => {
    const { answer, branches } = await solved([PROBLEM, '--strategy', strategy, ...words, '--json']);
    expect(answer).toBeDefined();
    expect(branches.length).toBeGreaterThan(1);
  });
});

describe('a model on a server', () => {
  let server: CannedServer;
  beforeAll(async () => {
    const choices = (delta: object, finish: string | null): object => ({ choices: [{ index: 0, delta, finish_reason: finish }] });
    server = await CannedServer.start({ body: [choices({ content: 'It is #### 42' }, null), choices({}, 'stop')] });
  });
  afterAll(() => server.stop());

  test('answers, with a system message and without a key of its own', async () => {
    const words = [PROBLEM, '--base-url', server.url, '--model', 'canned', '--system', 'Be brief.', '-b', '2', '--json'];
    const { answer, model } = await solved(words, '', { OPENAI_API_KEY: 'sk-of-someone-else' });
    expect(answer).toBe('42');
    expect(model).toMatch(/^canned on /);
    expect(server.bodies.at(-1)).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: PROBLEM },
      ],
    });
  });
});

describe('serve and solve', () => {
  test('talk to each other: the only model of a server needs no name, and the key comes from the environment', async () => {
    const { host, terminate } = holdHost(false, '', {});
    let printed = '';
    const url = new Promise<string>((resolve) => {
      host.stdout.on('data', (text: Buffer) => {
        printed += String(text);
        const [, found] = /at (http:\S+)\/v1\n/.exec(printed) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    const serving = runCli(['serve', '--port', '0', '--quiet', '--api-key', 'open sesame', '--model', HUB], host);
    const words = ['What is 2 + 2?', '--base-url', await url, ...SHORT];
    expect((await solved(words, '', { LATENCY_TTS_SERVER_KEY: 'open sesame' })).model).toMatch(/^qwen3-gqa on /);
    expect((await solved([...words, '--key-env', 'MY_KEY'], '', { MY_KEY: 'open sesame' })).branches).toHaveLength(2);
    const refused = await runHere(['solve', ...words]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/status 401.*Put the key into LATENCY_TTS_SERVER_KEY, or name the variable that holds it with `--key-env`\.\n$/);
    terminate();
    expect(await serving).toBe(0);
  });
});

describe('a system message', () => {
  test.each([
    [
      'a question',
      'Why?',
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Why?' },
      ],
    ],
    [
      'a conversation',
      [{ role: 'user', content: 'Why?' }],
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Why?' },
      ],
    ],
    ['a conversation with one of its own', [{ role: 'system', content: 'Rhyme.' }], [{ role: 'system', content: 'Rhyme.' }]],
    ['a text', { text: 'Why?' }, { text: 'Why?' }],
  ] as const)('before %s', async (_, prompt, expected) => {
    const seen: Prompt[] = [];
    const engine: Engine = {
      name: 'plain',
      contextTokens: 8,
      ready: async () => undefined,
      open: async (given) => {
        seen.push(given);
        throw new Error('seen');
      },
      dispose: async () => undefined,
    };
    await expect(withSystem(engine, 'Be brief.').open(prompt, {})).rejects.toThrow('seen');
    expect(seen).toEqual([expected]);
  });
});

const real = realModelDirectory('smollm2-135m');
describe.skipIf(real === undefined)(real === undefined ? HOW_TO_GET_REAL_MODELS : 'a real model', { timeout: 120_000 }, () => {
  const words = ['What is 17 + 3? Answer with a number.', '--max-tokens', '24', '--json', '--threads', '1'];

  test.each([
    ['in its only suitable formats', []],
    ['in one', ['--dtype', 'q4']],
    ['with drafts', ['--dtype', 'q4', '--draft', 'sibling,lookup']],
  ])('of the hub, %s', async (_, more) => {
    const { model, text } = await solved([...words, '-b', '2', '--model', real!, ...more]);
    expect(model).toBe('smollm2-135m');
    expect(text).not.toBe('');
  });

  const gguf = join(real ?? '', 'model.gguf');
  const missing = missingPeer('node-llama-cpp') ?? (existsSync(gguf) ? undefined : HOW_TO_GET_REAL_MODELS);
  test.skipIf(missing !== undefined)(`in a GGUF file${missing === undefined ? '' : `: ${missing}`}`, async () => {
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    process.chdir(PEERS);
    for (const draft of ['none', 'lookup']) {
      const { code, stdout, stderr } = await runCommand(['solve', ...words, '-b', '2', '--device', 'cpu', '--model', gguf, '--draft', draft]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect((JSON.parse(stdout) as Printed).text).not.toBe('');
    }
  });
});
