/**
 * What token models share whose passes give new cache tensors for all of their rows.
 *
 * Nothing is ever cut out of such a block: a sequence is a list of columns of one row, so rolling back and forking only copy that
 * list. While the same rows go on together the block is fed back as it is; when rows change, columns are gathered anew.
 *
 * @module
 */
import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { DisposedError, ModelError } from '../errors.ts';
import type { Sampling } from '../maths/sampling.ts';
import { CacheBlock, Place, type CacheMemory } from './cache-memory.ts';
import type { DecoderGraph } from './decoder-graph.ts';
import { asDeviceError, releaseFromDevice } from './device-errors.ts';
import { joined, keptColumns, paddedTokens, requireForwardRow, requireRollback, widthOf } from './forward-rows.ts';

/** A row of a pass: tokens, and where the cache lies that they come behind. */
export interface PlacedRow extends Omit<ForwardRow, 'sequence'> {
  readonly sequence: Place;
}

/** What a pass gives, before any sequence takes it. */
export interface BlockPass {
  readonly logits: Logits;
  /** Of each row; all in one block. */
  readonly places: readonly Place[];
  /** The block, held once: by whoever asked for the pass. */
  readonly block: CacheBlock;
}

export interface Passes {
  /** Whether each row is passed by itself. */
  readonly isRowByRow: boolean;
  readonly pass: (rows: readonly PlacedRow[]) => Promise<BlockPass>;
}

export type BlockRow = ForwardRow & { readonly sequence: BlockSequence };

