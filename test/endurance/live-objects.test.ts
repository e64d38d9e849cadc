/** What a request has made is free once it is over. Objects are counted, class by class, so no figure of memory has to be judged. */
import { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { scriptedWorkloads } from '../../bench/support/soak/engine-workloads.ts';
import { canCount, countLive, type AnyClass } from '../../bench/support/soak/live-objects.ts';
import { serveWorkloads } from '../../bench/support/soak/serve-workloads.ts';
import { LocalSession } from '../../src/engines/local/local-session.ts';
import { RemoteSession } from '../../src/engines/remote/remote-session.ts';
import { RunScope } from '../../src/runtime/run-scope.ts';
import { RequestLife } from '../../src/serve/request-life.ts';

/** Signals are event targets, and whatever is held is mostly held by one. Every count is a collection, so there are few. */
const SERVED: readonly AnyClass[] = [EventTarget, RequestLife, IncomingMessage];
const RUN: readonly AnyClass[] = [EventTarget, RunScope, LocalSession, RemoteSession];

const cases = [
  ...serveWorkloads.map((workload) => ({ ...workload, classes: SERVED })),
  ...scriptedWorkloads.map((workload) => ({ ...workload, classes: RUN })),
];
const WARM_UP = 16;
const REQUESTS = 24;
/** Caches, and connections that are kept, hold a few; a leak holds at least one a request. */
const SPARE = 6;
/** At once, as clients of a server are. */
const CLIENTS = 4;

describe.skipIf(!canCount)('after many requests no more objects live than after a few', () => {
  test('the count sees what is held, and no more', async () => {
    class Held {}
    const held = Array.from({ length: 100 }, () => new Held());
    expect(await countLive([Held])).toEqual({ Held: 100 });
    held.length = 3;
    expect(await countLive([Held])).toEqual({ Held: 3 });
  });

  test.each(cases)('$name', async ({ name, start, classes }) => {
    const { request, close } = await start();
    // Those that leave wait until the server has noticed.
    const clients = name.startsWith('serve, client gone') ? 1 : CLIENTS;
    let next = 0;
    const run = async (count: number): Promise<void> => {
      const end = next + count;
      const client = async (): Promise<void> => {
        while (next < end) await request(next++);
      };
      await Promise.all(Array.from({ length: clients }, client));
    };
    await run(WARM_UP);
    const before = await countLive(classes);
    await run(REQUESTS);
    const after = await countLive(classes);
    await close();
    expect(Object.entries(after).filter(([kind, count]) => count > before[kind]! + SPARE)).toEqual([]);
  });
});
