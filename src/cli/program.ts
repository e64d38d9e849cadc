import { Command, CommanderError, Option } from 'commander';
import { ContextLengthError, InfeasiblePlanError, InvalidOptionError, isLatencyTtsError, ModelLoadError } from '../errors.ts';
import { DEFAULT_STRATEGY } from './choose-strategy.ts';
import { errorText, oneLine } from './error-text.ts';
import type { CliHost } from './host.ts';
import { addPlanning } from './planning/commands.ts';
import { AbortScope } from '../runtime/abort-scope.ts';
import { VERSION } from '../version.ts';
import { parseCount, parseDuration, parseNumber, parseWhole } from './parse-options.ts';
import { addModelOptions } from './model-options.ts';
import { serve } from './serve.ts';
import { solve } from './solve.ts';

/** 0: done. 1: the run failed. 2: the input was wrong. 130: interrupted. */
export type ExitCode = 0 | 1 | 2 | 130;

/** Commands that have something to finish when they are interrupted: requests under way, recordings to speak of. */
const FINISHING = ['serve', 'calibrate'];

/**
 * Runs one command line and says how it ended; writes a sentence, never a stack trace. Resolves to 130 as soon as the user
 * interrupts, while what has been started may still be ending: threads of models take their time.
 */
export async function runCli(words: readonly string[], host: CliHost): Promise<ExitCode> {
  const interrupt = new AbortScope();
  const program = makeProgram(host, interrupt.signal);
  const command = program.commands.find((one) => one.name() === words[0]);
  const interrupted = new Promise<never>((_, reject) => {
    host.onInterrupt(() => {
      const error = new InterruptError();
      if (command && FINISHING.includes(command.name())) return interrupt.end(error);
      reject(error);
      // Ending thousands of branches takes a moment, for which nobody has to wait.
      setImmediate(() => interrupt.end(error));
    });
  });
  try {
    await Promise.race([program.parseAsync(words, { from: 'user' }), interrupted]);
    return 0;
  } catch (error) {
    return report(error, host, command);
  }
}

function makeProgram(host: CliHost, signal: AbortSignal): Command {
  const program = new Command('latency-tts')
    .description('Latency-aware test-time scaling: the best answer a model can give by a deadline.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ writeOut: (text) => host.stdout.write(text), writeErr: (text) => host.stderr.write(text), outputError: () => undefined });
  addSolve(program, host, signal);
  addServe(program, host, signal);
  addPlanning(program, host, signal);
  return program;
}

function addSolve(program: Command, host: CliHost, signal: AbortSignal): void {
  addModelOptions(program.command('solve'))
    .description('Answer one problem: sample branches together, vote, stop when it is decided or time is up.')
    .argument('[problem]', 'the problem; read from standard input when it is left out or "-"')
    .option('-d, --deadline <time>', 'time from start to answer, e.g. 500ms, 2s, 1m; none when it is left out', parseDuration)
    .option('--prompt-file <file>', 'reads the problem from a file; "-" for standard input')
    .option('--strategy <name>', 'how the model is asked: first-finish, best-of-n and the others of docs/strategies', DEFAULT_STRATEGY)
    .option('-b, --branches <count>', 'solutions sampled at once; 8, or what the strategy has by itself, when it is left out', parseCount)
    .option('-t, --temperature <number>', 'sampling temperature; 0 is greedy', parseNumber)
    .option('--max-tokens <count>', 'most tokens of one solution', parseCount)
    .option('-s, --seed <integer>', 'fixes every random choice', parseNumber, 0)
    .addOption(new Option('--json', 'print the whole result as JSON').default(false))
    .action((problem: string | undefined, options) => solve(problem, options, host, signal));
}

function addServe(program: Command, host: CliHost, signal: AbortSignal): void {
  addModelOptions(program.command('serve'))
    .description('Serve a model over an OpenAI-compatible HTTP interface, with deadlines and strategies.')
    .option('-p, --port <number>', 'port to listen on; 0 takes any that is free', parseWhole, 8080)
    .option('--host <address>', 'address to listen on; beyond loopback an API key is needed', '127.0.0.1')
    .option('--name <id>', "the model's id for clients; `bundled`, or the name of its directory, when it is left out")
    .addOption(new Option('--api-key <key>', 'key that clients have to send; better in the environment than here').env('LATENCY_TTS_API_KEY'))
    .option('--api-key-file <file>', 'reads the key from a file')
    .addOption(new Option('--without-key', 'listen beyond loopback without an API key').default(false))
    .option('--strategy <name>', 'strategy of requests that name none; plain sampling when it is left out')
    .option('-d, --deadline <time>', 'deadline of requests that have none, e.g. 500ms, 2s, 1m', parseDuration)
    .option('--max-deadline <time>', 'longest deadline that requests get', parseDuration)
    .option('--max-running <count>', 'requests worked on at once', parseCount, 4)
    .option('--max-queued <count>', 'requests that may wait', parseWhole, 64)
    .option('--max-tokens <count>', 'most tokens of one branch', parseCount)
    .option('-s, --seed <integer>', 'seed of the first request without one; drawn when it is left out', parseWhole)
    .addOption(new Option('--grace <time>', 'time for requests under way when the server is stopped').argParser(parseDuration).default(10_000, '10s'))
    .addOption(new Option('--quiet', 'no line for each request').default(false))
    .action((options) => {
      const stop = new AbortScope(signal);
      host.onTerminate(() => stop.end());
      return serve(options, host, stop.signal);
    });
}

class InterruptError extends Error {}

const INPUT_ERRORS = [InvalidOptionError, ModelLoadError, ContextLengthError, InfeasiblePlanError];

/** @param command - The one that was given, where there is one of that name. */
function report(error: unknown, { stderr }: CliHost, command: Command | undefined): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // A command line without a command: commander has written the help instead of a message.
    if (error.code !== 'commander.help') stderr.write(`${usageMessage(error, command)}\n`);
    return 2;
  }
  if (error instanceof InterruptError) {
    stderr.write('Interrupted.\n');
    return 130;
  }
  stderr.write(`${errorText(error, command)}\n`);
  if (!isLatencyTtsError(error)) return 1;
  return INPUT_ERRORS.some((kind) => error instanceof kind) ? 2 : 1;
}

/** Commander's message as a sentence; the message about a bad value says what to give already, the others point to the help. */
function usageMessage({ code, message }: CommanderError, command: Command | undefined): string {
  const text = oneLine(message.replace(/^error: /, ''));
  const sentence = text[0]!.toUpperCase() + text.slice(1) + (/[.?)]$/.test(text) ? '' : '.');
  return code === 'commander.invalidArgument' ? sentence : `${sentence} Try \`${['latency-tts', ...(command ? [command.name()] : []), '--help'].join(' ')}\`.`;
}