export abstract class BlockTokenModel implements TokenModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling: Sampling;
  protected readonly memory: CacheMemory;
  readonly #graph: DecoderGraph;
  readonly #empty: CacheBlock;
  readonly #open = new Set<BlockSequence>();
  #isForwarding = false;
  #isDisposed = false;

  /** @param graph - With caches `[batch, kvHeads, positions, headWidth]`. */
  constructor(graph: DecoderGraph, memory: CacheMemory) {
    this.#graph = graph;
    this.memory = memory;
    this.#empty = memory.empty();
    this.vocabularySize = graph.vocabularySize;
    this.contextTokens = graph.facts.contextTokens;
    this.endTokens = graph.facts.endTokens;
    this.sampling = graph.facts.sampling;
  }

  openSequence(): TokenSequence {
    this.#requireOpen();
    return new BlockSequence(this, new Place(this.#empty, 0, []), this.#open);
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    this.#requireOpen();
    for (const row of rows) requireForwardRow(row, row.sequence instanceof BlockSequence && row.sequence.isOpenIn(this), this.contextTokens);
    this.#isForwarding = true;
    try {
      return await this.forwardRows(rows as readonly BlockRow[]);
    } catch (error) {
      throw asDeviceError(error, `${this.#graph.facts.source} failed on ${rows.length} rows of ${widthOf(rows)} tokens`);
    } finally {
      this.#isForwarding = false;
    }
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    for (const sequence of this.#open) sequence.dispose();
    this.#isDisposed = true;
    await releaseFromDevice(this.#graph, this.memory);
  }

  /** @internal For sequences: the model must not be reading their caches. */
  requireIdle(): void {
    if (this.#isForwarding) throw new ModelError('The caches were changed while a forward is under way. Await the forward first.');
  }

  /** Passes the rows, which have been checked. When it rejects, no sequence has moved. */
  protected abstract forwardRows(rows: readonly BlockRow[]): Promise<Logits>;

  /** Whether the rows, which lie in this block in their order, can go on in it. */
  protected abstract goesOn(block: CacheBlock, rows: readonly PlacedRow[]): boolean;

  /** Columns of the block that the rows are gathered into, where they cannot. */
  protected abstract gatheredColumns(rows: readonly PlacedRow[]): number;

  /** What is seen of a block with this many columns: `[rows, total]`, and the columns that each row holds after the pass. */
  protected abstract layOut(rows: readonly PlacedRow[], columns: number): { readonly mask: BigInt64Array; readonly held: readonly (readonly number[])[] };

  /** Passes the rows one by one or together, and moves their sequences. */
  protected async forwardInPasses(rows: readonly BlockRow[], { isRowByRow, pass }: Passes): Promise<Logits> {
    const placed = rows.map((row) => ({ ...row, sequence: row.sequence.place }));
    const passes: BlockPass[] = [];
    try {
      for (const together of isRowByRow ? placed.map((row) => [row]) : [placed]) passes.push(await pass(together));
      // Once every row has succeeded: a failed pass leaves all sequences as they were.
      const places = passes.flatMap((done) => done.places);
      for (const [row, { sequence }] of rows.entries()) sequence.move(places[row]!);
    } finally {
      for (const { block } of passes) block.release();
    }
    return passes.length === 1 ? passes[0]!.logits : joined(passes.map(({ logits }) => logits));
  }

  /** One pass. Moves no sequence. */
  protected async pass(rows: readonly PlacedRow[]): Promise<BlockPass> {
    const width = widthOf(rows);
    const source = rows[0]!.sequence.block;
    const isAligned = source.rows === rows.length && rows.every(({ sequence: { block, row } }, index) => block === source && row === index);
    const isGoingOn = isAligned && this.goesOn(source, rows);
    const block = isGoingOn ? source.hold() : await this.memory.gathered(placesOf(rows), this.gatheredColumns(rows));
    try {
      const placed = isGoingOn ? rows : rows.map((row, index) => ({ ...row, sequence: new Place(block, index, ascending(row.sequence.length)) }));
      return await this.#run(placed, block, width);
    } finally {
      block.release();
    }
  }

  async #run(rows: readonly PlacedRow[], block: CacheBlock, width: number): Promise<BlockPass> {
    const { mask, held } = this.layOut(rows, block.columns);
    this.memory.requireRoom(rows.length, mask.length / rows.length);
    const outputs = await this.#graph.run({
      rows: rows.length,
      width,
      ...paddedTokens(rows, width, this.contextTokens),
      mask,
      keep: keptColumns(rows, width),
      caches: block.tensors,
    });
    const given = new CacheBlock(this.#graph.cachesOf(outputs));
    try {
      const logits = await this.#graph.wanted(outputs, rows, width);
      return { logits, places: held.map((columns, row) => new Place(given, row, columns)), block: given };
    } catch (error) {
      given.release();
      throw error;
    }
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw new DisposedError('model');
    this.requireIdle();
  }
}

/** A sequence of a model of blocks; holds the block that its cache lies in. */
export class BlockSequence implements TokenSequence {
  readonly #model: BlockTokenModel;
  readonly #open: Set<BlockSequence>;
  #place: Place;
  #isDisposed = false;

  /** @param open - The model's open sequences, which this one joins. */
  constructor(model: BlockTokenModel, place: Place, open: Set<BlockSequence>) {
    place.block.hold();
    this.#model = model;
    this.#place = place;
    this.#open = open.add(this);
  }

  get place(): Place {
    return this.#place;
  }

  get length(): number {
    return this.#place.length;
  }

  isOpenIn(model: BlockTokenModel): boolean {
    return this.#model === model && !this.#isDisposed;
  }

  /** Goes on from another place. The block of before is freed with its last sequence. */
  move(place: Place): void {
    place.block.hold();
    this.#place.block.release();
    this.#place = place;
  }

  truncate(length: number): void {
    this.#requireOpen();
    requireRollback(length, this.length);
    this.move(new Place(this.#place.block, this.#place.row, this.#place.columns.slice(0, length)));
  }

  fork(): TokenSequence {
    this.#requireOpen();
    return new BlockSequence(this.#model, this.#place, this.#open);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#model.requireIdle();
    this.#isDisposed = true;
    this.#open.delete(this);
    this.#place.block.release();
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw new DisposedError('sequence');
    this.#model.requireIdle();
  }
}

function placesOf(rows: readonly PlacedRow[]): Place[] {
  return rows.map(({ sequence }) => sequence);
}

/** Whole numbers from `from` on. */
export function ascending(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}
