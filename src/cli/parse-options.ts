import { InvalidArgumentError } from 'commander';
import ms, { type StringValue } from 'ms';

/** Milliseconds of `2s`, `500ms`, `1.5m`. A number alone is refused: it would be milliseconds to some and seconds to others. */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  // The parser throws for an empty text and for one of 100 characters or more.
  const milliseconds = trimmed === '' || trimmed.length >= 100 ? undefined : ms(trimmed as StringValue);
  if (milliseconds === undefined || !(milliseconds > 0)) throw new InvalidArgumentError('Give a positive time such as 500ms, 2s or 1m.');
  if (!Number.isNaN(Number(trimmed))) throw new InvalidArgumentError(`${trimmed} has no unit; write ${trimmed}s or ${trimmed}ms.`);
  return milliseconds;
}

export function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('Give a whole number of at least 1.');
  return count;
}

export function parseNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) throw new InvalidArgumentError('Give a number.');
  return number;
}

export function parseWhole(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('Give a whole number of at least 0.');
  return number;
}

/** Temperatures of `own,0,0.7`; `own`, the model's, is `undefined`. */
export function parseTemperatures(text: string): (number | undefined)[] {
  const temperatures = text.split(',').map((word) => (word.trim() === 'own' ? undefined : parseNumber(word)));
  if (temperatures.some((temperature) => temperature !== undefined && temperature < 0)) throw new InvalidArgumentError('Give temperatures of at least 0.');
  if (new Set(temperatures).size < temperatures.length) throw new InvalidArgumentError('Give each temperature once.');
  return temperatures;
}
