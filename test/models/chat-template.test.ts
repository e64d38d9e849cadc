import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../../src/contracts/prompt.ts';
import { ChatTemplateError, InvalidOptionError, ModelLoadError } from '../../src/errors.ts';
import { readTokenizer } from '../../src/models/found-model.ts';
import type { HubTokenizer } from '../../src/models/hub-tokenizer.ts';
import { memoryFiles } from './memory-files.ts';

/** A template that writes its own name, so that a prompt tells which one was used. */
const named = (name: string): string => `{{ bos_token }}${name} {% for message in messages %}{{ message['content'] }}{% endfor %}`;
const MESSAGES: readonly Message[] = [{ role: 'user', content: '12' }];

let tokenizerFiles: Readonly<Record<string, unknown>>;

beforeAll(async () => {
  const read = async (name: string): Promise<object> => JSON.parse(await readFile(`models/tokenizer/${name}`, 'utf8')) as object;
  const config = await read('tokenizer_config.json');
  tokenizerFiles = { 'tokenizer.json': await read('tokenizer.json'), 'tokenizer_config.json': { ...config, chat_template: undefined } };
});

async function open(files: Readonly<Record<string, unknown>>, chosen?: string): Promise<HubTokenizer> {
  const { config, ...others } = files as { readonly config?: object };
  const configFile = 'tokenizer_config.json';
  const all = { ...tokenizerFiles, ...others, [configFile]: { ...(tokenizerFiles[configFile] as object), ...config } };
  return (await readTokenizer(memoryFiles(all), 'a model', chosen))!;
}

const rendered = (tokenizer: HubTokenizer, messages = MESSAGES): string => tokenizer.decode(tokenizer.encodePrompt(messages));

describe('where a chat template is found', () => {
  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['a file of its own', { 'chat_template.jinja': named('7') }],
    ['a file of JSON', { 'chat_template.json': { chat_template: named('7') } }],
    ['a file of JSON with named ones', { 'chat_template.json': { chat_template: { default: named('7'), tool_use: named('8') } } }],
    ['the configuration', { config: { chat_template: named('7') } }],
    [
      'a list of named ones in the configuration',
      {
        config: {
          chat_template: [
            { name: 'tool_use', template: named('8') },
            { name: 'default', template: named('7') },
          ],
        },
      },
    ],
    ['a file, though the configuration has another', { 'chat_template.jinja': named('7'), config: { chat_template: named('8') } }],
    ['a file, though a file of JSON has another', { 'chat_template.jinja': named('7'), 'chat_template.json': { chat_template: named('8') } }],
    ['a file of JSON, though the configuration has another', { 'chat_template.json': { chat_template: named('7') }, config: { chat_template: named('8') } }],
    ['a file beside additional ones', { 'chat_template.jinja': named('7'), 'additional_chat_templates/tool_use.jinja': named('8') }],
    [
      'a file beside named ones in the configuration',
      { 'chat_template.jinja': named('7'), config: { chat_template: [{ name: 'default', template: named('8') }] } },
    ],
  ])('%s', async (_, files) => {
    expect(rendered(await open(files))).toBe('7 12');
  });

  test('one of several by its name', async () => {
    const files = {
      'chat_template.jinja': named('7'),
      'additional_chat_templates/rag.jinja': named('8'),
      config: { chat_template: [{ name: 'tool_use', template: named('9') }] },
    };
    expect(rendered(await open(files, 'rag'))).toBe('8 12');
    expect(rendered(await open(files, 'tool_use'))).toBe('9 12');
    expect(rendered(await open(files))).toBe('7 12');
  });

  test('one that is passed goes before the model’s own', async () => {
    expect(rendered(await open({ 'chat_template.jinja': named('7') }, named('8')))).toBe('8 12');
    expect(rendered(await open({}, named('8')))).toBe('8 12');
  });

  test('a name that none has is refused with those there are', async () => {
    const opening = open({ 'chat_template.jinja': named('7') }, 'tool-use');
    await expect(opening).rejects.toThrow(InvalidOptionError);
    await expect(opening).rejects.toThrow("one of 'default', or a Jinja template");
  });

  test('several without a default are refused with their names', async () => {
    const opening = open({ 'additional_chat_templates/rag.jinja': named('7'), 'additional_chat_templates/tool_use.jinja': named('8') });
    await expect(opening).rejects.toThrow(ModelLoadError);
    await expect(opening).rejects.toThrow("Pass one of 'rag', 'tool_use' as `chatTemplate`");
  });

  test('without any, a string is text and messages are refused', async () => {
    const tokenizer = await open({});
    expect(tokenizer.encodePrompt('12')).toEqual(tokenizer.encodePrompt({ text: '12' }));
    expect(() => tokenizer.encodePrompt(MESSAGES)).toThrow(InvalidOptionError);
    expect(() => tokenizer.encodePrompt(MESSAGES)).toThrow('no chat template');
  });
});

describe('what a template refuses', () => {
  const alternating = `{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{{ message['content'] }}{% endfor %}`;
  const withoutSystem = `{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{{ messages[0]['content'] }}`;

  test.each<[string, string, readonly Message[], string]>([
    ['two turns of one role', alternating, [...MESSAGES, ...MESSAGES], 'Conversation roles must alternate'],
    ['a system message', withoutSystem, [{ role: 'system', content: '7' }, ...MESSAGES], 'System role not supported'],
    ['anything, being no template', '{% for message in %}', MESSAGES, 'Unexpected token'],
  ])('%s', async (_, template, messages, detail) => {
    const tokenizer = await open({ 'chat_template.jinja': template });
    expect(() => tokenizer.encodePrompt(messages)).toThrow(ChatTemplateError);
    expect(() => tokenizer.encodePrompt(messages)).toThrow(detail);
  });

  test('the same messages in a form it takes are taken', async () => {
    const tokenizer = await open({ 'chat_template.jinja': alternating });
    expect(rendered(tokenizer, [...MESSAGES, { role: 'assistant', content: '7' }, ...MESSAGES])).toBe('12712');
  });
});
