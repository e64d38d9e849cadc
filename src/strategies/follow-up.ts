/** Prompts that follow from a prompt and what was answered, and the strategy that answers them once. */
import type { SamplingOptions } from '../contracts/engine.ts';
import type { Prompt } from '../contracts/prompt.ts';
import type { Strategy } from '../contracts/strategy.ts';
import { SelfConsistency } from './self-consistency.ts';

/** What was answered, and what is asked next. */
export interface Exchange {
  readonly answer: string;
  readonly question: string;
}

/** The prompt with further turns behind it; plain text goes on as text. */
export function followUp(prompt: Prompt, exchanges: readonly Exchange[]): Prompt {
  if (typeof prompt === 'object' && 'text' in prompt) {
    return { text: prompt.text + exchanges.map(({ answer, question }) => `${answer}\n\n${question}\n\n`).join('') };
  }
  const turns = typeof prompt === 'string' ? [{ role: 'user' as const, content: prompt }] : prompt;
  return [
    ...turns,
    ...exchanges.flatMap(({ answer, question }) => [
      { role: 'assistant' as const, content: answer },
      { role: 'user' as const, content: question },
    ]),
  ];
}

/** The prompt with a text at the end of what it says last. */
export function extendPrompt(prompt: Prompt, text: string): Prompt {
  if (typeof prompt === 'string') return `${prompt}\n\n${text}`;
  if ('text' in prompt) return { text: `${prompt.text}\n\n${text}\n\n` };
  const last = prompt.at(-1)!;
  return [...prompt.slice(0, -1), { ...last, content: `${last.content}\n\n${text}` }];
}

/** One reply that is not a solution: nothing in it is an answer, and nothing is asked for. */
export function oneReply(maxTokens: number, sampling: SamplingOptions = {}): Strategy {
  const none = (): undefined => undefined;
  return new SelfConsistency({ branches: 1, maxTokens, sampling, extract: none, extractUnfinished: none, forcedAnswer: false });
}
