import { knownWords, wordsOf } from '../problems/known-words.ts';

/** Of a question's words that the bundled model may not know, as a share. */
const MOST_UNKNOWN = 0.25;
const FEWEST_NUMBERS = 2;
const LARGEST_NUMBER = 999;
const ASKS_FOR_A_NUMBER = /how many|number of/i;

const HINT =
  'The bundled demonstration model knows nothing but arithmetic word problems such as "Ben has 12 coins. He finds 30 coins. How many coins does Ben have now?", ' +
  'so this answer is a guess. Name a model that can know it: --model with a hub id, a directory or a GGUF file, or --base-url with a server.';

/** What to tell of a question that the bundled model was not made for; `undefined` for the others. */
export function bundledHint(question: string): string | undefined {
  const words = wordsOf(question);
  const known = knownWords();
  const unknown = words.filter((word) => !known.has(word)).length;
  const numbers = [...question.matchAll(/\d+|twice|(?:three|four|five) times/gi)].map(([number]) => Number(number) || 0);
  const isStory =
    ASKS_FOR_A_NUMBER.test(question) &&
    numbers.length >= FEWEST_NUMBERS &&
    numbers.every((number) => number <= LARGEST_NUMBER) &&
    unknown <= MOST_UNKNOWN * words.length;
  return isStory ? undefined : HINT;
}
