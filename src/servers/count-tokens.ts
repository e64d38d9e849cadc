import * as v from 'valibot';
import type { Message, Prompt } from '../contracts/prompt.ts';
import { ServerError } from '../errors.ts';
import type { Dialect } from './dialects.ts';
import type { ServerClient } from './server-client.ts';

const Counted = v.looseObject({ count: v.number() });
const Tokens = v.looseObject({ tokens: v.array(v.unknown()) });
const Rendered = v.looseObject({ prompt: v.string() });
/** English text has about this many characters a token. */
const CHARACTERS_PER_TOKEN = 4;

export function messagesOf(prompt: string | readonly Message[]): readonly Message[] {
  return typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
}

export function isPlainText(prompt: Prompt): prompt is { readonly text: string } {
  return typeof prompt === 'object' && 'text' in prompt;
}

/** What a text is likely to take. At least 1 for text that is not empty. */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

export function estimatePromptTokens(prompt: Prompt): number {
  return estimateTokens(
    isPlainText(prompt)
      ? prompt.text
      : messagesOf(prompt)
          .map(({ role, content }) => `${role}\n${content}\n`)
          .join(''),
  );
}

/** Tokens of a prompt, counted by the server; `undefined` where it cannot tell. */
export async function countPrompt(client: ServerClient, dialect: Dialect, model: string, prompt: Prompt, signal: AbortSignal): Promise<number | undefined> {
  if (isPlainText(prompt)) return countText(client, dialect, model, prompt.text, true, signal);
  const messages = messagesOf(prompt);
  return optional(async () => {
    if (dialect.tokenize === 'vllm') return (await client.post('//tokenize', { model, messages, add_generation_prompt: true }, Counted, signal)).count;
    if (dialect.tokenize !== 'llama.cpp') return undefined;
    const { prompt: text } = await client.post('//apply-template', { messages }, Rendered, signal);
    return countText(client, dialect, model, text, true, signal);
  });
}

/** @param isStart - Whether the text begins the context, where models have a token of their own. */
export function countText(
  client: ServerClient,
  { tokenize }: Dialect,
  model: string,
  text: string,
  isStart: boolean,
  signal: AbortSignal,
): Promise<number | undefined> {
  return optional(async () => {
    switch (tokenize) {
      case 'vllm':
        return (await client.post('//tokenize', { model, prompt: text, add_special_tokens: isStart }, Counted, signal)).count;
      case 'sglang':
        return (await client.post('//tokenize', { model, prompt: text, add_special_tokens: isStart }, Counted, signal)).count;
      case 'llama.cpp':
        return (await client.post('//tokenize', { content: text, add_special: isStart }, Tokens, signal)).tokens.length;
      case 'llama-cpp-python':
        return (await countExtra(client, model, text, signal)) - (isStart ? 0 : await countExtra(client, model, '', signal));
      case 'tgi':
        return (await client.post('//tokenize', { inputs: text, add_special_tokens: isStart }, v.array(v.unknown()), signal)).length;
      case undefined:
        return undefined;
    }
  });
}

/** With the token that begins the context, where the model has one. */
async function countExtra(client: ServerClient, model: string, input: string, signal: AbortSignal): Promise<number> {
  return (await client.post('//extras/tokenize/count', { model, input }, Counted, signal)).count;
}

/** A count is a convenience: without it there is an estimate. */
async function optional(count: () => Promise<number | undefined>): Promise<number | undefined> {
  try {
    return await count();
  } catch (error) {
    if (error instanceof ServerError) return undefined;
    throw error;
  }
}
