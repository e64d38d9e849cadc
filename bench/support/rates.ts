import type { DecodeRun } from './candidate.ts';

export function total<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}

/** Tokens a second of each round: all tokens of its runs over all their time. */
export function ratesOf(rounds: readonly (readonly DecodeRun[])[], of: (run: DecodeRun) => readonly [tokens: number, milliseconds: number]): number[] {
  return rounds.map((runs) => (1000 * total(runs, (run) => of(run)[0])) / total(runs, (run) => of(run)[1]));
}

/** Useful tokens a second of each round, from the question to the texts. */
export function usefulRates(rounds: readonly (readonly DecodeRun[])[]): number[] {
  return ratesOf(rounds, ({ usefulTokens, totalMs }) => [usefulTokens, totalMs]);
}

/** The same after the prompt was read, less each branch's first token, which the prompt's pass gives. */
export function decodeRates(rounds: readonly (readonly DecodeRun[])[], branches: number): number[] {
  return ratesOf(rounds, ({ usefulTokens, decodeMs }) => [usefulTokens - branches, decodeMs]);
}
