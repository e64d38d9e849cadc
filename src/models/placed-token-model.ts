/**
 * What token models share whose passes give new cache tensors, and leave those that they read as they were.
 *
 * A sequence is a place in such tensors. It moves once all rows of a forward have succeeded, so a failed one changes nothing.
 *
 * @module
 */
import type { Tensor } from './graph-session.ts';
import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { DisposedError } from '../errors.ts';
import type { Sampling } from '../maths/sampling.ts';
import type { DecoderGraph, GraphPass } from './decoder-graph.ts';
import { asDeviceError, releaseFromDevice } from './device-errors.ts';
import { joined, requireForwardRow, widthOf } from './forward-rows.ts';
import { PlacedSequence, PlacedSequences, type CachePlace } from './placed-sequence.ts';
import type { SharedTensors } from './shared-tensors.ts';

/** A row of a pass: tokens, and where the cache lies that they come behind. */
export interface PlacedRow<Place> extends Omit<ForwardRow, 'sequence'> {
  readonly sequence: Place;
}

/** What a pass gives, before any sequence takes it. */
export interface PlacedPass<Place> {
  readonly logits: Logits;
  /** Of each row; all in one block. */
  readonly places: readonly Place[];
  /** The block, held once: by whoever asked for the pass. */
  readonly block: SharedTensors;
}

export interface Passes<Place> {
  /** Whether each row is passed by itself. */
  readonly isRowByRow: boolean;
  readonly pass: (rows: readonly PlacedRow<Place>[]) => Promise<PlacedPass<Place>>;
}

export type SequenceRow<Place extends CachePlace<Place>> = ForwardRow & { readonly sequence: PlacedSequence<Place> };

export abstract class PlacedTokenModel<Place extends CachePlace<Place>> implements TokenModel {
  readonly padsRows: boolean = true;
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling: Sampling;
  readonly #graph: DecoderGraph;
  readonly #empty: Place;
  readonly #owned: readonly { release(): Promise<void> }[];
  readonly #sequences = new PlacedSequences<Place>();
  #isDisposed = false;

  /**
   * @param empty - The place of a text without tokens.
   * @param owned - Released with the model, after the graph.
   */
  constructor(graph: DecoderGraph, empty: Place, ...owned: readonly { release(): Promise<void> }[]) {
    this.#graph = graph;
    this.#empty = empty;
    this.#owned = owned;
    this.vocabularySize = graph.vocabularySize;
    this.contextTokens = graph.facts.contextTokens;
    this.endTokens = graph.facts.endTokens;
    this.sampling = graph.facts.sampling;
  }

  openSequence(): TokenSequence {
    this.#requireOpen();
    return new PlacedSequence(this.#sequences, this.#empty);
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    this.#requireOpen();
    for (const row of rows) requireForwardRow(row, this.#sequences, this.contextTokens);
    this.#sequences.lock.hold();
    try {
      return await this.forwardRows(rows as readonly SequenceRow<Place>[]);
    } catch (error) {
      throw asDeviceError(error, `${this.#graph.facts.source} failed on ${rows.length} rows of ${widthOf(rows)} tokens`);
    } finally {
      this.#sequences.lock.release();
    }
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    for (const sequence of this.#sequences.open) sequence.dispose();
    this.#isDisposed = true;
    await releaseFromDevice(this.#graph, ...this.#owned);
  }

  /** Passes the rows, which have been checked. When it rejects, no sequence has moved. */
  protected abstract forwardRows(rows: readonly SequenceRow<Place>[]): Promise<Logits>;

  /** Passes the rows one by one or together, and moves their sequences. */
  protected async forwardInPasses(rows: readonly SequenceRow<Place>[], { isRowByRow, pass }: Passes<Place>): Promise<Logits> {
    const placed = rows.map((row) => ({ ...row, sequence: row.sequence.place }));
    const passes: PlacedPass<Place>[] = [];
    try {
      for (const together of isRowByRow ? placed.map((row) => [row]) : [placed]) passes.push(await pass(together));
      const places = passes.flatMap((done) => done.places);
      for (const [row, { sequence }] of rows.entries()) sequence.move(places[row]!);
    } finally {
      for (const { block } of passes) block.release();
    }
    return passes.length === 1 ? passes[0]!.logits : joined(passes.map(({ logits }) => logits));
  }

  /**
   * One pass through the graph. Moves no sequence.
   *
   * @param placesIn - The rows' places in the caches it gives: in one block, new and held once.
   */
  protected async pass(
    rows: readonly PlacedRow<Place>[],
    inputs: Pick<GraphPass, 'mask' | 'caches'>,
    placesIn: (caches: Readonly<Record<string, Tensor>>) => readonly Place[],
  ): Promise<PlacedPass<Place>> {
    const outputs = await this.#graph.forward(rows, inputs);
    const places = placesIn(this.#graph.cachesOf(outputs));
    const { block } = places[0]!;
    try {
      return { logits: await this.#graph.wanted(outputs, rows), places, block };
    } catch (error) {
      block.release();
      throw error;
    }
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw new DisposedError('model');
    this.#sequences.lock.requireFree();
  }
}
