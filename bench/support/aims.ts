/** What a figure of a headline should reach. */
export interface Aim {
  readonly name: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** One line for each aim whose figure was measured. */
export function aimVerdicts(aims: readonly Aim[], headline: Readonly<Record<string, number>>): string[] {
  return aims.flatMap(({ name, atLeast, atMost }) => {
    const value = headline[name];
    if (value === undefined) return [];
    const isMet = value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity);
    return [`${name} is ${value}; the aim of ${atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`} is ${isMet ? 'met' : 'missed'}`];
  });
}
