import { Command, CommanderError, Option } from 'commander';
import { ContextLengthError, InvalidOptionError, isLatencyTtsError, ModelLoadError } from '../errors.ts';
import type { CliHost } from './host.ts';
import { VERSION } from '../version.ts';
import { parseCount, parseDuration, parseNumber } from './parse-options.ts';
import { solve } from './solve.ts';

/** 0: done. 1: the run failed. 2: the input was wrong. 130: interrupted. */
export type ExitCode = 0 | 1 | 2 | 130;

/** Runs one command line and says how it ended; writes a sentence, never a stack trace. */
export async function runCli(words: readonly string[], host: CliHost): Promise<ExitCode> {
  const interrupt = new AbortController();
  host.onInterrupt(() => interrupt.abort(new InterruptError()));
  try {
    await makeProgram(host, interrupt.signal).parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error, host);
  }
}

function makeProgram(host: CliHost, signal: AbortSignal): Command {
  const program = new Command('latency-tts')
    .description('Latency-aware test-time scaling: the best answer a model can give by a deadline.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeOut: (text) => host.stdout.write(text), writeErr: (text) => host.stderr.write(text), outputError: () => undefined });
  program
    .command('solve')
    .description('Answer one problem: sample branches together, vote, stop when it is decided or time is up.')
    .argument('[problem]', 'the problem; read from standard input when it is left out or "-"')
    .option('-d, --deadline <time>', 'time from start to answer, e.g. 500ms, 2s, 1m', parseDuration)
    .option('-b, --branches <count>', 'solutions sampled at once', parseCount, 8)
    .option('-m, --model <directory>', 'model directory; the bundled demonstration model when it is left out')
    .option('--tokenizer <directory>', 'tokenizer directory, where it is not the model directory')
    .option('-t, --temperature <number>', 'sampling temperature; 0 is greedy', parseNumber)
    .option('--max-tokens <count>', 'most tokens of one solution', parseCount)
    .option('-s, --seed <integer>', 'fixes every random choice', parseNumber, 0)
    .option('--threads <count>', 'threads inside one operator', parseCount)
    .addOption(new Option('--json', 'print the whole result as JSON').default(false))
    .action((problem: string | undefined, options) => solve(problem, options, host, signal));
  return program;
}

class InterruptError extends Error {}

function report(error: unknown, { stderr }: CliHost): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // A command line without a command: commander has written the help instead of a message.
    if (error.code !== 'commander.help') stderr.write(`${usageMessage(error)}\n`);
    return 2;
  }
  if (error instanceof InterruptError) {
    stderr.write('Interrupted.\n');
    return 130;
  }
  stderr.write(`${oneLine(error instanceof Error ? error.message : String(error))}\n`);
  if (!isLatencyTtsError(error)) return 1;
  return error instanceof InvalidOptionError || error instanceof ModelLoadError || error instanceof ContextLengthError ? 2 : 1;
}

/** Commander's message as a sentence; the message about a bad value says what to give already, the others point to the help. */
function usageMessage({ code, message }: CommanderError): string {
  const text = oneLine(message.replace(/^error: /, ''));
  const sentence = text[0]!.toUpperCase() + text.slice(1) + (/[.?)]$/.test(text) ? '' : '.');
  return code === 'commander.invalidArgument' ? sentence : `${sentence} Try \`latency-tts solve --help\`.`;
}

/** Messages of parsers quote the file they choke on, line breaks included. */
function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}
