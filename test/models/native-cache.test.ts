import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NativeCache, SHUT } from '../../src/models/native-cache.ts';

const LAYERS = 2;
const HEAD_WIDTH = 3;
const ENTRY = 2 * LAYERS * HEAD_WIDTH;

class Owner {
  slot = -1;
  /** What was stored at each position, by the number of the token. */
  tokens: number[] = [];

  get length(): number {
    return this.tokens.length;
  }
}

/** A cache beside a plain record of what it should hold. */
class Ledger {
  readonly cache = new NativeCache<Owner>({ layers: LAYERS, headWidth: HEAD_WIDTH });
  owners: Owner[] = [];
  #stored = 0;

  open(): Owner {
    const owner = new Owner();
    this.cache.take(owner);
    this.owners.push(owner);
    return owner;
  }

  fork(from: Owner): Owner {
    const owner = this.open();
    this.cache.copy(from, owner);
    owner.tokens = [...from.tokens];
    return owner;
  }

  append(owner: Owner, count: number): void {
    const first = this.#stored;
    this.#stored += count;
    this.cache.reserve(owner.tokens.length + count);
    this.cache.store(
      owner,
      owner.tokens.length,
      count,
      Float32Array.from({ length: count * ENTRY }, (_, index) => first * ENTRY + index),
      0,
    );
    for (let token = 0; token < count; token++) owner.tokens.push(first + token);
  }

  truncate(owner: Owner, length: number): void {
    this.cache.shut(owner, length, owner.tokens.length);
    owner.tokens.length = length;
  }

  close(owner: Owner): void {
    this.cache.release(owner);
    this.owners = this.owners.filter((other) => other !== owner);
  }

  /** What the inputs of a forward over these owners hold must be what was stored for them. */
  check(owners: readonly Owner[]): void {
    this.cache.gather(owners);
    expect(owners.map(({ slot }) => slot).sort((left, right) => left - right)).toEqual([...owners.keys()]);
    const longest = Math.max(0, ...owners.map(({ tokens }) => tokens.length));
    const { past, stepBias, inputs } = this.cache.feeds(owners.length, longest);
    if (owners.length === 1) expect(past).toBeLessThan(Math.max(1, longest) + 32);
    else expect(past).toBe(this.cache.capacity);
    expect(Object.values(inputs).map(({ dims }) => dims)).toEqual(
      Array.from({ length: LAYERS }, () => [
        [owners.length, past, HEAD_WIDTH],
        [owners.length, past, HEAD_WIDTH],
      ]).flat(),
    );
    expect(stepBias.dims).toEqual([owners.length, 1, past + 1]);
    for (const { slot, tokens } of owners) {
      const bias = Array.from({ length: past + 1 }, (_, position) => (position < tokens.length || position === past ? 0 : Math.fround(SHUT)));
      expect([...(stepBias.data as Float32Array)].slice(slot * (past + 1), (slot + 1) * (past + 1))).toEqual(bias);
      for (let layer = 0; layer < LAYERS; layer++) {
        const [keys, values] = ['key', 'value'].map((part) => inputs[`past_${part}.${layer}`]!.data as Float32Array) as [Float32Array, Float32Array];
        for (let unit = 0; unit < HEAD_WIDTH; unit++) {
          const held = tokens.map((_, position) => {
            const place = (slot * past + position) * HEAD_WIDTH + unit;
            return [keys[place], values[place]];
          });
          const key = layer * HEAD_WIDTH + unit;
          expect(held).toEqual(tokens.map((token) => [token * ENTRY + key, token * ENTRY + LAYERS * HEAD_WIDTH + key]));
        }
      }
    }
  }
}

const anyStep = fc.record({
  act: fc.constantFrom('open', 'fork', 'append', 'truncate', 'close', 'close', 'check'),
  who: fc.nat(),
  amount: fc.integer({ min: 1, max: 90 }),
});

test('NativeCache holds what was stored through any program of opening, copying, storing, shutting, releasing and gathering', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 5, maxLength: 40 }), (program) => {
      const ledger = new Ledger();
      for (const { act, who, amount } of program) {
        const owner = ledger.owners[who % Math.max(1, ledger.owners.length)];
        if (!owner || act === 'open') ledger.append(ledger.open(), amount);
        else if (act === 'fork') ledger.fork(owner);
        else if (act === 'append') ledger.append(owner, amount);
        else if (act === 'truncate') ledger.truncate(owner, Math.max(0, owner.tokens.length - amount));
        else if (act === 'close') ledger.close(owner);
        else ledger.check(ledger.owners.filter((_, index) => index % 3 !== who % 3));
      }
      ledger.check(ledger.owners);
    }),
    { numRuns: 150 },
  );
});

test('NativeCache finds the branches of a prompt in the first slots: their first forward moves nothing', () => {
  const ledger = new Ledger();
  const prompt = ledger.open();
  ledger.append(prompt, 5);
  const branches = [ledger.fork(prompt), ledger.fork(prompt), ledger.fork(prompt)];
  expect(branches.map(({ slot }) => slot).sort()).toEqual([0, 1, 2]);
});

test('NativeCache is as small as at first, but for the memory, once nothing is held', () => {
  const ledger = new Ledger();
  const first = ledger.open();
  const smallest = ledger.cache.capacity;
  ledger.append(first, 10 * smallest);
  const held = ledger.cache.byteLength;
  ledger.close(first);
  ledger.append(ledger.open(), 1);
  expect(ledger.cache.capacity).toBe(smallest);
  expect(ledger.cache.byteLength).toBe(held);
  ledger.check(ledger.owners);
});
