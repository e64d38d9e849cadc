import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSystem } from '../models/model-files.ts';

/** Node's files, for models of the hub's form. */
export const nodeFileSystem: FileSystem = {
  readText: (path) => orUndefined(readFile(path, 'utf8')),
  list: async (path) => {
    const entries = await orUndefined(readdir(path));
    if (!entries) return undefined;
    const files = await Promise.all(entries.map(async (name) => ({ name, stats: await orUndefined(stat(join(path, name))) })));
    return files.flatMap(({ name, stats }) => (stats?.isFile() ? [{ name, bytes: stats.size }] : []));
  },
};

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

/** What is read, where there is such a file or folder. */
async function orUndefined<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Whether reading failed because there is no such file or folder. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ABSENT.has(error.code as string);
}
