import type { Form } from './form.ts';
import { type Interval, pointOf, REALS } from './intervals.ts';

/** The intervals that a form can be read as. */
export function intervalsIn(form: Form): readonly Interval[] | undefined {
  switch (form.kind) {
    case 'intervals':
      return form.parts;
    case 'labelled':
      return intervalsIn(form.value);
    case 'phrase':
      return form.name === 'reals' ? REALS : form.name === 'empty' ? [] : undefined;
    case 'tuple': {
      const [low, high] = form.items;
      if (form.items.length !== 2 || low?.kind !== 'value' || high?.kind !== 'value' || !/[([]/.test(form.open)) return undefined;
      return [{ low: { value: low.value, isClosed: form.open === '[' }, high: { value: high.value, isClosed: form.close === ']' } }];
    }
    case 'set':
      return form.items.every((item) => item.kind === 'value')
        ? form.items.map((item) => (item.kind === 'value' ? pointOf(item.value) : REALS[0]!))
        : undefined;
    case 'list': {
      const parts = form.items.map(intervalsIn);
      return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
    }
    default:
      return undefined;
  }
}
