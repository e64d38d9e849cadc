import type { AnswerExtractor } from '../../contracts/answer.ts';

/** Objects nearer the start than this many are not looked at. */
const MOST_OBJECTS = 64;

/** Takes a field of the last JSON object in the text that has it. Strings come as they are, other values as JSON. */
export function jsonAnswer(field = 'answer'): AnswerExtractor {
  return (text) => {
    const starts = [...text.matchAll(/\{/g)].slice(-MOST_OBJECTS).reverse();
    for (const { index } of starts) {
      const end = endOfObject(text, index);
      const value = end === undefined ? undefined : fieldOf(text.slice(index, end), field);
      if (value !== undefined && value !== null) return typeof value === 'string' ? value.trim() || undefined : JSON.stringify(value);
    }
    return undefined;
  };
}

/** Behind the brace that closes the one at `start`; braces in strings do not count. */
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
  try {
    const parsed: unknown = JSON.parse(json);
    return typeof parsed === 'object' && parsed !== null && Object.hasOwn(parsed, field) ? (parsed as Readonly<Record<string, unknown>>)[field] : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes the last fenced block of code that is closed.
 *
 * @param language - Only blocks of this language. @default any
 */
export function codeAnswer(language?: string): AnswerExtractor {
  return (text) => {
    const blocks = [...text.matchAll(/^[ \t]*(`{3,}|~{3,})[ \t]*([\w+#-]*)[^\n]*\n([^]*?)^[ \t]*\1[ \t]*$/gm)];
    const block = blocks.findLast(([, , name]) => language === undefined || name?.toLowerCase() === language.toLowerCase());
    const code = block?.[3]?.replace(/\n$/, '');
    return code?.trim() ? code : undefined;
  };
}
