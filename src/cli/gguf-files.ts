import type { Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidOptionError } from '../errors.ts';

const GGUF = /\.gguf$/i;

/**
 * The GGUF file that a path means: itself, or the only one in a directory that holds no other model.
 *
 * @param found - What is at the path.
 * @throws {InvalidOptionError} for a file that is not there, and for a directory with several.
 */
export async function findGguf(path: string, found: Stats | undefined): Promise<string | undefined> {
  if (GGUF.test(path) && !found?.isDirectory()) {
    if (!found) throw new InvalidOptionError('model', 'a GGUF file that exists', path);
    return path;
  }
  if (!found?.isDirectory()) return undefined;
  const names = await readdir(path);
  if (names.includes('config.json') || names.includes('onnx') || names.some((name) => name.endsWith('.onnx'))) return undefined;
  const files = names.filter((name) => GGUF.test(name)).sort();
  if (files.length > 1) throw new InvalidOptionError('model', `one GGUF file: ${files.join(', ')}`, path);
  return files.length === 1 ? join(path, files[0]!) : undefined;
}
