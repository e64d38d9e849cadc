import type { RandomSource } from '../maths/random.ts';
import { CONTAINERS, ITEMS, PEOPLE, PLACES, RECEIVERS, TIMES_WORDS, type Person } from './lexicon.ts';
import { TEMPLATES, type TemplateName } from './templates.ts';

/** One operation of a worked solution, `left operator right = result`, all natural numbers. */
export interface SolutionStep {
  readonly left: number;
  readonly operator: '+' | '-' | '*' | '/';
  readonly right: number;
  readonly result: number;
}

/** No number of a problem exceeds this. */
const LARGEST = 999;
const FACTOR_WITH_WORD = Object.keys(TIMES_WORDS).map(Number);

interface Move {
  readonly template: TemplateName;
  readonly numbers: Readonly<Record<string, number>>;
  readonly steps: readonly SolutionStep[];
  /** The story goes on with another person. */
  readonly isHandOver?: boolean;
}

/** Picks one element; the caller guarantees that there is one. */
export function pick<T>(random: RandomSource, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!;
}

/** A whole number in `[low, high]`. */
function between(random: RandomSource, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

function divisors(value: number): number[] {
  return [2, 3, 4, 5, 6, 7, 8, 9].filter((divisor) => value % divisor === 0 && value / divisor >= 2);
}

type MoveMaker = (random: RandomSource, value: number) => Move | undefined;

const MOVES: readonly { readonly weight: number; readonly length: 1 | 2; readonly make: MoveMaker }[] = [
  { weight: 4, length: 1, make: gain },
  { weight: 4, length: 1, make: lose },
  { weight: 2, length: 1, make: multiply },
  { weight: 2, length: 1, make: divide },
  { weight: 3, length: 2, make: gainGroups },
  { weight: 3, length: 2, make: loseGroups },
];

function gain(random: RandomSource, value: number): Move | undefined {
  const room = Math.min(LARGEST - value, 150);
  if (room < 2) return undefined;
  const n = between(random, 2, room);
  return { template: 'gain', numbers: { n }, steps: [{ left: value, operator: '+', right: n, result: value + n }] };
}

function lose(random: RandomSource, value: number): Move | undefined {
  if (value < 5) return undefined;
  const n = between(random, 2, value - 2);
  return { template: 'lose', numbers: { n }, steps: [{ left: value, operator: '-', right: n, result: value - n }] };
}

function multiply(random: RandomSource, value: number): Move | undefined {
  const factors = FACTOR_WITH_WORD.filter((factor) => factor * value <= LARGEST);
  if (factors.length === 0) return undefined;
  const times = pick(random, factors);
  const isHandOver = random() < 0.5;
  const template = isHandOver ? 'handOver' : 'multiply';
  return { template, numbers: { times }, steps: [{ left: value, operator: '*', right: times, result: value * times }], isHandOver };
}

function divide(random: RandomSource, value: number): Move | undefined {
  const choices = divisors(value);
  if (choices.length === 0) return undefined;
  const n = pick(random, choices);
  const isHandOver = random() < 0.5;
  const template = isHandOver ? 'divideAmong' : 'divide';
  return { template, numbers: { n }, steps: [{ left: value, operator: '/', right: n, result: value / n }], isHandOver };
}

function gainGroups(random: RandomSource, value: number): Move | undefined {
  const a = between(random, 2, 9);
  const most = Math.min(30, Math.floor((LARGEST - value) / a));
  if (most < 2) return undefined;
  const b = between(random, 2, most);
  const product: SolutionStep = { left: a, operator: '*', right: b, result: a * b };
  return { template: 'gainGroups', numbers: { a, b }, steps: [product, { left: value, operator: '+', right: a * b, result: value + a * b }] };
}

function loseGroups(random: RandomSource, value: number): Move | undefined {
  const a = between(random, 2, 9);
  const most = Math.min(30, Math.floor((value - 2) / a));
  if (most < 2) return undefined;
  const b = between(random, 2, most);
  const product: SolutionStep = { left: a, operator: '*', right: b, result: a * b };
  return { template: 'loseGroups', numbers: { a, b }, steps: [product, { left: value, operator: '-', right: a * b, result: value - a * b }] };
}

function drawMove(random: RandomSource, value: number, room: number): Move {
  for (;;) {
    const fitting = MOVES.filter((move) => move.length <= room);
    let point = random() * fitting.reduce((sum, move) => sum + move.weight, 0);
    const chosen = fitting.find((move) => (point -= move.weight) < 0) ?? fitting[0]!;
    const move = chosen.make(random, value);
    if (move) return move;
  }
}

/** The last sentence, which may hide one more step. */
function drawQuestion(random: RandomSource, value: number, mayAddStep: boolean): Move {
  if (mayAddStep && random() < 0.6) {
    const kind = random();
    const shares = divisors(value);
    if (kind < 0.3 && value >= 5) {
      const n = between(random, 2, value - 2);
      return { template: 'askMore', numbers: { n }, steps: [{ left: value, operator: '-', right: n, result: value - n }] };
    }
    if (kind < 0.55 && value <= LARGEST - 150) {
      const n = between(random, 2, 150);
      return { template: 'askTogether', numbers: { n }, steps: [{ left: value, operator: '+', right: n, result: value + n }] };
    }
    if (kind < 0.8 && value * 9 <= LARGEST) {
      const n = between(random, 2, 9);
      return { template: 'askEarn', numbers: { n }, steps: [{ left: value, operator: '*', right: n, result: value * n }] };
    }
    if (shares.length > 0) {
      const n = pick(random, shares);
      return { template: 'askShare', numbers: { n }, steps: [{ left: value, operator: '/', right: n, result: value / n }] };
    }
  }
  return { template: 'askTotal', numbers: {}, steps: [] };
}

/** A finished story: its sentences and the operations that solve it. */
export interface Story {
  readonly question: string;
  readonly steps: readonly SolutionStep[];
}

/** Tells one story whose solution has exactly `stepCount` operations. */
export function tellStory(random: RandomSource, stepCount: number): Story {
  const items = pick(random, ITEMS);
  const goods = pick(
    random,
    ITEMS.filter((kind) => kind !== items),
  );
  const cast = draw(random, PEOPLE, stepCount + 5);
  const narrator = new Narrator(random, items, goods, cast);

  let value = between(random, 5, 120);
  const steps: SolutionStep[] = [];
  const start = value;
  const sentences = [narrator.tell({ template: 'start', numbers: { n: start }, steps: [] })];
  const lastAdds = random() < 0.5;
  while (steps.length < stepCount) {
    const room = stepCount - steps.length;
    if (room === 1 && lastAdds) break;
    const move = drawMove(random, value, room - (lastAdds && room > 1 ? 1 : 0));
    steps.push(...move.steps);
    value = move.steps.at(-1)!.result;
    sentences.push(narrator.tell(move));
  }
  const question = drawQuestion(random, value, steps.length < stepCount);
  const missing = stepCount - steps.length - question.steps.length;
  if (missing > 0) {
    const move = drawMove(random, value, missing);
    steps.push(...move.steps);
    sentences.push(narrator.tell(move), narrator.tell({ template: 'askTotal', numbers: {}, steps: [] }));
  } else {
    steps.push(...question.steps);
    sentences.push(narrator.tell(question));
  }
  insertDistractors(random, narrator, sentences);
  return { question: sentences.join(' '), steps };
}

function insertDistractors(random: RandomSource, narrator: Narrator, sentences: string[]): void {
  const count = random() < 0.35 ? 0 : random() < 0.7 ? 1 : 2;
  for (let index = 0; index < count; index++) {
    const at = between(random, 1, sentences.length - 1);
    sentences.splice(at, 0, narrator.tellAside({ n: between(random, 2, 60) }));
  }
}

/** `count` different elements in random order. */
function draw<T>(random: RandomSource, values: readonly T[], count: number): T[] {
  const remaining = [...values];
  return Array.from({ length: count }, () => remaining.splice(Math.floor(random() * remaining.length), 1)[0]!);
}

/** Turns moves into sentences and keeps track of whom the story follows. */
class Narrator {
  readonly #random: RandomSource;
  readonly #items: string;
  readonly #goods: string;
  readonly #extras: Person[];
  #hero: Person;

  constructor(random: RandomSource, items: string, goods: string, cast: readonly Person[]) {
    this.#random = random;
    this.#items = items;
    this.#goods = goods;
    this.#extras = [...cast];
    this.#hero = this.#extras.pop()!;
  }

  tell(move: Move): string {
    const other = this.#extras.pop() ?? this.#hero;
    const text = this.#fill(move.template, move.numbers, this.#hero, other);
    if (move.isHandOver) this.#hero = other;
    return text;
  }

  /** A sentence that changes nothing, about someone who appears nowhere else. */
  tellAside(numbers: Readonly<Record<string, number>>): string {
    const other = this.#extras.pop() ?? this.#hero;
    return this.#fill('distractor', numbers, other, other);
  }

  #fill(template: TemplateName, numbers: Readonly<Record<string, number>>, hero: Person, other: Person): string {
    const random = this.#random;
    const friends = pick(random, RECEIVERS);
    const words: Record<string, string> = {
      name: hero.name,
      he: random() < 0.3 ? hero.name : hero.subject,
      other: other.name,
      items: this.#items,
      goods: this.#goods,
      boxes: pick(random, CONTAINERS),
      friends,
      place: pick(random, PLACES),
    };
    const slots = pick<string>(random, TEMPLATES[template]).replace(/\{(\w+)\}/g, (_, slot: string) =>
      slot === 'times' ? TIMES_WORDS[numbers['times']!]! : (words[slot] ?? String(numbers[slot])),
    );
    return slots[0]!.toUpperCase() + slots.slice(1);
  }
}
