/** What a source file imports, and the graph this makes of a folder. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

export interface ImportEdge {
  /** As written: a relative path, a package, or a `node:` builtin. */
  readonly specifier: string;
  /** Whether the import vanishes when types are stripped. */
  readonly isTypeOnly: boolean;
}

/** By file, its path from the root with `/`. */
export type ImportGraph = ReadonlyMap<string, readonly ImportEdge[]>;

/** Static, dynamic and type imports of a TypeScript source, each specifier once. */
export function importsOf(source: string): ImportEdge[] {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
  });
  const atRunTime = new Set(specifiersOf(outputText));
  return [...new Set([...specifiersOf(source), ...atRunTime])].map((specifier) => ({ specifier, isTypeOnly: !atRunTime.has(specifier) }));
}

/** Every specifier that a source imports or requires, types included; fast, as nothing is compiled. */
export function specifiersOf(source: string): string[] {
  return ts.preProcessFile(source, true, true).importedFiles.map(({ fileName }) => fileName);
}

/** Whether nothing of a source is left when types are stripped. */
export function holdsTypesOnly(source: string): boolean {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true, removeComments: true },
  });
  return outputText.replace('export {};', '').trim() === '';
}

/** The graph of every `.ts` file below a directory. */
export function readImportGraph(root: string): ImportGraph {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return new Map(files.map((name) => [name.replaceAll('\\', '/'), importsOf(readFileSync(join(root, name), 'utf8'))]));
}

/** The file that a relative import of `file` means, or `undefined` for a package. */
export function targetOf(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : undefined;
}

/** Name of the package of a specifier: `@scope/name/deep` is of `@scope/name`. */
export function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return 'node:';
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Every file that loading `entry` can load, dynamic imports included, with what each imports from outside. */
export function reachableFrom(graph: ImportGraph, entry: string): Map<string, string[]> {
  const reached = new Map<string, string[]>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    const edges = (graph.get(file) ?? []).filter(({ isTypeOnly }) => !isTypeOnly);
    reached.set(
      file,
      edges.filter(({ specifier }) => targetOf(file, specifier) === undefined).map(({ specifier }) => specifier),
    );
    for (const { specifier } of edges) {
      const target = targetOf(file, specifier);
      if (target !== undefined) visit(target);
    }
  };
  visit(entry);
  return reached;
}

/** Import cycles, each as the files along it; one of every group of files that reach one another. */
export function findCycles(graph: ImportGraph, isCounted: (edge: ImportEdge) => boolean): string[][] {
  const cycles: string[][] = [];
  const finished = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) {
      cycles.push([...path.slice(start), file]);
      return;
    }
    if (finished.has(file)) return;
    for (const edge of (graph.get(file) ?? []).filter(isCounted)) {
      const target = targetOf(file, edge.specifier);
      if (target !== undefined) visit(target, [...path, file]);
    }
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return cycles;
}
