import type { SavedTokens } from '../contracts/token-model.ts';
import { CacheLock } from './cache-lock.ts';
import { CacheSequence } from './cache-sequence.ts';
import { CellArena, type CellShape } from './cell-arena.ts';

/** What a row of a forward adds to a sequence. */
interface FreshRow {
  readonly sequence: CellSequence;
  readonly tokens: readonly number[];
}

/** New tokens of each sequence in a forward. */
type Fresh = ReadonlyMap<CellSequence, number>;

/** Room that moved cells get, so that the next token does not move them again. */
const ROOM = 1.25;

/**
 * The keys and values of all sequences of a model, in one arena or several.
 *
 * A pass computes the scores of its new tokens for all cells of an arena, those of other branches included. With few cells that costs
 * less than another pass; with long branches it costs more, and they are spread over arenas, each with a pass of its own.
 */
export class CellCache {
  readonly lock = new CacheLock();
  readonly #shape: CellShape;
  readonly #passScores: number;
  /** By arena, in the order in which sequences came. */
  readonly #sequences = new Map<CellArena, Set<CellSequence>>();

  /** @param passScores - How many scores take as long as what else a pass does, whatever its tokens. */
  constructor(shape: CellShape, passScores: number) {
    this.#shape = shape;
    this.#passScores = passScores;
  }

