/** Digits, signs and separators of any script, in ASCII. */

/** Digits of other scripts; dashes but the em dash, which is no sign; slashes, separators and spaces. */
const FOREIGN = /(?![0-9])\p{Nd}|[‐-–−﹣－⁄∕／٫．٬，\u00a0\u2002-\u200a\u202f\u205f\u3000]/gu;
const SEPARATORS: Readonly<Record<string, string>> = { '⁄': '/', '∕': '/', '／': '/', '٫': '.', '．': '.', '٬': ',', '，': ',' };

export function plainCharacters(text: string): string {
  return text.replace(FOREIGN, (character) => {
    if (/\p{Nd}/u.test(character)) return digitOf(character);
    if (/\s/.test(character)) return ' ';
    return SEPARATORS[character] ?? '-';
  });
}

/** Digits come in whole rows from 0 to 9. */
function digitOf(character: string): string {
  const code = character.codePointAt(0)!;
  let before = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint(code - before - 1))) before++;
  return String(before % 10);
}
