import { CONTAINERS, ITEMS, PEOPLE, PLACES, RECEIVERS, TIMES_WORDS } from './lexicon.ts';
import { TEMPLATES } from './templates.ts';

/** All words that problems use, in lower case. The bundled models were trained on no others. */
export function knownWords(): ReadonlySet<string> {
  const slots = /\{\w+\}/g;
  const sentences = Object.values(TEMPLATES).flatMap((sentences) => sentences.map((sentence) => sentence.replace(slots, ' ')));
  const names = PEOPLE.flatMap(({ name, subject }) => [name, subject]);
  return new Set(wordsOf([...sentences, ...names, ...ITEMS, ...CONTAINERS, ...RECEIVERS, ...PLACES, ...Object.values(TIMES_WORDS)].join(' ')));
}

/** The words of a text, in lower case. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+/gu) ?? [];
}
