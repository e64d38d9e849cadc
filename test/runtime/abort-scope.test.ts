import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { AbortScope } from '../../src/runtime/abort-scope.ts';

const listening = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('a scope', () => {
  test('is open until it is ended, and without a reason ends with an AbortError', () => {
    const scope = new AbortScope();
    expect([scope.isOver, scope.signal.aborted]).toEqual([false, false]);
    scope.end();
    expect([scope.isOver, scope.signal.aborted]).toEqual([true, true]);
    expect(scope.signal.reason).toMatchObject({ name: 'AbortError' });
  });

  test('tells its listeners once, and keeps the first reason', () => {
    const scope = new AbortScope();
    const told: unknown[] = [];
    scope.signal.addEventListener('abort', () => told.push(scope.signal.reason));
    scope.end('first');
    scope.end('second');
    expect([told, scope.signal.reason]).toEqual([['first'], 'first']);
  });

  test.each([0, 1])('ends with the reason of signal %i of those it follows', (which) => {
    const controllers = [new AbortController(), new AbortController()];
    const scope = new AbortScope(...controllers.map(({ signal }) => signal));
    controllers[which]!.abort('gone');
    expect([scope.isOver, scope.signal.reason]).toEqual([true, 'gone']);
    expect(controllers.map(({ signal }) => listening(signal))).toEqual([0, 0]);
  });

  test('follows whatever is given, and nothing', () => {
    const { signal } = new AbortController();
    const scope = new AbortScope(undefined, signal, undefined);
    expect([scope.isOver, listening(signal)]).toEqual([false, 1]);
    scope.end();
    expect(listening(signal)).toBe(0);
  });

  test('of a signal that is aborted already is over, and listens to no other', () => {
    const { signal } = new AbortController();
    const scope = new AbortScope(AbortSignal.abort('late'), signal);
    expect([scope.isOver, scope.signal.reason, listening(signal)]).toEqual([true, 'late', 0]);
  });

  test('leaves no listener on a signal that lives longer, however many there were', () => {
    const { signal } = new AbortController();
    for (let run = 0; run < 100; run++) {
      const outer = new AbortScope(signal);
      const inner = new AbortScope(outer.signal);
      inner.end();
      outer.end();
    }
    expect(listening(signal)).toBe(0);
  });

  test('does not end the signals it follows', () => {
    const outer = new AbortScope();
    new AbortScope(outer.signal).end('inner');
    expect(outer.isOver).toBe(false);
  });

  test('that another one ends in the middle of an abort has the reason that came first', () => {
    const { signal, abort } = (() => {
      const controller = new AbortController();
      return { signal: controller.signal, abort: (reason: unknown) => controller.abort(reason) };
    })();
    const first = new AbortScope(signal);
    const second = new AbortScope(signal);
    first.signal.addEventListener('abort', () => second.end('by the first'));
    abort('gone');
    expect([first.signal.reason, second.signal.reason]).toEqual(['gone', 'by the first']);
    expect(listening(signal)).toBe(0);
  });
});
