import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { findCycles, holdsTypesOnly, importsOf, packageOf, reachableFrom, readImportGraph, targetOf, type ImportGraph } from './support/import-graph.ts';
import { findViolations, layerOf, readLayerTable } from './support/layer-table.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const document = readFileSync(`${ROOT}ARCHITECTURE.md`, 'utf8');
const table = readLayerTable(document);
const graph = readImportGraph(`${ROOT}src`);
const everyEdge = (): boolean => true;

/** A graph from sources written out. */
const graphOf = (sources: Readonly<Record<string, string>>): ImportGraph => new Map(Object.entries(sources).map(([file, source]) => [file, importsOf(source)]));

describe('the sources', () => {
  test('import only what the table in ARCHITECTURE.md allows', () => {
    expect(findViolations(graph, table)).toEqual([]);
  });

  test('import files that exist', () => {
    const missing = [...graph].flatMap(([file, edges]) =>
      edges.filter(({ specifier }) => !graph.has(targetOf(file, specifier) ?? file)).map(({ specifier }) => `${file}: ${specifier}`),
    );
    expect(missing).toEqual([]);
  });

  test('have no import cycle of values', () => {
    expect(findCycles(graph, ({ isTypeOnly }) => !isTypeOnly)).toEqual([]);
  });

  test('have no import cycle of types', () => {
    expect(findCycles(graph, everyEdge)).toEqual([]);
  });

  test('hold nothing that runs in contracts', () => {
    const files = [...graph.keys()].filter((file) => layerOf(file) === 'contracts');
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((file) => !holdsTypesOnly(readFileSync(`${ROOT}src/${file}`, 'utf8')))).toEqual([]);
  });

  test.each(['index.ts', 'problems/index.ts', 'testing/index.ts'])('need nothing of Node from %s on', (entry) => {
    const needed = [...reachableFrom(graph, entry)].flatMap(([file, outside]) =>
      outside.filter((specifier) => isBuiltin(specifier) || packageOf(specifier) === 'onnxruntime-node').map((specifier) => `${file}: ${specifier}`),
    );
    expect(needed).toEqual([]);
  });

  test('import only packages that package.json asks for', () => {
    const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as Readonly<Record<string, Readonly<Record<string, string>>>>;
    const fields = ['dependencies', 'optionalDependencies', 'peerDependencies', 'devDependencies'];
    const asked = new Set(fields.flatMap((field) => Object.keys(manifest[field]!)));
    const used = new Set(
      [...graph].flatMap(([file, edges]) => edges.filter(({ specifier }) => !targetOf(file, specifier)).map(({ specifier }) => packageOf(specifier))),
    );
    // Which of them are bundled, and so need not be installed, test/exports.test.ts reads in the build.
    expect([...used].filter((name) => name !== 'node:' && !asked.has(name))).toEqual([]);
  });
});

describe('ARCHITECTURE.md', () => {
  test('has a row for every folder and root file of src, and no others', () => {
    expect([...table.keys()].sort()).toEqual([...new Set([...graph.keys()].map(layerOf))].sort());
  });

  test('orders the layers: each row allows only rows above it', () => {
    const above = new Set<string>();
    for (const { layer, layers } of table.values()) {
      expect(
        [...layers].filter((name) => !above.has(name)),
        layer,
      ).toEqual([]);
      above.add(layer);
    }
  });

  test('lists no package that its layer does not use', () => {
    const unused = [...table.values()].flatMap(({ layer, packages }) => {
      const imported = [...graph].filter(([file]) => layerOf(file) === layer).flatMap(([, edges]) => edges.map(({ specifier }) => packageOf(specifier)));
      return [...packages].filter((name) => !imported.includes(name)).map((name) => `${layer}: ${name}`);
    });
    expect(unused).toEqual([]);
  });

  test('names files and folders that exist', () => {
    const named = [...document.matchAll(/`([\w./-]+\/[\w./-]*|[\w-]+\.ts)`/g)].map(([, path]) => path!);
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((path) => !existsSync(`${ROOT}src/${path}`) && !existsSync(`${ROOT}${path}`))).toEqual([]);
  });
});

