/** Tables of options for the docs, made of the schemas that check them and the docstrings that editors show. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import * as v from 'valibot';
import { isPlain } from '../../src/option-schemas.ts';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

export interface DocumentedOption {
  readonly name: string;
  readonly schema: v.GenericSchema;
  readonly description: string;
  /** Of the docstring's `@default`. */
  readonly default: string;
}

interface Docstring {
  readonly description: string;
  readonly default: string;
}

/** Docstrings of options by the name of their entries, their own first. */
function readDocstrings(): ReadonlyMap<string, ReadonlyMap<string, Docstring>> {
  const found = new Map<string, Map<string, Docstring>>();
  const spreads = new Map<string, string[]>();
  for (const file of ['maths', 'strategies'].flatMap((folder) =>
    readdirSync(SRC + folder, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
  )) {
    if (!file.endsWith('.ts')) continue;
    const source = ts.createSourceFile(file, readFileSync(SRC + file, 'utf8'), ts.ScriptTarget.ES2022, true);
    for (const statement of source.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      for (const { name, initializer } of statement.declarationList.declarations) {
        if (!initializer || !ts.isObjectLiteralExpression(initializer) || !/Entries$/.test(name.getText())) continue;
        const own = new Map<string, Docstring>();
        for (const property of initializer.properties) {
          if (ts.isSpreadAssignment(property)) spreads.set(name.getText(), [...(spreads.get(name.getText()) ?? []), property.expression.getText()]);
          else own.set(property.name!.getText(), docstringOf(property));
        }
        found.set(name.getText(), own);
      }
    }
  }
  const whole = (name: string): Map<string, Docstring> =>
    new Map([...(found.get(name) ?? []), ...(spreads.get(name) ?? []).flatMap((other) => [...whole(other)]), ...(found.get(name) ?? [])]);
  return new Map([...found.keys()].map((name) => [name, whole(name)]));
}

function docstringOf(property: ts.Node): Docstring {
  const [doc] = ts.getJSDocCommentsAndTags(property).filter(ts.isJSDoc);
  const text = (comment: Parameters<typeof ts.getTextOfJSDocComment>[0]): string => (ts.getTextOfJSDocComment(comment) ?? '').replace(/\s+/g, ' ').trim();
  return { description: text(doc?.comment), default: text(doc?.tags?.find(({ tagName }) => tagName.text === 'default')?.comment) };
}

const docstrings = readDocstrings();

/** The options of a schema: its own, then those it shares with others. @param name - Of the entries in the source. */
export function documentedOptions(name: string, entries: v.ObjectEntries): DocumentedOption[] {
  const known = docstrings.get(name)!;
  return [...known.keys()]
    .filter((option) => entries[option])
    .map((option) => ({ name: option, schema: entries[option] as v.GenericSchema, ...known.get(option)! }));
}

/** The value that an option has where it is left out, as it is written; `undefined` where that is no plain value. */
export function plainDefault(schema: v.GenericSchema): string | undefined {
  const value: unknown = v.getDefault(schema as never);
  const isWritten = ['string', 'number', 'boolean'].includes(typeof value) || Array.isArray(value) || isObjectLiteral(value);
  return isWritten ? literal(value) : undefined;
}

function isObjectLiteral(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value.replaceAll('\n', '\\n')}'`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${literal(field)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

/** What an option may be, in the words of its error. */
export function describeType(schema: v.GenericSchema): string {
  if ('wrapped' in schema) return describeType(schema.wrapped as v.GenericSchema);
  if ('entries' in schema) return `\`{ ${Object.keys(schema.entries as object).join(', ')} }\``;
  if (schema.type === 'union' && 'options' in schema && !isNamed(schema)) {
    return (schema.options as v.GenericSchema[]).map((one) => ('literal' in one ? `\`${String(one.literal)}\`` : describeType(one))).join(', or ');
  }
  const message = String('message' in schema ? schema.message : '').split('\n')[0]!;
  return message.replace(/^an? /, '').replace(/'[^']+'/g, (name) => `\`${name}\``);
}

/** Whether a union has a message that says what it may be, names included. */
function isNamed(schema: object): boolean {
  return 'message' in schema && typeof schema.message === 'string' && schema.message.includes("'");
}

/** Sentences of ranges, which the type already says. */
const RANGE = /(?:^| )(?:Whole number ≥ \d+|In [([]0, 1[)\]]|At least 0|Above 0|At least one)\./g;

export function optionTable(options: readonly DocumentedOption[]): string {
  const rows = options.map(({ name, schema, description, default: absent }) => {
    const text = description.replace(RANGE, '').trim();
    const isLiteral = absent !== '' && absent === plainDefault(schema);
    const type = describeType(schema) + (isPlain(schema) ? '' : ' (code only)');
    return [`\`${name}\``, type, isLiteral ? `\`${absent}\`` : schema.type === 'optional' ? absent.replace(/^(?:'[^']+'|new .+)/, '`$&`') : 'required', text];
  });
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(['option', 'type', 'default', 'description']), line(['---', '---', '---', '---']), ...rows.map(line)].join('\n');
}

/** A page with its tables, each after a comment that names its entries, made again. */
export function withOptionTables(page: string, tables: Readonly<Record<string, v.ObjectEntries>>): string {
  return page.replace(/(<!-- options:(\w+) -->\n\n)(?:\|[^\n]*\n)*/g, (_, marker: string, name: string) => {
    const entries = tables[name];
    if (!entries) throw new Error(`There are no entries ${name}.`);
    return `${marker}${optionTable(documentedOptions(name, entries))}\n`;
  });
}
