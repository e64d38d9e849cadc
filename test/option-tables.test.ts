/** Docs of options come from the schemas. `npm run docs:options` writes the tables again. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type * as v from 'valibot';
import { describeType, documentedOptions, plainDefault, withOptionTables } from './support/option-tables.ts';

const SRC = fileURLToPath(new URL('../src/strategies/', import.meta.url));
const DOCS = fileURLToPath(new URL('../docs/strategies/', import.meta.url));

const modules = await Promise.all(
  readdirSync(SRC)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => import(`../src/strategies/${file.slice(0, -3)}.ts`) as Promise<Readonly<Record<string, unknown>>>),
);
const tables = Object.fromEntries(modules.flatMap((module) => Object.entries(module).filter(([name]) => name.endsWith('Entries')))) as Readonly<
  Record<string, v.ObjectEntries>
>;
const pages = readdirSync(DOCS);

test('every strategy page with options has their table', () => {
  const without = pages.filter((page) => !/<!-- options:\w+ -->/.test(readFileSync(DOCS + page, 'utf8')));
  expect(without).toEqual(['early-decision.md']);
});

test.each(pages)('%s has the tables of the schemas', async (page) => {
  await expect(withOptionTables(readFileSync(DOCS + page, 'utf8'), tables)).toMatchFileSnapshot(DOCS + page);
});

describe.each(Object.entries(tables))('%s', (name, entries) => {
  test('every option has a docstring', () =>
    expect(
      documentedOptions(name, entries)
        .map((option) => option.name)
        .sort(),
    ).toEqual(Object.keys(entries).sort()));

  test.each(documentedOptions(name, entries))('$name is described as it is checked', ({ schema, description, default: absent }) => {
    expect(description).not.toBe('');
    const value = plainDefault(schema);
    // What an empty object stands for is said in words.
    if (value !== undefined && value !== '{}') expect(absent).toBe(value);
    if (schema.type !== 'optional') expect(absent).toBe('');
    else expect(absent === '' && value !== undefined).toBe(false);
    const least = /^whole number of at least (\d+)$/.exec(describeType(schema))?.[1];
    if (least !== undefined) expect(description).toContain(`hole number ≥ ${least}`);
  });
});
