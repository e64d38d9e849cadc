/** What answers are compared as: signs expanded, relations solved, lists flat. */
import type { Expression } from '../algebra/expression.ts';
import type { Unit } from '../reading/units.ts';
import type { Interval } from './intervals.ts';

export type Form =
  | { readonly kind: 'value'; readonly value: Expression; readonly unit: Unit | undefined }
  | Labelled
  /** `left = right`, as left − right. */
  | { readonly kind: 'equation'; readonly difference: Expression }
  | Inequality
  | { readonly kind: 'intervals'; readonly variable: string | undefined; readonly parts: readonly Interval[]; readonly source?: Inequality }
  /** Several answers in any order. */
  | { readonly kind: 'list'; readonly items: readonly Form[] }
  | { readonly kind: 'set'; readonly items: readonly Form[] }
  | { readonly kind: 'tuple'; readonly open: string; readonly close: string; readonly items: readonly Form[] }
  | { readonly kind: 'matrix'; readonly rows: readonly (readonly Expression[])[]; readonly isDeterminant: boolean }
  | { readonly kind: 'ratio'; readonly parts: readonly Expression[]; readonly isClock: boolean }
  | { readonly kind: 'based'; readonly digits: string; readonly base: number }
  | { readonly kind: 'congruence'; readonly value: Expression; readonly modulus: Expression }
  | { readonly kind: 'time'; readonly minutes: number }
  | { readonly kind: 'choice'; readonly letter: string; readonly content: Form | undefined }
  | { readonly kind: 'phrase'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string };

/** An inequality, as difference > 0 or ≥ 0. */
export interface Inequality {
  readonly kind: 'inequality';
  readonly difference: Expression;
  readonly isStrict: boolean;
}

/** `x = 5`, `f(x) = 2x`, `Area = 5`. */
export interface Labelled {
  readonly kind: 'labelled';
  readonly label: string;
  /** What the value is called, where that is no label: it counts beside others. */
  readonly description: string;
  /** Whether the label is a variable or a function's value rather than a description; two such labels have to be the same. */
  readonly isDefinite: boolean;
  readonly value: Form;
  /** Label − value, where both are numbers. */
  readonly difference: Expression | undefined;
}

export const valueForm = (value: Expression): Form => ({ kind: 'value', value, unit: undefined });

/** A list without lists in it; of one item, that item. */
export function listOf(items: readonly Form[]): Form {
  const flat = items.flatMap((item) => (item.kind === 'list' ? item.items : [item]));
  return flat.length === 1 ? flat[0]! : { kind: 'list', items: flat };
}
