import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { DIALECTS, type Dialect } from '../../../src/servers/dialects.ts';

const document = readFileSync(fileURLToPath(new URL('../../../docs/servers.md', import.meta.url)), 'utf8');

/** The table of `docs/servers.md`, made of what the code goes by. */
function tableOf(dialects: readonly Dialect[]): string[][] {
  const header = [
    'server',
    '`server`',
    'continuation',
    'stop strings',
    'sampling beside temperature and top-p',
    'log-probabilities',
    'counts',
    'tokenizer',
    'drafts',
    'reward models',
  ];
  return [header, header.map(() => '---'), ...dialects.map(rowOf)];
}

function rowOf(dialect: Dialect): string[] {
  const {
    continuation,
    keepStopField,
    samplingFields,
    hasLogprobs,
    topLogprobs,
    hasCompletionsLogprobs,
    tokenIdsField,
    usage,
    tokenize,
    speculation,
    hasDraftLength,
    rewards,
  } = dialect;
  return [
    dialect.label,
    `\`${dialect.name}\``,
    `\`${continuation}\``,
    keepStopField === undefined ? 'looked for' : 'kept',
    Object.values(samplingFields).map(code).join(', '),
    hasLogprobs ? `chat${hasCompletionsLogprobs ? ' and completions' : ''}, top ${topLogprobs}` : '',
    [usage === 'every-piece' ? 'every piece' : 'end', ...(tokenIdsField === undefined ? [] : ['ids'])].join(', '),
    tokenize === undefined ? '' : 'yes',
    [...(speculation === undefined ? [] : [code(speculation)]), ...(hasDraftLength ? ['length by request'] : [])].join(', '),
    rewards.map((name) => code(`/${name}`)).join(', '),
  ];
}

function code(text: string): string {
  return `\`${text}\``;
}

test('the table of servers is the one that the code goes by', () => {
  const [, written] = /<!-- dialects -->\n([\s\S]*?)<!-- \/dialects -->/.exec(document)!;
  const cells = written!
    .trim()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const table = tableOf(Object.values(DIALECTS));
  const expected = table.map((row) => row.join(' | ').trim());
  expect(
    cells.map((row) =>
      row
        .map((cell) => cell.replace(/^-+$/, '---'))
        .join(' | ')
        .trim(),
    ),
  ).toEqual(expected);
});
