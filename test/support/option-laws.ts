/** What holds for everything that takes options. */
import { describe, expect, test } from 'vitest';
import type * as v from 'valibot';

export interface Subject {
  readonly name: string;
  readonly entries: v.ObjectEntries;
  /** Where its options stand in messages. */
  readonly path?: string;
  make(options: never): unknown;
}

/** @param base - Options that it cannot do without. @param path - Where its options stand in messages. */
export function subject(name: string, entries: v.ObjectEntries, make: (options: never) => unknown, base: object = {}, path = ''): Subject {
  // What is no object is passed as it is.
  return {
    name,
    entries,
    path,
    make: (options) =>
      make((typeof options === 'object' && options !== null && !Array.isArray(options) ? { ...base, ...(options as object) } : options) as never),
  };
}

export function refusal(option: string, message?: RegExp): unknown {
  return expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option, ...(message && { message: expect.stringMatching(message) as string }) });
}

export function describeOptionLaws(subjects: readonly Subject[]): void {
  describe.each(subjects)('$name', ({ entries, path, make }) => {
    const place = path === '' ? '' : `${path}.`;
    const names = Object.keys(entries);

    test.each(names)('%s misspelt is refused, and the right name told', (name) => {
      const misspelt = `${name[0]}${name}`;
      expect(() => make({ [misspelt]: 1 } as never)).toThrow(refusal(`${place}${misspelt}`, new RegExp(`Did you mean \`${name}\``)));
    });

    test.each(names)('%s is refused as null or of a wrong type', (name) => {
      // Of a list, its first member may be to blame.
      const part = new RegExp(`^${`${place}${name}`.replace(/[[\]]/g, '\\$&')}(\\[0\\])?$`);
      for (const wrong of [null, Symbol('wrong'), NaN, [undefined]]) {
        expect(() => make({ [name]: wrong } as never)).toThrow(
          expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option: expect.stringMatching(part) as string }),
        );
      }
    });

    test.each(names.filter((name) => (entries[name] as { readonly type: string }).type === 'optional'))(
      '%s counts as left out when it is undefined',
      (name) => {
        expect(() => make({ [name]: undefined } as never)).not.toThrow();
      },
    );

    test.each([null, 7, 'fast', [], () => 1])('%j is refused as options', (options) => {
      expect(() => make(options as never)).toThrow(refusal(path === '' ? 'options' : path!));
    });
  });
}
