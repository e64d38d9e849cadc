import { readFile } from 'node:fs/promises';

/** A text file, in UTF-8 or, as Windows writes it, UTF-16. @throws Node's error where it cannot be read; a `TypeError` for other bytes. */
export async function readTextFile(path: string): Promise<string> {
  return decodeText(await readFile(path));
}

/**
 * The text in bytes of UTF-8 or UTF-16, without a byte-order mark. A character that is cut off at the end is left out.
 *
 * @throws {TypeError} for bytes that are neither.
 */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes, { stream: true });
}

/** Without a mark, zeros tell: what we read begins with two ASCII characters, of which UTF-16 makes one byte zero. */
function encodingOf([first, second]: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second !== 0 && second !== undefined)) return 'utf-16be';
  return 'utf-8';
}
