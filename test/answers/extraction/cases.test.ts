import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { extractAnswer } from '../../../src/answers/extract-answer.ts';
import type { AnswerExtractor } from '../../../src/contracts/answer.ts';

/** Cases by section: `text => answer`, one a line; `⏎` is a line break, `-` is no answer. */
function casesIn(file: string): [section: string, cases: [text: string, answer: string | undefined][]][] {
  const sections = readFileSync(new URL(file, import.meta.url), 'utf8')
    .split(/^# /m)
    .slice(1);
  return sections.map((section) => {
    const [name = '', ...lines] = section.trimEnd().split('\n');
    return [
      name,
      lines.flatMap((line) => {
        if (line === '') return [];
        const [, text, answer] = /^(.*) => (.*)$/.exec(line) ?? [];
        if (text === undefined || answer === undefined) throw new Error(`No case: ${line}`);
        return [[text.replaceAll('⏎', '\n'), answer === '-' ? undefined : answer]];
      }),
    ];
  });
}

const FILES: readonly (readonly [file: string, extract: AnswerExtractor])[] = [
  ['closing-cases.txt', extractAnswer],
  ['choice-cases.txt', (text) => extractAnswer(text, { kind: 'choice' })],
  ['number-cases.txt', (text) => extractAnswer(text, { kind: 'number' })],
];

describe.each(FILES)('%s', (file, extract) => {
  describe.each(casesIn(file))('%s', (_, cases) => {
    test.each(cases)('%j gives %s', (text, answer) => {
      expect(extract(text)).toBe(answer);
    });
  });
});
