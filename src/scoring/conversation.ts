/**
 * How reward models are shown a prompt and a text.
 *
 * @module
 */
import type { ScoredText } from '../contracts/scorer.ts';
import type { Message, Prompt } from '../contracts/prompt.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { ModelError } from '../errors.ts';

/** Complete steps of a text, without their separators; what follows the last separator is one only in a finished text. */
export function completeSteps({ text, isFinished }: ScoredText, separator: string): string[] {
  const steps = text.split(separator);
  if (!isFinished) steps.pop();
  return steps.map((step) => step.trim()).filter((step) => step !== '');
}

/** A prompt as turns; one without a template is one turn of the user. */
export function turnsOf(prompt: Prompt): readonly Message[] {
  if (typeof prompt === 'string') return [{ role: 'user', content: prompt }];
  return 'text' in prompt ? [{ role: 'user', content: prompt.text }] : prompt;
}

/** A prompt as plain text. */
export function plainTextOf(prompt: Prompt): string {
  return turnsOf(prompt)
    .map(({ content }) => content)
    .join('\n\n');
}

/** The prompt with a text behind it, as the assistant's words; plain text goes on as it is. */
export function answeredPrompt(prompt: Prompt, text: string, joiner = ''): Prompt {
  if (typeof prompt === 'object' && 'text' in prompt) return { text: prompt.text + joiner + text };
  const turns = turnsOf(prompt);
  const last = turns.at(-1);
  if (last?.role !== 'assistant') return [...turns, { role: 'assistant', content: text }];
  return [...turns.slice(0, -1), { role: 'assistant', content: last.content + text }];
}

/**
 * Where the markers behind the steps stand in a text's tokens.
 *
 * @param count - How many there are. The question may hold more of them; the steps do not.
 * @throws {ModelError} when the tokens hold fewer.
 */
export function markedPlaces(tokenizer: Tokenizer, tokens: readonly number[], marker: string, count: number): readonly number[] {
  if (count === 0) return [];
  const markerTokens = wordTokens(tokenizer, marker);
  const places = tokens.flatMap((token, place) => (markerTokens.includes(token) ? [place] : [])).slice(-count);
  if (places.length < count) throw new ModelError(`The marker ${JSON.stringify(marker)} is not one token of the model behind a step.`);
  return places;
}

/**
 * The last token of a word where it begins a text, if it is no special token, and where it continues one: SentencePiece tells
 * the two apart.
 */
export function wordTokens(tokenizer: Tokenizer, word: string): readonly number[] {
  const begun = tokenizer.encodePrompt({ text: word }).findLast((token) => tokenizer.decode([token]) !== '');
  const continued = tokenizer.encode(word).at(-1);
  return [begun, continued].filter((token) => token !== undefined);
}
