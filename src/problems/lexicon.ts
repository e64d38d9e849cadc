/**
 * The words problems are told with. The bundled tokenizer's vocabulary is derived from this file:
 * adding a word means training the bundled models again.
 *
 * @module
 */

/** A person of a story, with the pronouns the sentences use. */
export interface Person {
  readonly name: string;
  readonly subject: 'she' | 'he' | 'they';
}

const SHE = 'Ava Mia Emma Zoe Lily Nora Ruby Ella Lucy Anna Maya Sara Iris Jane Rosa Alice Clara Julia Nina Tara Leila Priya Mei Amara Sofia'.split(' ');
const HE = 'Ben Tom Leo Max Sam Jack Noah Liam Omar Ivan Paul Hugo Carl Eric Finn Bob Peter Adam Luis Kofi Ravi Kenji Diego Marco Anton'.split(' ');

export const PEOPLE: readonly Person[] = [...SHE.map((name): Person => ({ name, subject: 'she' })), ...HE.map((name): Person => ({ name, subject: 'he' }))];

/** Things that are counted, in the plural. */
export const ITEMS: readonly string[] =
  'apples pears oranges lemons peaches plums eggs cookies muffins cakes marbles stamps coins stickers cards books pencils pens crayons beads buttons shells stones balloons flowers roses tulips seeds bricks candles tickets photos ribbons toys kites cups plates bottles jars socks'.split(
    ' ',
  );

/** Things that hold items, in the plural. */
export const CONTAINERS: readonly string[] = 'boxes bags baskets packs crates trays cases bins'.split(' ');

/** People who receive items, in the plural. */
export const RECEIVERS: readonly string[] = 'friends cousins neighbors classmates children teammates students guests'.split(' ');

export const PLACES: readonly string[] = 'shop market school park library station farm beach'.split(' ');

/** Factors that have a word of their own. */
export const TIMES_WORDS: Readonly<Record<number, string>> = { 2: 'twice', 3: 'three times', 4: 'four times', 5: 'five times' };
