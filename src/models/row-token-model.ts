/**
 * A TokenModel over any decoder graph whose caches come back as outputs, whatever they look like: recurrent states,
 * convolution windows, keys and values with the axes in another order, heads that give the last logits only.
 *
 * Nothing is assumed about a cache, so nothing can be cut out of one and no two be joined: rows are passes of their own,
 * and a sequence cannot go back. Drafts cannot be checked on such a model; plain decoding works.
 *
 * @module
 */
import type { Tensor } from 'onnxruntime-common';
import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { DisposedError, ModelError } from '../errors.ts';
import type { Sampling } from '../maths/sampling.ts';
import { allocateCache, type DecoderGraph } from './decoder-graph.ts';
import { releaseFromDevice } from './device-errors.ts';
import { joined, paddedTokens, requireForwardRow, requireRollback } from './forward-rows.ts';
import { SharedTensors } from './shared-tensors.ts';

export class RowTokenModel implements TokenModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling: Sampling;
  readonly cannotVerify: string;
  readonly #graph: DecoderGraph;
  readonly #empty: SharedTensors;
  readonly #open = new Set<RowSequence>();
  #isForwarding = false;
  #isDisposed = false;

  /** @param cannotVerify - Why drafts cannot be checked on this graph. */
  constructor(graph: DecoderGraph, cannotVerify: string) {
    this.#graph = graph;
    this.vocabularySize = graph.vocabularySize;
    this.contextTokens = graph.facts.contextTokens;
    this.endTokens = graph.facts.endTokens;
    this.sampling = graph.facts.sampling;
    this.cannotVerify = cannotVerify;
    this.#empty = new SharedTensors(Object.fromEntries(graph.parts.map(({ input, type, shape }) => [input, emptyCache(graph, type, shape)])));
  }

  openSequence(): TokenSequence {
    this.#requireOpen();
    return new RowSequence(this, this.#empty, 0, this.#open);
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    this.#requireOpen();
    for (const row of rows) {
      requireForwardRow(row, row.sequence instanceof RowSequence && row.sequence.isOpenIn(this), this.contextTokens);
      if (row.logitCount > 1) throw new ModelError(`${this.#graph.facts.source} gives one row of logits a pass: ${this.cannotVerify}`);
    }
    this.#isForwarding = true;
    try {
      return await this.#forwardEach(rows as readonly (ForwardRow & { readonly sequence: RowSequence })[]);
    } finally {
      this.#isForwarding = false;
    }
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    for (const sequence of this.#open) sequence.dispose();
    this.#isDisposed = true;
    await releaseFromDevice(this.#graph);
  }

  /** @internal For sequences: the model must not be reading their caches. */
  requireIdle(): void {
    if (this.#isForwarding) throw new ModelError('The caches were changed while a forward is under way. Await the forward first.');
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw new DisposedError('model');
    this.requireIdle();
  }

  async #forwardEach(rows: readonly (ForwardRow & { readonly sequence: RowSequence })[]): Promise<Logits> {
    const results: { readonly logits: Logits; readonly caches: SharedTensors }[] = [];
    try {
      for (const row of rows) results.push(await this.#pass(row));
      // Appended once every row has succeeded: a failed pass leaves all sequences as they were.
      for (const [index, { sequence, tokens }] of rows.entries()) sequence.move(results[index]!.caches, sequence.length + tokens.length);
    } finally {
      for (const { caches } of results) caches.release();
    }
    return joined(results.map(({ logits }) => logits));
  }

  async #pass(row: ForwardRow & { readonly sequence: RowSequence }): Promise<{ logits: Logits; caches: SharedTensors }> {
    const width = row.tokens.length;
    const outputs = await this.#graph.run({
      rows: 1,
      width,
      ...paddedTokens([row], width, this.contextTokens),
      mask: new BigInt64Array(row.sequence.length + width).fill(1n),
      keep: 1,
      caches: row.sequence.caches.tensors,
    });
    const caches = new SharedTensors(this.#graph.cachesOf(outputs));
    try {
      return { logits: await this.#graph.wanted(outputs, [row], width), caches };
    } catch (error) {
      caches.release();
      throw error;
    }
  }
}

class RowSequence implements TokenSequence {
  caches: SharedTensors;
  length: number;
  readonly #model: RowTokenModel;
  readonly #open: Set<RowSequence>;
  #isDisposed = false;

  /** @param open - The model's open sequences, which this one joins. */
  constructor(model: RowTokenModel, caches: SharedTensors, length: number, open: Set<RowSequence>) {
    this.#open = open.add(this);
    this.#model = model;
    this.caches = caches.hold();
    this.length = length;
  }

  isOpenIn(model: RowTokenModel): boolean {
    return this.#model === model && !this.#isDisposed;
  }

  /** Takes what a pass has made of the caches. */
  move(caches: SharedTensors, length: number): void {
    caches.hold();
    this.caches.release();
    this.caches = caches;
    this.length = length;
  }

  truncate(length: number): void {
    this.#requireOpen();
    requireRollback(length, this.length);
    if (length < this.length) throw new ModelError(`A sequence of this model cannot forget tokens: ${this.#model.cannotVerify}`);
  }

  fork(): TokenSequence {
    this.#requireOpen();
    return new RowSequence(this.#model, this.caches, this.length, this.#open);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#model.requireIdle();
    this.#isDisposed = true;
    this.#open.delete(this);
    this.caches.release();
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw new DisposedError('sequence');
    this.#model.requireIdle();
  }
}

/** Nothing seen yet: sizes that the graph leaves open are those of the batch and of what has been seen. */
function emptyCache(graph: DecoderGraph, type: 'float32' | 'float16', shape: readonly (number | string)[]): Tensor {
  const dims = shape.map((size, axis) => (typeof size === 'number' ? size : axis === 0 ? 1 : 0));
  return graph.cacheTensor(
    allocateCache(
      type,
      dims.reduce((product, size) => product * size, 1),
    ),
    dims,
  );
}
