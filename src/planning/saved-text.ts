/** Texts of saved files, as editors and other systems leave them. */

/** The lines of a text, whatever ends them, without a byte-order mark. */
export function linesOf(text: string): string[] {
  return withoutMark(text).split(/\r\n|\r|\n/);
}

/** @throws {SyntaxError} */
export function parseJson(text: string): unknown {
  return JSON.parse(withoutMark(text));
}

function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
