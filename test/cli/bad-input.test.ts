/** Bad input gets one clear line and exit code 2, never a stack trace. */
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { runHere } from '../support/cli-host.ts';
import { runCommand } from '../support/command.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));
const HUB = fileURLToPath(new URL('../fixtures/hub/', import.meta.url));
const directories: string[] = [];

/** A copy of the bundled target with its tokenizer, spoilt. */
function spoiltModel(spoil: (directory: string) => void): string {
  const directory = mkdtempSync(join(tmpdir(), 'latency-tts-model-'));
  directories.push(directory);
  for (const source of ['target', 'tokenizer']) cpSync(join(MODELS, source), directory, { recursive: true });
  spoil(directory);
  return directory;
}

function ggufFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'latency-tts-gguf-'));
  directories.push(directory);
  writeFileSync(join(directory, 'model.gguf'), 'GGUF');
  return join(directory, 'model.gguf');
}

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

type Run = (words: readonly string[], input?: string) => Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;

/** @returns the one line it wrote, after checking that it was one and that the exit code is 2. */
async function refusalOf(run: Run, words: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await run(words, input);
  expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
  const lines = stderr.split('\n');
  expect(lines, stderr).toHaveLength(2);
  expect(lines[1]).toBe('');
  expect(lines[0]).toMatch(/^[A-Z/`].*[.)`]$/);
  expect(stderr).not.toMatch(/ {4}at |\u001b|node:internal/);
  return lines[0]!;
}

const truncateGraph = (directory: string): void => truncateSync(join(directory, 'model.onnx'), 100_000);
const breakConfig = (directory: string): void => writeFileSync(join(directory, 'config.json'), '{\n\n "model_type": llama\n}\n');

describe('the built command refuses', () => {
  test.each([
    ['no problem', () => ['solve'], /the problem.*not empty.*in quotes, with `--prompt-file`, or on standard input/],
    ['a deadline of 0', () => ['solve', 'problem', '--deadline', '0'], /deadline.*'0'.*positive time such as 500ms, 2s or 1m/],
    ['a deadline in the past', () => ['solve', 'problem', '--deadline', '-1s'], /deadline.*'-1s'.*positive time/],
    ['a deadline that is no time', () => ['solve', 'problem', '--deadline', 'soon'], /deadline.*'soon'.*positive time/],
    ['0 branches', () => ['solve', 'problem', '--branches', '0'], /branches.*'0'.*whole number of at least 1/],
    ['a model that is not there', () => ['solve', 'problem', '--model', '/nowhere/model'], /`--model`.*exists, or an id on the hub.*\/nowhere\/model/],
    ['a problem longer than the context', () => ['solve', 'apples '.repeat(600)], /needs 60\d tokens.*holds 512/],
    ['a truncated model', () => ['solve', 'problem', '--model', spoiltModel(truncateGraph)], /model\.onnx cannot be loaded/],
    [
      'a GGUF file without node-llama-cpp',
      () => ['solve', 'problem', '--model', ggufFile()],
      /^GGUF files need node-llama-cpp, which is not installed: run `npm install node-llama-cpp` in this directory\.$/,
    ],
    ['a malformed configuration', () => ['solve', 'problem', '--model', spoiltModel(breakConfig)], /config\.json is not JSON/],
  ])('%s', async (_, words, message) => {
    expect(await refusalOf(runCommand, words())).toMatch(message);
  });
});

describe('an option is refused:', () => {
  test.each([
    ['--deadline', /deadline.*missing/],
    ['--deadline 2', /deadline.*'2' is invalid\. 2 has no unit; write 2s or 2ms\.$/],
    ['--branches 1.5', /branches.*'1\.5'.*whole number/],
    ['--branches many', /branches.*'many'.*whole number/],
    ['--max-tokens 0', /max-tokens.*'0'.*whole number/],
    ['--threads 0', /threads.*'0'.*whole number/],
    ['--temperature hot', /temperature.*'hot'.*number/],
    ['--temperature -1', /temperature.*at least 0.*-1/],
    ['--seed 1.5', /seed.*whole number.*1\.5/],
    ['--seed', /seed.*missing/],
    ['--jsn', /Unknown option '--jsn'.*--json.*--help/],
    ['extra', /Too many arguments.*--help/],
    ['--tokenizer models/tokenizer', /tokenizer.*--model/],
    [`--deadline ${'9'.repeat(200)}`, /positive time/],
  ])('%s', async (words, message) => {
    expect(await refusalOf(runHere, ['solve', 'problem', ...words.split(' ')])).toMatch(message);
  });

  test('an unknown command', async () => {
    expect(await refusalOf(runHere, ['sovle', 'problem'])).toMatch(/Unknown command 'sovle'.*`latency-tts --help`/);
  });
});

describe('a problem is refused:', () => {
  test.each([
    ['blanks on standard input', ['solve'], ' \n\n'],
    ['empty, whatever is on standard input', ['solve', ''], 'ignored'],
    ['blank, whatever is on standard input', ['solve', '   '], 'ignored'],
    ['-, with nothing on standard input', ['solve', '-'], ''],
  ])('%s', async (_, words, input) => {
    expect(await refusalOf(runHere, words, input)).toMatch(/the problem.*not empty.*in quotes, with `--prompt-file`, or on standard input/);
  });
});

describe('a model is refused by the name of the file:', () => {
  test.each([
    ['an empty graph', 'model.onnx', (file: string) => truncateSync(file, 0)],
    ['a graph that is something else', 'model.onnx', (file: string) => writeFileSync(file, 'version https://git-lfs.github.com/spec/v1\n')],
    ['no graph', 'model.onnx', (file: string) => rmSync(file)],
    ['a config.json that lacks a field', 'config.json', (file: string) => writeFileSync(file, '{ "model_type": "llama" }')],
    ['a config.json that is no object', 'config.json', (file: string) => writeFileSync(file, '[]')],
    ['a config.json with a wrong type', 'config.json', (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replace('512', '"512"'))],
    ['a malformed generation_config.json', 'generation_config.json', (file: string) => writeFileSync(file, '{')],
    ['a malformed tokenizer.json', 'tokenizer.json', (file: string) => writeFileSync(file, '{')],
    ['a tokenizer.json without a model', 'tokenizer.json', (file: string) => writeFileSync(file, '{}')],
    ['no tokenizer.json', 'tokenizer.json', (file: string) => rmSync(file)],
  ])('%s', async (_, name, spoil) => {
    const directory = spoiltModel((copy) => spoil(join(copy, name)));
    const message = await refusalOf(runHere, ['solve', 'problem', '--model', directory]);
    expect(message).toContain(directory);
    // A tokenizer that parses and still does not work is named by its directory.
    if (!name.startsWith('tokenizer')) expect(message).toContain(name);
    expect(message.length).toBeLessThan(500);
  });

  test('a graph of another layout, by what it lacks', async () => {
    const directory = spoiltModel((copy) => cpSync(join(HUB, 'embeds-only/onnx/model.onnx'), join(copy, 'model.onnx')));
    expect(await refusalOf(runHere, ['solve', 'problem', '--model', directory])).toMatch(/graph.*layout/);
  });

  test('not when the copy is whole', async () => {
    const directory = spoiltModel(() => undefined);
    const { code, stderr } = await runHere(['solve', 'How many?', '--model', directory, '-b', '1', '--max-tokens', '2', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
