import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  cliOptionsIn,
  describeDifference,
  expectedOutput,
  extractBlocks,
  linkedPaths,
  npmScriptsIn,
  optionsOfHelp,
  typeCheckBlocks,
  type DocBlock,
} from './doc-blocks.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const blockOf = (code: string, line = 1): DocBlock => ({ file: 'page.md', line, language: 'ts', flags: [], code });

describe('extractBlocks', () => {
  test('finds language, flags, code and line of every block', () => {
    const page = ['# Page', '', '```ts', 'const a = 1;', '', 'a;', '```', 'text', '```bash no-run', 'npm test', '```', '```', 'plain', '```'].join('\n');
    expect(extractBlocks(page, 'page.md')).toEqual([
      { file: 'page.md', line: 4, language: 'ts', flags: [], code: 'const a = 1;\n\na;' },
      { file: 'page.md', line: 10, language: 'bash', flags: ['no-run'], code: 'npm test' },
      { file: 'page.md', line: 13, language: '', flags: [], code: 'plain' },
    ]);
  });

  test('takes the indentation of a block in a list away', () => {
    expect(extractBlocks('- item\n  ```ts\n  if (a) {\n    b();\n  }\n  ```\n', 'page.md')[0]!.code).toBe('if (a) {\n  b();\n}');
  });

  test('does not take fences inside a longer fence for blocks', () => {
    expect(extractBlocks('````md\n```ts\na;\n```\n````\n', 'page.md').map(({ language }) => language)).toEqual(['md']);
  });

  test('leaves code in a line alone', () => {
    expect(extractBlocks('Use ```ts``` or `ts`.', 'page.md')).toEqual([]);
  });

  test('refuses a block without an end', () => {
    expect(() => extractBlocks('text\n```ts\na;\n', 'page.md')).toThrow('page.md:2');
  });
});

describe('expectedOutput', () => {
  test('is the comment behind the last code', () => {
    expect(expectedOutput(blockOf('console.log(1);\n// Output:\n// 1\n//\n//  two\n'))).toBe('1\n\n two');
  });

  test('is nothing where the block promises nothing', () => {
    expect(expectedOutput(blockOf('// Outputs a number.\nconsole.log(1);'))).toBeUndefined();
  });

  test('may be empty', () => {
    expect(expectedOutput(blockOf('a();\n// Output:'))).toBe('');
  });

  test('must come last', () => {
    expect(() => expectedOutput(blockOf('a();\n// Output:\n// 1\nb();', 10))).toThrow('page.md:13');
  });
});

describe('describeDifference', () => {
  test('forgives blanks at the ends of lines and of the text', () => {
    expect(describeDifference('a\nb', 'a  \nb\n\n')).toBeUndefined();
  });

  test.each([
    ['42', '43\n', 'line 1 of the output is "43", not "42" as promised'],
    ['a\nb', 'a\n', 'line 2 of the output is nothing, not "b" as promised'],
    ['a', 'a\nb\n', 'line 2 of the output is "b", not nothing as promised'],
    [' a', 'a', 'line 1 of the output is "a", not " a" as promised'],
    ['', 'a', 'line 1 of the output is "a", not "" as promised'],
  ])('tells %j from %j', (expected, printed, difference) => {
    expect(describeDifference(expected, printed)).toBe(difference);
  });
});

describe('typeCheckBlocks', () => {
  const blocks = [
    "import { extractAnswer } from 'latency-tts';\nconst answer: string | undefined = extractAnswer('#### 4');\nconsole.log(await Promise.resolve(answer));",
    "import { generateProblems } from 'latency-tts/problems';\nconst answer = generateProblems({ seed: 1, tier: 2, count: 1, split: 'test' }).length;\nconsole.log(answer);",
    "import { noSuchThing } from 'latency-tts';\nnoSuchThing();",
    "console.log(1);\nconst count: number = 'three';\nconsole.log(count);",
    'const = ;',
  ].map((code, index) => blockOf(code, 100 * (index + 1)));
  let found: readonly string[];

  beforeAll(() => {
    found = typeCheckBlocks(blocks, ROOT);
  });

  test('accepts imports of the package, top-level await, and a name used in two blocks', () => {
    expect(found.filter((error) => /^page\.md:[12]\d\d:/.test(error))).toEqual([]);
  });

  test.each([
    ['a missing export', 'page.md:300: ', 'noSuchThing'],
    ['a wrong type', 'page.md:401: ', 'not assignable'],
    ['broken syntax', 'page.md:500: ', 'expected'],
  ])('names the place of %s', (_, place, message) => {
    expect(found.some((error) => error.startsWith(place) && error.includes(message))).toBe(true);
  });
});

describe('shell blocks', () => {
  test('name the npm scripts they run', () => {
    expect(npmScriptsIn('npm ci && npm run quickstart\nnpm test\nnpm run bench:decode -- --quick\nnpm install latency-tts')).toEqual([
      'quickstart',
      'test',
      'bench:decode',
    ]);
  });

  test('name the options they give to the command, and only those', () => {
    const shell = [
      'npx latency-tts solve "use --force -x" --deadline 2s -b 8 | head -n 3 # --comment',
      'latency-tts solve \\\n  --json',
      'npm run quickstart -- --quick',
      'cat --number file',
    ];
    expect(cliOptionsIn(shell.join('\n'))).toEqual(['--deadline', '-b', '--json']);
  });

  test('are compared with the options of a help text', () => {
    const help =
      'Usage: x [options]\n\nOptions:\n  -d, --deadline <time>   time, e.g. --not-one\n                          -n either\n  --json                  print\n  -h, --help              help\n';
    expect([...optionsOfHelp(help)]).toEqual(['-d', '--deadline', '--json', '-h', '--help']);
  });
});

describe('linkedPaths', () => {
  test('resolves links from the folder of the file and leaves others out', () => {
    const page = 'See [a](models.md#top), [b](../README.md), [c](https://example.org), [d](#here), `[e](no.md)`.\n```md\n[f](no.md)\n```\n';
    expect(linkedPaths(page, 'docs/page.md')).toEqual(['docs/models.md', 'README.md']);
  });
});
