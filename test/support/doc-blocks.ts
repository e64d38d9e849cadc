/** Code blocks of Markdown files: finding them, checking their types, and comparing what they print. */
import { posix } from 'node:path';
import ts from 'typescript';

export interface DocBlock {
  /** Path of the Markdown file from the root. */
  readonly file: string;
  /** Line of the first line of code, from 1. */
  readonly line: number;
  /** First word behind the fence. */
  readonly language: string;
  /** Further words behind the fence. */
  readonly flags: readonly string[];
  readonly code: string;
}

/** Every fenced block of a Markdown text. @throws when a fence is not closed. */
export function extractBlocks(markdown: string, file: string): DocBlock[] {
  const blocks: DocBlock[] = [];
  const lines = markdown.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const opening = /^( *)(`{3,})([^`]*)$/.exec(lines[index]!);
    if (!opening) continue;
    const [, indent = '', fence = '', info = ''] = opening;
    const start = index + 1;
    const length = lines.slice(start).findIndex((line) => line.trim().startsWith(fence) && line.trim().replaceAll('`', '') === '');
    if (length < 0) throw new Error(`${file}:${start}: this block has no end.`);
    const code = lines.slice(start, start + length).map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line));
    const [language = '', ...flags] = info.trim().split(/\s+/);
    blocks.push({ file, line: start + 1, language, flags, code: code.join('\n') });
    index = start + length;
  }
  return blocks;
}

/** What a block says it prints: the comment lines behind a last `// Output:`. @throws when code follows them. */
export function expectedOutput({ code, file, line }: DocBlock): string | undefined {
  const lines = code.trimEnd().split('\n');
  const start = lines.findIndex((text) => /^\/\/ Output:\s*$/.test(text));
  if (start < 0) return undefined;
  const output = lines.slice(start + 1);
  const stray = output.findIndex((text) => !text.startsWith('//'));
  if (stray >= 0) throw new Error(`${file}:${line + start + 1 + stray}: only comments may follow \`// Output:\`.`);
  return output.map((text) => text.replace(/^\/\/ ?/, '')).join('\n');
}

/** Says how what was printed differs from what the block promises, or `undefined` where it does not. */
export function describeDifference(expected: string, printed: string): string | undefined {
  const [left, right] = [expected, printed].map((text) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd()),
  );
  const at = Array.from({ length: Math.max(left!.length, right!.length) }, (_, index) => index).find((index) => left![index] !== right![index]);
  if (at === undefined) return undefined;
  const quote = (line: string | undefined): string => (line === undefined ? 'nothing' : JSON.stringify(line));
  return `line ${at + 1} of the output is ${quote(right![at])}, not ${quote(left![at])} as promised`;
}

/** Type errors of blocks, each with its place in the document. One program checks them all. */
export function typeCheckBlocks(blocks: readonly DocBlock[], root: string): string[] {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, (path) => ts.sys.readFile(path)) as { readonly config: { readonly compilerOptions: object } };
  const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions, moduleDetection: 'force' }, root);
  // Beside the sources, so that imports resolve as for a user of the package; the files exist in memory only.
  const blockAt = new Map(blocks.map((block, index) => [`${root}doc-block-${index}.ts`, block]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => blockAt.has(path) || fileExists(path);
  host.readFile = (path) => blockAt.get(path)?.code ?? readFile(path);
  const program = ts.createProgram([...blockAt.keys()], options, host);
  return [...blockAt].flatMap(([path, block]) => {
    const source = program.getSourceFile(path)!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(({ messageText, start }) => {
      const { line } = source.getLineAndCharacterOfPosition(start ?? 0);
      return `${block.file}:${block.line + line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  });
}

/** Scripts that a text runs through npm: `npm run X`, `npm test`. */
export function npmScriptsIn(text: string): string[] {
  return [...text.matchAll(/\bnpm (?:run(?: -s)? ([\w:-]+)|(test|start)\b)/g)].map(([, script, short]) => (script ?? short)!);
}

/** Options given to `latency-tts` in shell code. */
export function cliOptionsIn(shell: string): string[] {
  const withoutStrings = shell
    .replace(/\\\n/g, ' ')
    .replace(/"[^"]*"|'[^']*'/g, '""')
    .replace(/#.*$/gm, '');
  const commands = withoutStrings.split(/\n|&&|\|\|?|;/).filter((command) => /^\s*(?:npx |\.\/node_modules\/\.bin\/)?latency-tts\b/.test(command));
  return commands.flatMap((command) => [...command.matchAll(/\s(--?[a-zA-Z][\w-]*)/g)].map(([, option]) => option!));
}

/** Options that a help text describes, long and short. */
export function optionsOfHelp(help: string): Set<string> {
  return new Set(
    help
      .split('\n')
      .flatMap((line) => (/^ {2}-/.test(line) ? [...line.split(/\s{2,}/)[1]!.matchAll(/(?:^|\s)(--?[a-zA-Z][\w-]*)/g)].map(([, option]) => option!) : [])),
  );
}

/** Paths, from the root, that the links of a Markdown file point at. Links to elsewhere are left out. */
export function linkedPaths(markdown: string, file: string): string[] {
  const withoutBlocks = markdown.replace(/^( *`{3,})[^`]*\n[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
  return [...withoutBlocks.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!.split('#')[0]!)
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    .map((target) => posix.join(posix.dirname(file), target));
}
