import type { Prompt } from '../contracts/prompt.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';

/**
 * One token a character of `alphabet`, its id the character's index. Prompts are taken without a template.
 *
 * @param answerSuffix - What the model writes before its answers. @default nothing is known
 */
export function characterTokenizer(alphabet: string, answerSuffix?: string): Tokenizer {
  const characters = [...alphabet];
  const encode = (text: string): number[] => [...text].map((character) => characters.indexOf(character)).filter((id) => id >= 0);
  return {
    vocabularySize: characters.length,
    fingerprint: alphabet,
    answerSuffix,
    encode,
    decode: (tokens) => tokens.map((token) => characters[token] ?? '').join(''),
    encodePrompt: (prompt: Prompt) => encode(promptText(prompt)),
  };
}

function promptText(prompt: Prompt): string {
  if (typeof prompt === 'string') return prompt;
  return 'text' in prompt ? prompt.text : prompt.map((message) => message.content).join('\n');
}
