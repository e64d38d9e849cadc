/** What goes wrong is said in one line that names flags, lists choices, and never shows a page or a key. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { withoutHtml } from '../../src/servers/html-text.ts';
import { runHere } from '../support/cli-host.ts';

const directory = mkdtempSync(join(tmpdir(), 'latency-tts-errors-'));
afterAll(() => rmSync(directory, { recursive: true }));
const written = (name: string, text = ''): string => {
  writeFileSync(join(directory, name), text);
  return join(directory, name);
};

const HUB = 'test/fixtures/hub/qwen3-gqa';
const GGUF = written('model.gguf', 'GGUF');
const SERVER = ['--base-url', 'http://127.0.0.1:9/v1', '--model', 'm'];

async function errorOf(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { code, stdout, stderr } = await runHere(words, '', env);
  expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
  expect(stderr.trimEnd().split('\n'), stderr).toHaveLength(1);
  return stderr.trimEnd();
}

describe('solve', () => {
  test.each([
    [['-t', '-1'], 'Expected `--temperature` to be a finite number of at least 0, got `-1`.'],
    [['--seed', '1.5'], /^Expected `--seed` to be a whole number of at least 0, got `1\.5`\.$/],
    [['--strategy', 'foo'], /^Expected `--strategy` to be one of self-consistency, first-finish, .*beam-search.*, got `"foo"`\.$/],
    [['--strategy', 'beam-search', '--model', HUB], /^Expected `--strategy` to be one of self-consistency, .*got `"beam-search"`\. .*reward model/],
    [['--device', 'foo'], /--device.*'foo' is invalid\. Allowed choices are auto, cpu, gpu,/],
    [['--device', 'cuda'], /^Expected `--device` to be one of cpu, webgpu for this model, got `"cuda"`\.$/],
    [['--device', 'metal', '--model', HUB], /^Expected `--device` to be one of auto, cpu, gpu, webgpu, cuda, coreml, dml for this model/],
    [['--device', 'webgpu', '--model', GGUF], /^Expected `--device` to be one of auto, cpu, gpu, cuda, vulkan, metal for this model/],
    [['--dtype', 'q3'], /--dtype.*'q3' is invalid\. Give auto, fp32, fp16, q8,/],
    [['--dtype', 'q8'], /^Expected `--dtype` to be left out without `--model`/],
    [['--dtype', 'fp16', '--model', HUB], /has no model_fp16\.onnx.*Pass one of `--dtype fp32` \(onnx\/model\.onnx\)/],
    [['--dtype', 'q8', '--model', GGUF], /^Expected `--dtype` to be left out for a GGUF file/],
    [['--draft', 'foo'], /^Expected `--draft` to be `bundled`, lookup, sibling, history or none without `--model`, got `"foo"`\.$/],
    [['--draft', 'a,b', '--model', HUB], /^Expected `--draft` to be one draft model at most, and lookup, sibling, history once each/],
    [['--draft', 'lookup,lookup', '--model', HUB], /^Expected `--draft` to be one draft model at most/],
    [['--draft', 'bundled', '--model', HUB], /^Expected `--draft` to be a model with the tokenizer of `--model`/],
    [['--draft', 'sibling', '--model', GGUF], /^Expected `--draft` to be a GGUF file, `lookup` or `none` for a GGUF file/],
    [['--tokenizer', 'x'], /^Expected `--tokenizer` to be left out without `--model`/],
    [['--model', '/nowhere'], /^Expected `--model` to be a directory or file that exists, or an id on the hub/],
    [['--model', '/nowhere.gguf'], /^Expected `--model` to be a GGUF file that exists/],
    [['--model', 'package.json'], /^Expected `--model` to be a directory or a GGUF file/],
    [['--model', ''], /^Expected `--model` to be an id on the hub, a directory or a GGUF file/],
    [['--base-url', 'foo', '--model', 'm'], /^Expected `--base-url` to be a URL of HTTP, such as `http:/],
    [['--base-url', 'http://user:pass@127.0.0.1/v1', '--model', 'm'], /^Expected `--base-url` to be a URL without credentials.*`--key-env`\.$/],
    [[...SERVER, '--draft', 'lookup'], /^Expected `--draft` to be left out with `--base-url`/],
    [[...SERVER, '--dtype', 'q4'], /^Expected `--dtype` to be left out with `--base-url`/],
    [[...SERVER, '--threads', '1'], /^Expected `--threads` to be left out with `--base-url`/],
    [[...SERVER, '--key-env', 'sk-secret'], /^Expected `--key-env` to be the name of an environment variable that holds a key\.$/],
    [['--key-env', 'KEY'], /^Expected `--key-env` to be left out without `--base-url`/],
    [['--system', ' '], /^Expected `--system` to be text that is not empty/],
    [['--prompt-file', 'x'], /^Expected `--prompt-file` to be left out where the problem is given/],
  ])('%j', async (words, message) => {
    expect(await errorOf(['solve', 'problem', ...words])).toMatch(message);
  });

  test.each([
    [['--prompt-file', '/nowhere.txt'], /^Expected `--prompt-file` to be a text file that can be read.*ENOENT/],
    [['--prompt-file', written('empty.txt', ' \n')], /^Expected `--prompt-file` to be a file with text in it/],
    [[], /^Expected the problem to be text that is not empty.*in quotes, with `--prompt-file`, or on standard input\.$/],
  ])('without a problem: %j', async (words, message) => {
    expect(await errorOf(['solve', ...words])).toMatch(message);
  });
});

describe('other commands', () => {
  test.each([
    [['serve', '--strategy', 'foo'], /^Expected `--strategy` to be one of single, self-consistency, .*got `"foo"`\.$/],
    [['serve', '--host', '0.0.0.0'], /^Expected `--host` to be a loopback address/],
    [['serve', '--api-key-file', '/nowhere'], /^Expected `--api-key-file` to be a file that can be read/],
    [['plan', '--from', '/nowhere.json', '-d', '1s'], /^Expected `--from` to be a text file/],
    [['calibrate', '--dtype', 'q4,q8', '--model', HUB], /^Expected `--dtype` to be one format, which plans are made for/],
    [['calibrate', '--out', '/nowhere/x.json'], /^Expected `--out` to be a file in a directory/],
    [['calibrate', '--out', join(directory, 'x.json'), '--problems-file', written('p.jsonl', '{}')], /^Expected `--problems-file line 1` to be a problem with/],
    [['report', '--from', '/nowhere.json'], /^Expected `--from` to be/],
  ])('%j', async (words, message) => {
    expect(await errorOf(words)).toMatch(message);
  });
});

const PAGE = `<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title><style>h1 { color: red }</style></head>
<body><center><h1>502 Bad Gateway</h1></center><script>alert("x")</script><hr><p>nginx</p></body></html>`;

describe('a server that answers with a page', () => {
  test.each([
    ['status 502', 502, 'text/html', PAGE],
    ['status 404', 404, 'text/html', '<html><body><h1>Not <em>Found</em></h1></body></html>'],
    ['status 403 and a body without a head', 403, 'text/html', '<p>Access denied &amp; logged</p>'],
    ['status 500 and JSON around it', 500, 'application/json', JSON.stringify({ error: { message: PAGE } })],
    ['status 200', 200, 'text/html', PAGE],
    ['status 200 and the content type of JSON', 200, 'application/json', PAGE],
  ])('%s is explained in words', async (_, status, type, body) => {
    const server = createServer((__, response) => response.writeHead(status, { 'content-type': type }).end(body));
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    for (const named of [[], ['--model', 'm']]) {
      const { code, stderr } = await runHere(['solve', 'problem', '--base-url', url, ...named, '-b', '1', '-d', '300ms']);
      expect(code, stderr).not.toBe(0);
      expect(stderr).not.toMatch(/<\/?\w+|alert|color/);
      if (status !== 200) expect(stderr).toMatch(new RegExp(`status ${status}`));
    }
  });

  test.each([
    [PAGE, '502 Bad Gateway'],
    ['<html><body><h1>Not <em>Found</em></h1></body></html>', 'Not Found'],
    ['<p>Access denied &amp; logged</p>', 'Access denied & logged'],
    ['<html><head><title> </title></head><body>down</body>', 'down'],
    ['<!-- a --><html><script>x</script>cut <b', 'cut'],
    ['1 < 2 and 3 > 2', '1 < 2 and 3 > 2'],
    ['expected <think> in the text', 'expected <think> in the text'],
    ['', ''],
  ])('%j says %j', (page, words) => {
    expect(withoutHtml(page)).toBe(words);
  });
});