describe('the checker', () => {
  const rules = readLayerTable(
    '# Layers\n\n| layer | may import | packages |\n| --- | --- | --- |\n| `low` | | `pkg` (types) |\n| `high` | `low` | `@scope/pkg`, `node:` |\n\nText.',
  );

  test('reads rows, packages and what is for types only', () => {
    expect([...rules.keys()]).toEqual(['low', 'high']);
    expect(rules.get('high')).toEqual({ layer: 'high', layers: new Set(['low']), typesOnly: new Set(), packages: new Set(['@scope/pkg', 'node:']) });
    expect(rules.get('low')!.typesOnly).toEqual(new Set(['pkg']));
  });

  test('lets through what the table allows', () => {
    const sources = {
      'low/a.ts': "import type { T } from 'pkg'; import { b } from './b.ts'; export const a: T = b;",
      'low/b.ts': 'export const b = 1;',
      'high/c.ts':
        "import { a } from '../low/a.ts'; import { readFile } from 'node:fs'; import { deep } from '@scope/pkg/deep'; export default [a, readFile, deep];",
    };
    expect(findViolations(graphOf(sources), rules)).toEqual([]);
  });

  test.each([
    ['an import upwards', { 'low/a.ts': "import { c } from '../high/c.ts'; export const a = c;" }, '`low` may not import `high`'],
    ['an import of a type upwards', { 'low/a.ts': "import type { C } from '../high/c.ts'; export type A = C;" }, '`low` may not import `high`'],
    ['a re-export upwards', { 'low/a.ts': "export * from '../high/c.ts';" }, '`low` may not import `high`'],
    ['a dynamic import', { 'low/a.ts': "export const read = async () => import('node:fs');" }, '`low` may not import `node:`'],
    ['an import within a type', { 'low/a.ts': "export type A = import('../high/c.ts').C;" }, '`low` may not import `high`'],
    ['a package that is not listed', { 'high/a.ts': "import 'other/deep';" }, '`high` may not import `other`'],
    ['a value where types are allowed', { 'low/a.ts': "import { value } from 'pkg'; export const a = value;" }, '`low` may import only types of `pkg`'],
    ['a file in no layer', { 'stray.ts': 'export {};' }, 'stray.ts is in no layer'],
  ])('finds %s', (_, sources, message) => {
    expect(findViolations(graphOf(sources), rules)).toEqual([expect.stringContaining(message)]);
  });

  test('finds cycles, and tells those of types from those of values', () => {
    const sources = {
      'a.ts': "import { b } from './b.ts'; export const a = b;",
      'b.ts': "import type { C } from './c.ts'; export const b: C = 1;",
      'c.ts': "import { a } from './a.ts'; export type C = number; export const c = a;",
      'd.ts': "import { a } from './a.ts'; export const d = a;",
    };
    expect(findCycles(graphOf(sources), everyEdge)).toEqual([['a.ts', 'b.ts', 'c.ts', 'a.ts']]);
    expect(findCycles(graphOf(sources), ({ isTypeOnly }) => !isTypeOnly)).toEqual([]);
  });

  test('follows imports to what they load, not to types', () => {
    const sources = {
      'a.ts': "import './b.ts'; import type { C } from './c.ts'; export type A = C;",
      'b.ts': "export const load = async () => import('node:os');",
      'c.ts': "import 'node:fs'; export type C = 1;",
    };
    expect([...reachableFrom(graphOf(sources), 'a.ts')]).toEqual([
      ['a.ts', []],
      ['b.ts', ['node:os']],
    ]);
  });

  test('tells types from what runs', () => {
    expect(holdsTypesOnly("/** A. */ import type { B } from './b.ts'; export interface A { b: B }")).toBe(true);
    expect(holdsTypesOnly('export const a = 1;')).toBe(false);
    expect(holdsTypesOnly("import { type B } from './b.ts'; export type A = B;")).toBe(false);
  });
});
