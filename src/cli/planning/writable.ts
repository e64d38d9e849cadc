import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InvalidOptionError } from '../../errors.ts';

/** @throws {InvalidOptionError} before minutes of work that could not be kept. */
export async function requireWritable(path: string, option: string): Promise<void> {
  const directory = dirname(resolve(path));
  try {
    await access(directory, constants.W_OK);
  } catch {
    throw new InvalidOptionError(option, 'a file in a directory that exists and can be written', path);
  }
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isDirectory) throw new InvalidOptionError(option, 'a file, not a directory', path);
}
