import type { Command } from 'commander';
import { ServerError } from '../errors.ts';

/** Options of the library that the command has under another name. */
const ALIASES: Readonly<Record<string, string>> = {
  'sampling.temperature': 'temperature',
  deadlineMs: 'deadline',
  defaultDeadlineMs: 'deadline',
  maxDeadlineMs: 'maxDeadline',
  graceMs: 'grace',
  budgetMs: 'profileTime',
  baseURL: 'baseUrl',
  apiKey: 'keyEnv',
  idOrPath: 'model',
  tokenizerPath: 'tokenizer',
  'defaultStrategy.name': 'strategy',
  beams: 'branches',
  particles: 'branches',
  simulations: 'branches',
  width: 'branches',
  rows: 'branches',
  'problems-file': 'problemsFile',
};
const MODEL_OPTION = /^models\.[^`]*\.(defaultStrategy\.name)$/;

/** What an error says, as one line about flags: the library speaks of its options. */
export function errorText(error: unknown, command: Command | undefined): string {
  const message = oneLine(error instanceof Error ? error.message : String(error));
  return withFlags(message.replace(/(got `[^`]*`) \((?:number|boolean|bigint)\)/, '$1'), command) + adviceOn(error);
}

/** Messages of parsers quote the file they choke on, line breaks included. */
export function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

function withFlags(message: string, command: Command | undefined): string {
  const flags = new Map((command?.options ?? []).map((option) => [option.attributeName(), option.long ?? option.flags]));
  const arguments_ = new Set((command?.registeredArguments ?? []).map((argument) => argument.name()));
  const flagOf = (name: string): string | undefined => {
    const plain = MODEL_OPTION.exec(name)?.[1] ?? name;
    return flags.get(plain) ?? flags.get(ALIASES[plain] ?? '');
  };
  return message
    .replace(/`(\w+): '([^'`]*)'`/g, (whole, name: string, value: string) => (flagOf(name) ? `\`${flagOf(name)} ${value}\`` : whole))
    .replace(/`(problems-file) (line[^`]*)`/, (_, name: string, line: string) => `\`${flagOf(name) ?? name} ${line}\``)
    .replace(/`([\w.-]+)`/g, (whole, name: string) => {
      if (arguments_.has(name)) return `the ${name}`;
      const flag = flagOf(name);
      return flag ? `\`${flag}\`` : whole;
    });
}

function adviceOn(error: unknown): string {
  return error instanceof ServerError && error.kind === 'connect' ? ' Check that the server runs, and the address in `--base-url`.' : '';
}
