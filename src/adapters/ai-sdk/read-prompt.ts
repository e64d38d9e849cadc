import type { LanguageModelV4Message, LanguageModelV4Prompt } from '@ai-sdk/provider';
import type { Message } from '../../contracts/prompt.ts';
import { InvalidOptionError } from '../../errors.ts';

/** What any part of a message may be; versions of the specification differ in their files. */
interface Part {
  readonly type: string;
  readonly text?: string;
  readonly mediaType?: string;
  readonly data?: unknown;
}

/** The AI SDK's messages as turns of text. Earlier reasoning is left out, as chat templates do. @throws {InvalidOptionError} for what is not text. */
export function readPrompt(messages: LanguageModelV4Prompt): Message[] {
  return messages.map((message) => {
    if (message.role === 'system') return { role: message.role, content: message.content };
    if (message.role === 'tool') throw notText('the result of a tool');
    return { role: message.role, content: textOf(message) };
  });
}

function textOf({ content }: Exclude<LanguageModelV4Message, { role: 'system' | 'tool' }>): string {
  return (content as readonly Part[])
    .filter(({ type }) => type !== 'reasoning')
    .map((part) => {
      if (part.type === 'text') return part.text!;
      const inline = inlineText(part);
      if (inline === undefined) throw notText(part.type === 'file' ? `a file of type ${part.mediaType}` : `a part of type ${part.type}`);
      return inline;
    })
    .join('');
}

/** The text of a file that brings it along. */
function inlineText({ type, data }: Part): string | undefined {
  const isInline = type === 'file' && typeof data === 'object' && data !== null && 'type' in data && data.type === 'text' && 'text' in data;
  return isInline ? (data.text as string) : undefined;
}

function notText(received: string): InvalidOptionError {
  return new InvalidOptionError('prompt', 'messages of text', received, 'Engines read text only: put what matters of it into words.');
}
