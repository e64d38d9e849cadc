import { EventEmitter } from 'eventemitter3';
import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/contracts/engine.ts';
import type { RunEventMap, RunEventTarget } from '../../src/contracts/event.ts';
import { RunEvents } from '../../src/runtime/run-events.ts';
import { RunScope } from '../../src/runtime/run-scope.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

/** A run's scope opens nothing. */
const engine = { open: () => Promise.reject(new Error('not touched')) } as unknown as Engine;

function openScope(events: RunEventTarget, clock = new ManualClock(7)): RunScope {
  return new RunScope({ engine, prompt: 'how many?', events, clock });
}

const VOTE = { answer: '42', votes: 1, of: 2 } as const;

describe('RunScope.emit', () => {
  test('delivers to every listener in order, whichever of them throw, and keeps what each threw', () => {
    const events = new RunEvents();
    const calls: string[] = [];
    for (const name of ['first', 'second', 'third', 'fourth']) {
      events.on('vote-change', () => {
        calls.push(name);
        if (name !== 'third') throw new Error(name);
      });
    }
    const scope = openScope(events);
    scope.emit('vote-change', VOTE);
    expect(calls).toEqual(['first', 'second', 'third', 'fourth']);
    expect(scope.listenerErrors).toEqual([new Error('first'), new Error('second'), new Error('fourth')]);
  });

  test('keeps anything that is thrown, also nothing', () => {
    const events = new RunEvents();
    const thrown = ['text', undefined, null];
    for (const value of thrown) {
      events.on('vote-change', () => {
        throw value;
      });
    }
    const scope = openScope(events);
    scope.emit('vote-change', VOTE);
    expect(scope.listenerErrors).toEqual(thrown);
  });

  test('calls a listener of `once` once, also one that throws or is registered twice', () => {
    const events = new RunEvents();
    const calls: string[] = [];
    const twice = (): void => void calls.push('twice');
    events.on('vote-change', twice);
    events.once('vote-change', twice);
    events.once('vote-change', () => {
      calls.push('once');
      throw new Error('once');
    });
    const scope = openScope(events);
    scope.emit('vote-change', VOTE);
    scope.emit('vote-change', VOTE);
    expect(calls).toEqual(['twice', 'twice', 'once', 'twice']);
    expect(scope.listenerErrors).toHaveLength(1);
  });

  test.each([new RunEvents(), new EventEmitter<RunEventMap>()])(
    'calls a listener with its context, by default the emitter, and one event for all',
    (events) => {
      const seen: { readonly self: unknown; readonly event: unknown }[] = [];
      function listener(this: unknown, event: unknown): void {
        seen.push({ self: this, event });
      }
      const context = { name: 'context' };
      events.on('vote-change', listener);
      events.on('vote-change', listener, context);
      const clock = new ManualClock(7);
      const scope = openScope(events, clock);
      clock.advance(5);
      scope.emit('vote-change', VOTE);
      expect(seen.map(({ self }) => self === events || self)).toEqual([true, context]);
      expect(seen[0]!.event).toEqual({ ...VOTE, atMs: 5 });
      expect(seen[1]!.event).toBe(seen[0]!.event);
    },
  );

  test('delivers to those that listen when the event begins, however they change it', () => {
    const events = new RunEvents();
    const calls: string[] = [];
    const late = (): void => void calls.push('late');
    const removed = (): void => void calls.push('removed');
    events.on('vote-change', () => {
      calls.push('first');
      events.removeListener('vote-change', removed);
      events.on('vote-change', late);
    });
    events.on('vote-change', removed);
    const scope = openScope(events);
    scope.emit('vote-change', VOTE);
    expect(calls).toEqual(['first', 'removed']);
    scope.emit('vote-change', VOTE);
    expect(calls).toEqual(['first', 'removed', 'first', 'late']);
  });

  test('does nothing for nobody', () => {
    const scope = openScope(new RunEvents());
    scope.emit('vote-change', VOTE);
    expect(scope.listenerErrors).toEqual([]);
    new RunScope({ engine, prompt: 'how many?' }).emit('vote-change', VOTE);
  });
});
