import type { Message } from '../contracts/prompt.ts';

const ANSWER = '7';
const CONVERSATION: readonly Message[] = [
  { role: 'user', content: '3 + 4?' },
  { role: 'assistant', content: ANSWER },
];

/**
 * The special token a chat template writes after an answer: `<|im_end|>`, `<|eot_id|>`, `<end_of_turn>`. Many models end
 * their answers with it though their configuration names another token only.
 *
 * @param render - Applies the template.
 * @param special - The tokenizer's special tokens.
 * @returns `undefined` where there is none, or the template takes no plain conversation.
 */
export function turnEnd(render: (messages: readonly Message[]) => string, special: readonly string[]): string | undefined {
  let text: string;
  try {
    text = render(CONVERSATION);
  } catch {
    return undefined;
  }
  const after = text.slice(text.lastIndexOf(ANSWER) + ANSWER.length).trimStart();
  const candidates = special.filter((token) => token !== '' && after.startsWith(token));
  // Of tokens that begin alike it is the longest.
  return candidates.sort((left, right) => right.length - left.length)[0];
}
