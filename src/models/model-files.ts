/**
 * The files of a model that are on this machine, where the platform has a file system: a directory in the hub's form, or
 * what transformers.js has downloaded.
 *
 * @module
 */

/** What is used of a platform's files. */
export interface FileSystem {
  /** Contents of a text file; `undefined` where there is none. */
  readText(path: string): Promise<string | undefined>;
  /** The files in a folder, by name; `undefined` where there is no such folder. */
  list(path: string): Promise<readonly ModelFile[] | undefined>;
}

export interface ModelFile {
  /** Without its folder. */
  readonly name: string;
  readonly bytes: number;
}

/** Settings of transformers.js that say where it keeps files. */
export interface FileSettings {
  readonly allowLocalModels: boolean;
  readonly localModelPath: string;
  readonly useFSCache: boolean;
  /** `null` where there is none. */
  readonly cacheDir: string | null;
}

/** An id on the hub, with or without the name of its owner; as transformers.js tells it. */
const HUB_ID = /^(\b[\w\-.]+\b\/)?\b[\w\-.]{1,96}\b$/;

/** A model's files, wherever on this machine they are. */
export class ModelFiles {
  readonly #system: FileSystem;
  /** Looked through in this order. */
  readonly #directories: readonly string[];

  /** @param directories - Where files may be, without a slash at the end; the first that has one counts. */
  constructor(system: FileSystem, directories: readonly string[]) {
    this.#system = system;
    this.#directories = directories;
  }

  /** The file's text; `undefined` where it is not on this machine. */
  async readText(name: string): Promise<string | undefined> {
    for (const directory of this.#directories) {
      const text = await this.#system.readText(`${directory}/${name}`);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  /** The file's value, as JSON or as Python writes it. @throws {SyntaxError} that names the file. */
  async readJson(name: string): Promise<unknown> {
    const text = await this.readText(name);
    try {
      return text === undefined ? undefined : parseJson(text);
    } catch (cause) {
      throw new SyntaxError(`${name} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }

  /** The files in a folder of the model; none where there is no such folder. */
  async list(folder = ''): Promise<readonly ModelFile[]> {
    for (const directory of this.#directories) {
      const files = await this.#system.list(folder === '' ? directory : `${directory}/${folder}`);
      if (files) return files;
    }
    return [];
  }
}

/** Whether transformers.js takes this for an id on the hub, rather than for a directory. */
export function isHubId(location: string): boolean {
  return HUB_ID.test(location) && !/\.\.|--|\.git$|\.ipynb$/.test(location);
}

/** The directories in which transformers.js looks for a model, besides a directory of that very name. */
export function modelDirectories(
  location: string,
  { revision = 'main', cacheDir }: { readonly revision?: string; readonly cacheDir?: string },
  settings: FileSettings,
): readonly string[] {
  const directories = [location];
  if (isHubId(location)) {
    const cache = cacheDir ?? settings.cacheDir;
    if (settings.allowLocalModels) directories.push(`${settings.localModelPath}/${location}`);
    if (settings.useFSCache && cache !== null) directories.push(revision === 'main' ? `${cache}/${location}` : `${cache}/${location}/${revision}`);
  }
  return directories.map((directory) => directory.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, ''));
}

/**
 * JSON, and what Python's `json` writes beyond it: `Infinity`, `-Infinity` and `NaN`, of which the last becomes `null`.
 *
 * @throws {SyntaxError}
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Strings are matched so as to be passed over. Too large a number is Infinity when it is parsed.
    return JSON.parse(
      text.replaceAll(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/gs, (match) => {
        if (match.startsWith('"')) return match;
        return match === 'NaN' ? 'null' : match.replace('Infinity', '1e999');
      }),
    );
  }
}
