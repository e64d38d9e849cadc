/** What is alive in this process after everything that can be collected has been. */
import * as v8 from 'node:v8';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';

// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- any class, whatever its constructor takes
export type AnyClass = Function;
export type Counts = Readonly<Record<string, number>>;

/** Not yet in the types of Node 20; there since 20.13. */
const { queryObjects } = v8 as unknown as { readonly queryObjects?: (constructor: AnyClass, options: { readonly format: 'count' }) => number };
export const canCount = queryObjects !== undefined;

/** Objects that only a finalizer frees go in the collection after the one that finds them. */
const ROUNDS = 3;

v8.setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects until finalizers have run. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    collect();
    // Finalizers run in a later turn.
    await nextTurn();
    await nextTurn();
  }
}

/** Live objects of each class, by its name. */
export async function countLive(classes: readonly AnyClass[]): Promise<Counts> {
  if (!queryObjects) throw new Error('Counting objects needs Node 20.13 or later.');
  await collectGarbage();
  return Object.fromEntries(classes.map((one) => [one.name, queryObjects(one, { format: 'count' })]));
}

/** Bytes of JavaScript's heap and of buffers outside of it. */
export async function liveBytes(): Promise<number> {
  await collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
