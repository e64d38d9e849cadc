import type { AnswerExtractor } from '../../contracts/answer.ts';
import { saidIn } from './said.ts';

/** Objects nearer the start than this many are not looked at. */
const MOST_OBJECTS = 64;
/** A command of LaTeX whose backslash was not doubled reads as one of these. */
const CONTROL = /[\b\f\v]|[\t\r\n](?=[a-z])/;

/** Takes a field of the last JSON object in the text that has it. Strings come as they are, other values as JSON. */
export function jsonAnswer(field = 'answer'): AnswerExtractor {
  return (text) => {
    const said = saidIn(text);
    const starts = [...said.matchAll(/\{(?=\s*["}])/g)].slice(-MOST_OBJECTS).reverse();
    for (const { index } of starts) {
      const end = endOfObject(said, index);
      const value = end === undefined ? undefined : fieldOf(said.slice(index, end), field);
      if (value === undefined || value === null) continue;
      const answer = typeof value === 'string' ? value.trim() : JSON.stringify(value);
      if (answer) return answer;
    }
    return brokenField(said, field);
  };
}

/** A field of what is nearly JSON, up to the end of its line. */
function brokenField(text: string, field: string): string | undefined {
  const start = text.lastIndexOf(`"${field}"`);
  const [, quoted, bare] =
    start < 0 ? [] : (/^\s*:\s*(?:"([^"\n]*)"|([^\s"[{][^\n"]*?))\s*[,\]}]+\s*$/m.exec(text.slice(start + field.length + 2, start + field.length + 402)) ?? []);
  const value = (quoted ?? bare)?.trim();
  return value === undefined || value === '' || value === 'null' ? undefined : value;
}

/** Where the text after the brace starts that closes the one at `start`; braces in strings do not count. */
function endOfObject(text: string, start: number): number | undefined {
  let depth = 0;
  let isString = false;
  for (let index = start; index < text.length; index++) {
    const character = text[index];
    if (isString && character === '\\') index++;
    else if (character === '"') isString = !isString;
    else if (!isString && character === '{') depth++;
    else if (!isString && character === '}' && --depth === 0) return index + 1;
  }
  return undefined;
}

function fieldOf(json: string, field: string): unknown {
  const value = parsedField(json, field);
  if (value !== undefined && !(typeof value === 'string' && CONTROL.test(value))) return value;
  return parsedField(json.replace(/(?<!\\)\\(?=[a-zA-Z]{2}|[^"\\/bfnrtu])/g, '\\\\'), field) ?? value;
}

function parsedField(json: string, field: string): unknown {
  try {
    const parsed: unknown = JSON.parse(json);
    return typeof parsed === 'object' && parsed !== null && Object.hasOwn(parsed, field) ? (parsed as Readonly<Record<string, unknown>>)[field] : undefined;
  } catch {
    return undefined;
  }
}

const FENCE = /^[ \t]*(`{3,}|~{3,})[ \t]*([\w+#-]*)([^\n]*)$/;

/**
 * Takes the last fenced block of code that is closed.
 *
 * @param language - Only blocks of this language. @default any
 */
export function codeAnswer(language?: string): AnswerExtractor {
  return (text) => {
    let code: string | undefined;
    let open: { readonly fence: string; readonly language: string; readonly start: number } | undefined;
    let start = 0;
    const said = saidIn(text);
    for (const line of said.split('\n')) {
      const [, fence = '', name = '', rest = ''] = FENCE.exec(line) ?? [];
      if (open && fence.startsWith(open.fence) && name === '' && rest.trim() === '') {
        if (language === undefined || open.language === language.toLowerCase()) code = said.slice(open.start, Math.max(start - 1, open.start));
        open = undefined;
      } else if (!open && fence !== '') open = { fence, language: name.toLowerCase(), start: start + line.length + 1 };
      start += line.length + 1;
    }
    return code?.trim() ? code : undefined;
  };
}
