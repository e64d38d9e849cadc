import { addAbortSignal } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { InvalidOptionError } from '../errors.ts';
import { readTextFile } from '../node/read-text-file.ts';
import type { CliHost } from './host.ts';

const STANDARD_INPUT = '-';

/** Where a prompt may come from. */
export interface PromptSource {
  /** As an argument; `-` for standard input. */
  readonly given: string | undefined;
  /** Name of that argument, for errors. */
  readonly argument: string;
  /** A file; `-` for standard input. */
  readonly promptFile: string | undefined;
}

/**
 * The prompt, without the space around it. Where nothing says where it is and standard input is no terminal, it is there.
 *
 * @throws {InvalidOptionError} for none, an empty one, two, and a file that cannot be read.
 * @throws the signal's reason when it is aborted before standard input ends.
 */
export async function readPrompt({ given, argument, promptFile }: PromptSource, { stdin }: CliHost, signal: AbortSignal): Promise<string> {
  if (promptFile !== undefined && given !== undefined) throw new InvalidOptionError('promptFile', `left out where \`${argument}\` is given`, promptFile);
  const isPiped = [given, promptFile].includes(STANDARD_INPUT) || (given === undefined && promptFile === undefined && !stdin.isTTY);
  const text = isPiped ? await readAll(stdin, signal) : promptFile === undefined ? (given ?? '') : await readFileText(promptFile);
  if (text.trim() !== '') return text.trim();
  if (promptFile !== undefined) throw new InvalidOptionError('promptFile', 'a file with text in it', promptFile);
  throw new InvalidOptionError(argument, 'text that is not empty', text, 'Pass it in quotes, with `promptFile`, or on standard input.');
}

async function readFileText(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'it is neither UTF-8 nor UTF-16';
    throw new InvalidOptionError('promptFile', 'a text file that can be read', path, `(${reason})`);
  }
}

async function readAll(stdin: CliHost['stdin'], signal: AbortSignal): Promise<string> {
  try {
    return await readText(addAbortSignal(signal, stdin));
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
