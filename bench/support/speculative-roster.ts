/** Who takes part in `bench:speculative`, by name. */
import type { SpeculationOptions } from './library-candidate.ts';

/**
 * Whose candidate it is. `draft-length` has those that only the plot over draft lengths needs, `tuned-transformers.js`
 * what `generate` can do with a sampler of our own.
 */
export type Group = 'ours' | 'draft-length' | 'transformers.js' | 'tuned-transformers.js' | 'node-llama-cpp';

export interface Entry {
  readonly name: string;
  readonly group: Group;
  /** Without options: plain decoding. */
  readonly options?: SpeculationOptions & { readonly draftLength: number | 'adaptive' };
}

export const PLAIN = 'plain decoder';
export const ADAPTIVE = 'adaptive';
/** The fixed length that is measured at every number of branches. */
const USUAL_LENGTH = 4;
const OTHER_LENGTHS = [1, 2, 3, 6, 8];
/** Numbers of branches at which the other lengths are measured. */
const LENGTH_BRANCHES: readonly number[] = [1, 8];

/** A draft of exactly this many tokens: none ends early. */
function fixedLength(length: number, group: Group): Entry {
  return { name: `draft model, k = ${length}`, group, options: { drafters: ['draft-model'], draftLength: length, minConfidence: 0 } };
}

/** Our candidates. Lookups choose their lengths as the library does by default. */
export const OURS: readonly Entry[] = [
  { name: PLAIN, group: 'ours' },
  fixedLength(USUAL_LENGTH, 'ours'),
  { name: 'lookup', group: 'ours', options: { drafters: ['lookup'], draftLength: 'adaptive' } },
  { name: 'sibling', group: 'ours', options: { drafters: ['sibling'], draftLength: 'adaptive' } },
  { name: ADAPTIVE, group: 'ours', options: { drafters: ['draft-model'], draftLength: 'adaptive' } },
];

export const LENGTHS: readonly Entry[] = OTHER_LENGTHS.map((length) => fixedLength(length, 'draft-length'));

/** A number of branches and a temperature at which candidates are compared. */
export interface Setting {
  readonly branches: number;
  readonly temperature: 0 | 1;
}

/** Greedy branches of one prompt are all alike, so one is enough. */
export function settingsFor(branchCounts: readonly number[]): Setting[] {
  return [...branchCounts.map((branches): Setting => ({ branches, temperature: 1 })), { branches: 1, temperature: 0 }];
}

export function takesPart({ group }: Pick<Entry, 'group'>, { branches, temperature }: Setting): boolean {
  // Greedy decoding draws nothing, so there is no sampler to tune.
  if (group === 'tuned-transformers.js') return temperature === 1;
  return group !== 'draft-length' || (temperature === 1 && LENGTH_BRANCHES.includes(branches));
}
