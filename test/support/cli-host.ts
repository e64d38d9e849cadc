/** A host for the command within the test's own process: streams the test holds, and a user who interrupts on demand. */
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { CliHost } from '../../src/cli/host.ts';
import { runCli, type ExitCode } from '../../src/cli/program.ts';

export interface HeldHost {
  readonly host: CliHost;
  interrupt(): void;
  /** As a supervisor asks it to end. */
  terminate(): void;
  /** Everything written so far; nothing can be written afterwards. */
  written(): Promise<{ readonly stdout: string; readonly stderr: string }>;
}

/** @param isTerminal - Whether standard input and the error output are a terminal. */
export function holdHost(isTerminal: boolean, input?: string, env: CliHost['env'] = {}): HeldHost {
  const onTerminal = (stream: PassThrough): PassThrough & { readonly isTTY: boolean } => Object.assign(stream, { isTTY: isTerminal });
  const stdout = new PassThrough();
  const stderr = onTerminal(new PassThrough());
  const stdin = onTerminal(new PassThrough());
  if (input !== undefined) stdin.end(input);
  let interrupt = (): void => undefined;
  let terminate = (): void => undefined;
  return {
    host: { stdout, stderr, stdin, env, onInterrupt: (listener) => (interrupt = listener), onTerminate: (listener) => (terminate = listener) },
    interrupt: () => interrupt(),
    terminate: () => terminate(),
    async written() {
      stdout.end();
      stderr.end();
      const [fromStdout, fromStderr] = await Promise.all([text(stdout), text(stderr)]);
      return { stdout: fromStdout, stderr: fromStderr };
    },
  };
}

/** Runs the command from its sources, without a terminal. */
export async function runHere(
  words: readonly string[],
  input = '',
  env: CliHost['env'] = {},
): Promise<{ readonly code: ExitCode; readonly stdout: string; readonly stderr: string }> {
  const { host, written } = holdHost(false, input, env);
  const code = await runCli(words, host);
  return { code, ...(await written()) };
}
