/** Runs the built command as a user does. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface CommandResult {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export interface Command {
  readonly process: ChildProcessWithoutNullStreams;
  readonly result: Promise<CommandResult>;
}

/** Starts `latency-tts` with its standard input open. */
export function startCommand(words: readonly string[]): Command {
  const child = spawn(process.execPath, [CLI, ...words], { env: { ...process.env, NODE_OPTIONS: '' } });
  const result = new Promise<CommandResult>((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject).on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { process: child, result };
}

/** Runs `latency-tts` to its end. @param input - What it reads from standard input. */
export function runCommand(words: readonly string[], input = ''): Promise<CommandResult> {
  const command = startCommand(words);
  // A command that does not read may have closed its input before this arrives.
  command.process.stdin.on('error', () => undefined).end(input);
  return command.result;
}
