/** When sequences share a pass, and when each has its own. */
import { describe, expect, test } from 'vitest';
import { CellCache, type CellSequence } from '../../src/models/cell-cache.ts';

const PASS_SCORES = 1_000;
const SHAPE = { parts: 2, width: 1 };

/** Appends tokens as a forward does. Each cell holds `value`. @returns rows of each pass, by their place in `sequences`. */
function forward(cache: CellCache, sequences: readonly CellSequence[], count = 1, value = 0): number[][] {
  const passes = cache.passesOf(sequences.map((sequence) => ({ sequence, tokens: new Array<number>(count).fill(0) })));
  for (const pass of passes) for (const { sequence } of pass) sequence.append(sequence.arena.store(new Float32Array(count * SHAPE.parts).fill(value), count));
  return passes.map((pass) => pass.map(({ sequence }) => sequences.indexOf(sequence)));
}

/** A prompt of so many tokens, and branches of it. */
function branchesOf(cache: CellCache, promptTokens: number, branches: number): CellSequence[] {
  const prompt = cache.open();
  forward(cache, [prompt], promptTokens);
  return Array.from({ length: branches }, () => prompt.fork() as CellSequence);
}

const cellsOf = (sequences: readonly CellSequence[]): number => new Set(sequences.flatMap(({ cells }) => [...cells])).size;

describe('passes', () => {
  test('branches of one prompt share a pass, and the prompt is held once', () => {
    const cache = new CellCache(SHAPE, PASS_SCORES);
    const branches = branchesOf(cache, 50, 4);
    expect(forward(cache, branches)).toEqual([[0, 1, 2, 3]]);
    expect(cellsOf(branches)).toBe(54);
  });

  test('branches are spread over passes as they grow, neighbours together', () => {
    const cache = new CellCache(SHAPE, PASS_SCORES);
    const branches = branchesOf(cache, 20, 8);
    const passes: number[] = [];
    for (let step = 0; step < 300; step++) passes.push(forward(cache, branches).length);
    expect(passes[0]).toBe(1);
    expect(passes).toEqual([...passes].sort((left, right) => left - right));
    expect(passes.at(-1)).toBeGreaterThan(2);
    expect(forward(cache, branches).flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('prompts that are read meanwhile keep out of the arena of others', () => {
    const cache = new CellCache(SHAPE, PASS_SCORES);
    const branches = branchesOf(cache, 60, 4);
    for (let step = 0; step < 10; step++) forward(cache, branches);
    const prompt = cache.open();
    const passes = cache.passesOf([...branches.map((sequence) => ({ sequence, tokens: [1] })), { sequence: prompt, tokens: new Array<number>(40).fill(1) }]);
    expect(passes.map((pass) => pass.length).sort()).toEqual([1, 4]);
  });

  test('short texts of several prompts share a pass', () => {
    const cache = new CellCache(SHAPE, PASS_SCORES);
    const all = [...branchesOf(cache, 30, 2), ...branchesOf(cache, 30, 2)];
    expect(forward(cache, all)).toEqual([[0, 1, 2, 3]]);
  });

  test('what is kept but not used costs nothing', () => {
    const cache = new CellCache(SHAPE, PASS_SCORES);
    const [idle, ...busy] = [cache.open(), ...branchesOf(cache, 10, 3)] as [CellSequence, ...CellSequence[]];
    forward(cache, [idle], 2_000);
    for (let step = 0; step < 20; step++) forward(cache, busy);
    expect(busy[0]!.arena.capacity).toBeLessThan(300);
  });

  test('cells that became free are given up, wherever they lie', () => {
    const cache = new CellCache(SHAPE, 1e9);
    const branches = branchesOf(cache, 10, 8);
    for (let step = 0; step < 300; step++) forward(cache, branches);
    const [last] = branches.splice(5, 1) as [CellSequence];
    for (const branch of branches) branch.dispose();
    forward(cache, [last]);
    expect(last.arena.capacity).toBeLessThan(700);
  });
});

test('contents survive every move, in order', () => {
  const cache = new CellCache(SHAPE, 50);
  const branches = branchesOf(cache, 5, 6);
  for (let step = 1; step <= 60; step++) {
    for (const [row, sequence] of branches.entries()) if ((step + row) % 3 > 0) forward(cache, [sequence], 1, 100 * step + row);
    if (step % 7 === 0) forward(cache, branches, 1, 100 * step + 99);
  }
  for (const [row, sequence] of branches.entries()) {
    const expected: number[] = new Array<number>(5).fill(0);
    for (let step = 1; step <= 60; step++) {
      if ((step + row) % 3 > 0) expected.push(100 * step + row);
      if (step % 7 === 0) expected.push(100 * step + 99);
    }
    for (let part = 0; part < SHAPE.parts; part++) {
      const values = sequence.arena.part(part);
      expect(sequence.cells.map((cell) => values[cell])).toEqual(expected);
    }
  }
});
