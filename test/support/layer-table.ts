/** The layer table of ARCHITECTURE.md, read and applied. */
import { targetOf, packageOf, type ImportGraph } from './import-graph.ts';

export interface LayerRule {
  /** A folder of `src` or a file in it. */
  readonly layer: string;
  /** Other layers it may import. */
  readonly layers: ReadonlySet<string>;
  /** Of these, and of the packages, what may be imported for its types only. */
  readonly typesOnly: ReadonlySet<string>;
  /** Packages it may import; `node:` stands for every builtin of Node. */
  readonly packages: ReadonlySet<string>;
}

/**
 * Reads the first table whose header starts with `layer`: a row is a layer, the layers it may import, and the packages.
 * Entries are in backticks; one followed by `(types)` may be imported for its types only.
 */
export function readLayerTable(markdown: string): Map<string, LayerRule> {
  const lines = markdown.split('\n');
  const header = lines.findIndex((line) => /^\| *layer *\|/.test(line));
  if (header < 0) return new Map();
  const end = lines.findIndex((line, index) => index > header && !line.startsWith('|'));
  const rows = lines.slice(header + 2, end < 0 ? undefined : end);
  return new Map(
    rows.map((row) => {
      const [, layer = '', layers = '', packages = ''] = row.split('|').map((cell) => cell.trim());
      const name = entriesOf(layer)[0]?.name ?? '';
      const allowed = [...entriesOf(layers), ...entriesOf(packages)];
      return [
        name,
        {
          layer: name,
          layers: new Set(entriesOf(layers).map((entry) => entry.name)),
          typesOnly: new Set(allowed.filter((entry) => entry.isTypesOnly).map((entry) => entry.name)),
          packages: new Set(entriesOf(packages).map((entry) => entry.name)),
        },
      ];
    }),
  );
}

function entriesOf(cell: string): { readonly name: string; readonly isTypesOnly: boolean }[] {
  return [...cell.matchAll(/`([^`]+)`( \(types\))?/g)].map(([, name, types]) => ({ name: name!, isTypesOnly: types !== undefined }));
}

/** Folder of a file below `src`, or the file itself where it lies in `src`. */
export function layerOf(file: string): string {
  return file.split('/')[0]!;
}

/** A sentence for every import that the table does not allow. */
export function findViolations(graph: ImportGraph, table: ReadonlyMap<string, LayerRule>): string[] {
  const violations: string[] = [];
  for (const [file, edges] of graph) {
    const rule = table.get(layerOf(file));
    if (!rule) {
      violations.push(`${file} is in no layer of the table`);
      continue;
    }
    for (const { specifier, isTypeOnly } of edges) {
      const target = targetOf(file, specifier);
      if (target !== undefined && layerOf(target) === rule.layer) continue;
      const name = target === undefined ? packageOf(specifier) : layerOf(target);
      const allowed = target === undefined ? rule.packages : rule.layers;
      if (!allowed.has(name)) violations.push(`${file} imports ${specifier}: \`${rule.layer}\` may not import \`${name}\``);
      else if (rule.typesOnly.has(name) && !isTypeOnly) violations.push(`${file} imports ${specifier}: \`${rule.layer}\` may import only types of \`${name}\``);
    }
  }
  return violations;
}
