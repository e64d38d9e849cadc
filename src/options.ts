import { InvalidOptionError } from './errors.ts';

/** @throws {InvalidOptionError} unless `value` is a safe integer of at least `least`. */
export function requireWholeNumber(option: string, value: unknown, least = 0): asserts value is number {
  if (!Number.isSafeInteger(value) || (value as number) < least) throw new InvalidOptionError(option, `a whole number of at least ${least}`, value);
}

/** @throws {InvalidOptionError} unless `value` is a finite number in `[low, high]`; `Number.MIN_VALUE` as `low` stands for above 0. */
export function requireNumber(option: string, value: unknown, low: number, high = Infinity): asserts value is number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= low && value <= high) return;
  const isOpen = low === Number.MIN_VALUE;
  if (high === Infinity) throw new InvalidOptionError(option, `a finite number ${isOpen ? 'above 0' : `of at least ${low}`}`, value);
  throw new InvalidOptionError(option, isOpen ? `a number above 0 and at most ${high}` : `a number from ${low} to ${high}`, value);
}

/** @returns the texts of a prompt. @throws {InvalidOptionError} for what is none. */
export function requirePrompt(prompt: unknown): string[] {
  const texts: unknown[] = Array.isArray(prompt) ? prompt.map((turn: { readonly content?: unknown } | null) => turn?.content) : [textOf(prompt)];
  if (texts.length === 0 || !texts.every((text) => typeof text === 'string')) {
    throw new InvalidOptionError('prompt', 'a question, messages with a role and a text as content, or `{ text }`', prompt);
  }
  return texts;
}

function textOf(prompt: unknown): unknown {
  return typeof prompt === 'object' && prompt !== null && 'text' in prompt ? prompt.text : prompt;
}
