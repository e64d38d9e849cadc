import type { TraceProblem } from '../../contracts/trace.ts';
import { InvalidOptionError } from '../../errors.ts';

/** An id, a group or an answer; numbers, as files have them, in words. @throws {InvalidOptionError} */
export function optionalName(value: unknown, option: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  throw new InvalidOptionError(option, 'a string or a number', value);
}

/**
 * The problems with ids, groups and references as strings.
 *
 * @throws {InvalidOptionError} for one that is something else, and for two problems with one id.
 */
export function checkedProblems(problems: readonly TraceProblem[]): TraceProblem[] {
  const places = new Map<string, number>();
  return problems.map((problem, place) => {
    const name = (field: 'id' | 'reference' | 'group'): string | undefined => optionalName(problem[field], `problems[${place}].${field}`);
    const [id, reference, group] = [name('id'), name('reference'), name('group')];
    if (id === undefined) throw new InvalidOptionError(`problems[${place}].id`, 'a string or a number', id);
    const other = places.get(id);
    if (other !== undefined)
      throw new InvalidOptionError('problems', 'problems with an `id` of their own each', id, `Numbers ${other} and ${place} have it, from 0.`);
    places.set(id, place);
    return { ...problem, id, ...(reference !== undefined && { reference }), ...(group !== undefined && { group }) };
  });
}
