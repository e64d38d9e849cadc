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

const FORMATS = ['auto', 'fp32', 'fp16', 'q8', 'int8', 'uint8', 'q4', 'q4f16', 'bnb4'];

/** Weight formats of `q4` or `q4,q8`. */
export function parseFormats(text: string): string[] {
  const formats = text.split(',').map((word) => word.trim());
  const unknown = formats.find((format) => !FORMATS.includes(format));
  if (unknown !== undefined) throw new InvalidArgumentError(`Give ${FORMATS.slice(0, -1).join(', ')} or ${FORMATS.at(-1)}, or several with commas.`);
  if (new Set(formats).size < formats.length) throw new InvalidArgumentError('Give each format once.');
  if (formats.length > 1 && formats.includes('auto')) throw new InvalidArgumentError('Give auto alone.');
  return formats;
}
