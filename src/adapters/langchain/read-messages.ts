import type { BaseMessage } from '@langchain/core/messages';
import type { Message } from '../../contracts/prompt.ts';
import { InvalidOptionError } from '../../errors.ts';

const ROLES: Readonly<Record<string, Message['role']>> = {
  human: 'user',
  ai: 'assistant',
  system: 'system',
  user: 'user',
  assistant: 'assistant',
  developer: 'system',
};

/** LangChain's messages as turns of text. Earlier reasoning is left out, as chat templates do. @throws {InvalidOptionError} for what is not text. */
export function readMessages(messages: readonly BaseMessage[]): Message[] {
  return messages.map((message) => {
    const type = message.getType();
    const named = type === 'generic' && 'role' in message ? String(message.role) : type;
    const role = ROLES[named];
    if (!role) throw notText(`a message of type ${named}`);
    return { role, content: textOf(message.content) };
  });
}

function textOf(content: BaseMessage['content']): string {
  if (typeof content === 'string') return content;
  return content
    .filter(({ type }) => type !== 'reasoning')
    .map((block) => {
      if (block.type !== 'text' || typeof block['text'] !== 'string') throw notText(`a block of type ${block.type}`);
      return block['text'];
    })
    .join('');
}

function notText(received: string): InvalidOptionError {
  return new InvalidOptionError('messages', 'messages of text', received, 'Engines read text only: put what matters of it into words.');
}