  /** A sequence without tokens, in an arena of its own until it shares a pass with others. */
  open(): CellSequence {
    const empty = [...this.#sequences].find(([, sequences]) => sequences.size === 0);
    return new CellSequence(this, empty?.[0] ?? new CellArena(this.#shape));
  }

  /** Called by a sequence that is new in its arena. */
  enter(sequence: CellSequence): void {
    const sequences = this.#sequences.get(sequence.arena);
    if (sequences) sequences.add(sequence);
    else this.#sequences.set(sequence.arena, new Set([sequence]));
  }

  /** Called by a sequence that ends, or leaves its arena. */
  leave(sequence: CellSequence): void {
    const sequences = this.#sequences.get(sequence.arena)!;
    sequences.delete(sequence);
    // The last arena is kept for what comes next, since memory once had is faster than fresh pages; others are freed.
    if (sequences.size === 0 && this.#sequences.size > 1) this.#sequences.delete(sequence.arena);
  }

  /** Groups the rows of a forward by the pass that takes them, and makes room for their tokens. Moves cells where that saves time. */
  passesOf<Row extends FreshRow>(rows: readonly Row[]): Row[][] {
    const fresh = new Map(rows.map(({ sequence, tokens }) => [sequence, tokens.length]));
    this.#merge(fresh);
    for (const arena of arenasOf(rows)) this.#tidy(arena, fresh);
    return arenasOf(rows).map((arena) => rows.filter(({ sequence }) => sequence.arena === arena));
  }

  /** Puts arenas together, the smallest first, while a pass less saves more than the scores that are added. */
  #merge(fresh: Fresh): void {
    const counts = new Map<CellArena, number>();
    for (const [{ arena }, count] of fresh) counts.set(arena, (counts.get(arena) ?? 0) + count);
    const arenas = [...counts].sort(([left], [right]) => left.live - right.live);
    for (let index = 0; index + 1 < arenas.length; index++) {
      const [[small, few], [large, many]] = [arenas[index]!, arenas[index + 1]!];
      const apart = this.#costOf(few, small.live) + this.#costOf(many, large.live);
      if (!this.#isWorthMoving(apart - this.#costOf(few + many, small.live + large.live))) return;
      this.#move([...this.#sequences.get(small)!], large);
      arenas[index + 1]![1] += few;
    }
  }

  /** Makes room in an arena, and divides it where two passes take less than one. */
  #tidy(arena: CellArena, fresh: Fresh): void {
    const sequences = [...this.#sequences.get(arena)!];
    const count = countOf(sequences, fresh);
    const cut = this.#bestCut(arena, sequences, fresh);
    if (cut === undefined) {
      arena.reserve(count);
      // Free cells between those in use cannot be given up where they are.
      if (2 * (arena.live + count) < arena.capacity) this.#move(sequences, new CellArena(this.#shape), count);
      return;
    }
    for (const half of [sequences.slice(0, cut), sequences.slice(cut)]) {
      const roomier = new CellArena(this.#shape);
      this.#move(half, roomier, countOf(half, fresh));
      this.#tidy(roomier, fresh);
    }
  }

  /** After how many sequences an arena is best divided. Neighbours share the most cells, so their order is kept. */
  #bestCut(arena: CellArena, sequences: readonly CellSequence[], fresh: Fresh): number | undefined {
    const total = countOf(sequences, fresh);
    // Most passes end here: not even all scores would pay for the copies.
    if (sequences.length < 2 || !this.#isWorthMoving(total * (arena.live + total))) return undefined;
    const before = distinctCells(sequences);
    const after = distinctCells([...sequences].reverse()).reverse();
    const whole = this.#costOf(total, before.at(-1)!);
    let best: { readonly cut: number; readonly gain: number } | undefined;
    let left = 0;
    for (let cut = 1; cut < sequences.length; cut++) {
      left += fresh.get(sequences[cut - 1]!) ?? 0;
      const gain = whole - this.#costOf(left, before[cut]!) - this.#costOf(total - left, after[cut]!);
      if (gain > (best?.gain ?? 0)) best = { cut, gain };
    }
    return best && this.#isWorthMoving(best.gain) ? best.cut : undefined;
  }

  /** Of a pass, in scores. Without new tokens there is none. */
  #costOf(count: number, cells: number): number {
    return count === 0 ? 0 : this.#passScores + count * (cells + count);
  }

  /** A move costs a copy, so what it saves in each pass must not be little. */
  #isWorthMoving(gain: number): boolean {
    return gain > this.#passScores / 2;
  }

  /** Moves all of these sequences, which share an arena, each cell once. */
  #move(sequences: readonly CellSequence[], to: CellArena, count = 0): void {
    const { arena } = sequences[0]!;
    const cells = [...new Set(sequences.flatMap((sequence) => sequence.cells))].sort((left, right) => left - right);
    to.reserve(Math.ceil(ROOM * cells.length) + count);
    const placed = to.storeFrom(arena, cells);
    const placeOf = new Map(cells.map((cell, index) => [cell, placed[index]!]));
    for (const sequence of sequences) sequence.move(this, to, (cell) => placeOf.get(cell)!);
    to.release(placed);
    if (this.#sequences.get(arena)?.size === 0) this.#sequences.delete(arena);
  }
}

function arenasOf(rows: readonly FreshRow[]): CellArena[] {
  return [...new Set(rows.map(({ sequence }) => sequence.arena))];
}

function countOf(sequences: readonly CellSequence[], fresh: Fresh): number {
  return sequences.reduce((sum, sequence) => sum + (fresh.get(sequence) ?? 0), 0);
}

/** How many cells the first so many sequences hold, from none to all. */
function distinctCells(sequences: readonly CellSequence[]): number[] {
  const seen = new Set<number>();
  return [
    0,
    ...sequences.map(({ cells }) => {
      for (const cell of cells) seen.add(cell);
      return seen.size;
    }),
  ];
}

class SavedCells implements SavedTokens {
  readonly data: Float32Array;
  readonly tokenCount: number;

  constructor(data: Float32Array, tokenCount: number) {
    this.data = data;
    this.tokenCount = tokenCount;
  }

  get byteLength(): number {
    return this.data.byteLength;
  }
}

/** A sequence of a model whose cache is kept by cells. */
export class CellSequence extends CacheSequence<CellCache> {
  #arena: CellArena;
  #cells: number[];

  constructor(cache: CellCache, arena: CellArena, cells: readonly number[] = []) {
    super(cache);
    this.#arena = arena;
    this.#cells = [...cells];
    arena.hold(cells);
    cache.enter(this);
  }

  /** Where the cells are. */
  get arena(): CellArena {
    return this.#arena;
  }

  /** The cell of each token, in order. */
  get cells(): readonly number[] {
    return this.#cells;
  }

  get length(): number {
    return this.#cells.length;
  }

  /** Takes cells that are held for it. */
  append(cells: readonly number[]): void {
    for (const cell of cells) this.#cells.push(cell);
  }

  /** Goes on in another arena, where its cells have been copied. */
  move(cache: CellCache, arena: CellArena, placeOf: (cell: number) => number): void {
    cache.leave(this);
    this.#arena.release(this.#cells);
    this.#arena = arena;
    this.#cells = this.#cells.map(placeOf);
    arena.hold(this.#cells);
    cache.enter(this);
  }

  save(start: number, end: number): SavedTokens {
    this.requireOpen();
    return new SavedCells(this.#arena.copyOut(this.#cells.slice(start, end)), end - start);
  }

  restore(saved: readonly SavedTokens[]): void {
    this.requireOpen();
    this.#arena.reserve(saved.reduce((sum, { tokenCount }) => sum + tokenCount, 0));
    for (const { data, tokenCount } of saved as readonly SavedCells[]) this.append(this.#arena.store(data, tokenCount));
  }

  protected cut(length: number): void {
    this.#arena.release(this.#cells, length);
    this.#cells.length = length;
  }

  protected copy(cache: CellCache): CellSequence {
    return new CellSequence(cache, this.#arena, this.#cells);
  }

  protected free(cache: CellCache): void {
    this.#arena.release(this.#cells);
    cache.leave(this);
  }
}
