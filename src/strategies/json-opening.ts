/**
 * Bringing a text that is in the middle of an object, or before it, to the value of one field.
 *
 * @module
 */

/** Where a text stands in its last object. */
interface Standing {
  /** Brackets left open, outermost first. */
  readonly open: readonly ('{' | '[')[];
  readonly isString: boolean;
}

/**
 * What is appended to a text for the value of `key` to follow: closes what is open in an object, or begins one.
 *
 * @param hint - A sentence that announces the answer; without it, models that are in the middle of a sentence go on with it in the next field.
 */
export function jsonOpening(text: string, key: string, hint: string): string {
  const start = startOfOpenObject(text);
  if (start < 0) return `\n\n${hint}\n\n{"${key}":`;
  const { open, isString } = standingOf(text.slice(start));
  const before = text.slice(start).trimEnd();
  // A key without its value, or a colon after one, needs one.
  const isKey = isString && open.at(-1) === '{' && /[{,]\s*"[^"]*$/.test(before);
  const value = !isString && before.endsWith(':') ? ' null' : isKey ? '": null' : isString ? ` ... ${hint}"` : '';
  const inner = open
    .slice(1)
    .reverse()
    .map((bracket) => (bracket === '{' ? '}' : ']'))
    .join('');
  const isFirst = value === '' && inner === '' && before.endsWith('{');
  const comma = isFirst || (value === '' && inner === '' && before.endsWith(',')) ? '' : ',';
  return `${value}${inner}${comma} "${key}":`;
}

/** Whether the object that the value stands in is closed. @param value - What follows the colon. */
export function isJsonClosed(value: string): boolean {
  const { open, isString } = standingOf(`{${value}`);
  return open.length === 0 && !isString;
}

/** Where the last object begins that is not closed. */
function startOfOpenObject(text: string): number {
  for (let start = text.lastIndexOf('{'), looks = 0; start >= 0 && looks < 64; start = start === 0 ? -1 : text.lastIndexOf('{', start - 1), looks++) {
    if (!/^\{\s*(?:"|$)/.test(text.slice(start, start + 40))) continue;
    const outer = text.lastIndexOf('{', start - 1);
    if (standingOf(text.slice(start)).open.length === 0) continue;
    return outer >= 0 && /^\{\s*"/.test(text.slice(outer, outer + 40)) && standingOf(text.slice(outer)).open.length > 1 ? outer : start;
  }
  return -1;
}

function standingOf(text: string): Standing {
  const open: ('{' | '[')[] = [];
  let isString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (isString && character === '\\') index++;
    else if (character === '"') isString = !isString;
    else if (isString) continue;
    else if (character === '{' || character === '[') open.push(character);
    else if (character === '}' || character === ']') {
      open.pop();
      if (open.length === 0) return { open, isString };
    }
  }
  return { open, isString };
}
