/**
 * A TokenModel over Optimum-style exports: `input_ids`, `attention_mask`, mostly `position_ids`, and
 * `past_key_values.N.key/value` in, `logits` and whole concatenated `present.N.key/value` out.
 *
 * A pass gives a new cache tensor for all of its rows. Nothing is ever cut out of it: a sequence is a list of columns of one
 * row, so rolling back and forking only copy that list, and columns that belong to nobody are holes in the mask. While the
 * same rows go on together the tensor is fed back as it is; when rows change, or holes pile up, columns are gathered anew.
 *
 * @module
 */
import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { DisposedError, ModelError } from '../errors.ts';
import type { Sampling } from '../maths/sampling.ts';
import { allocateCache, cacheData, type CacheData, type CachePart, type DecoderGraph } from './decoder-graph.ts';
import { joined, keptColumns, paddedTokens, requireForwardRow, requireRollback, wantedLogits, widthOf } from './forward-rows.ts';

/** Key and value tensors of every layer, `[rows, kvHeads, columns, headWidth]`. Never changed once made. */
interface CacheBlock {
  readonly rows: number;
  readonly columns: number;
  /** By input name. */
  readonly tensors: ReadonlyMap<string, CacheData>;
}

/** What a pass gives, before its sequences take it. */
interface PassResult {
  readonly logits: Logits;
  readonly block: CacheBlock;
  /** Of each row. */
  readonly columns: readonly (readonly number[])[];
}

type MaskedRow = ForwardRow & { readonly sequence: MaskedSequence };

/** Gather anew once more than this share of the columns, and a few, are holes. */
const HOLE_SHARE = 0.5;
const HOLE_SLACK = 32;

export class MaskedTokenModel implements TokenModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling: Sampling;
  readonly #graph: DecoderGraph;
  readonly #canHaveHoles: boolean;
  #isForwarding = false;
  #isDisposed = false;

  /**
   * @param graph - With caches `[batch, kvHeads, positions, headWidth]`, whose attention leaves out what the mask does; see `openTokenModel`.
   * @param options.canHaveHoles - Whether the graph takes positions from `position_ids` or the mask. One that counts columns
   *   gets its rows one by one, gathered anew after every rollback.
   */
  constructor(graph: DecoderGraph, { canHaveHoles }: { readonly canHaveHoles: boolean }) {
    this.#graph = graph;
    this.#canHaveHoles = canHaveHoles;
    this.vocabularySize = graph.vocabularySize;
    this.contextTokens = graph.facts.contextTokens;
    this.endTokens = graph.facts.endTokens;
    this.sampling = graph.facts.sampling;
  }

  openSequence(): TokenSequence {
    this.#requireOpen();
    const empty = new Map(this.#graph.parts.map(({ input, type }) => [input, allocateCache(type, 0)]));
    return new MaskedSequence(this, { block: { rows: 1, columns: 0, tensors: empty }, row: 0, columns: [] });
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    this.#requireOpen();
    for (const row of rows) requireForwardRow(row, row.sequence instanceof MaskedSequence && row.sequence.isOpenIn(this), this.contextTokens);
    this.#isForwarding = true;
    try {
      const batch = rows as readonly MaskedRow[];
      return this.#canHaveHoles ? this.#place(batch, await this.#pass(batch)) : await this.#forwardEach(batch);
    } finally {
      this.#isForwarding = false;
    }
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#graph.release();
  }

  /** @internal For sequences: the model must not be reading their caches. */
  requireIdle(): void {
    if (this.#isForwarding) throw new ModelError('The caches were changed while a forward is under way. Await the forward first.');
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw new DisposedError('model');
    this.requireIdle();
  }

  async #forwardEach(batch: readonly MaskedRow[]): Promise<Logits> {
    const passes: { readonly row: MaskedRow; readonly pass: PassResult }[] = [];
    for (const row of batch) passes.push({ row, pass: await this.#pass([row]) });
    // Placed once every row has succeeded: a failed pass leaves all sequences as they were.
    return joined(passes.map(({ row, pass }) => this.#place([row], pass)));
  }

  async #pass(batch: readonly MaskedRow[]): Promise<PassResult> {
    const width = widthOf(batch);
    const block = this.#blockFor(batch.map((row) => row.sequence));
    const held = batch.map(({ sequence }) => (block === sequence.place.block ? sequence.place.columns : ascending(0, sequence.length)));
    const outputs = await this.#graph.run({
      rows: batch.length,
      width,
      ...paddedTokens(batch, width, this.contextTokens),
      mask: maskOf(batch, held, block.columns, width),
      keep: keptColumns(batch, width),
      caches: Object.fromEntries(
        this.#graph.parts.map((part) => {
          const [kvHeads, headWidth] = headsOf(part);
          return [part.input, this.#graph.cacheTensor(block.tensors.get(part.input)!, [batch.length, kvHeads, block.columns, headWidth])];
        }),
      ),
    });
    const tensors = new Map(this.#graph.parts.map(({ input, output }) => [input, cacheData(outputs[output]!)]));
    return {
      logits: wantedLogits(outputs['logits']!, batch, width),
      block: { rows: batch.length, columns: block.columns + width, tensors },
      columns: batch.map(({ tokens }, row) => [...held[row]!, ...ascending(block.columns, tokens.length)]),
    };
  }

  #place(batch: readonly MaskedRow[], { logits, block, columns }: PassResult): Logits {
    for (const [row, { sequence }] of batch.entries()) sequence.place = { block, row, columns: columns[row]! };
    return logits;
  }

  /** The block the sequences lie in, row by row, or a new one their columns are gathered into. */
  #blockFor(sequences: readonly MaskedSequence[]): CacheBlock {
    const { block } = sequences[0]!.place;
    const longest = Math.max(...sequences.map((sequence) => sequence.length));
    const isAligned = block.rows === sequences.length && sequences.every(({ place }, row) => place.block === block && place.row === row);
    const hasFewHoles = this.#canHaveHoles ? block.columns <= longest / (1 - HOLE_SHARE) + HOLE_SLACK : block.columns === longest;
    return isAligned && hasFewHoles ? block : this.#gathered(sequences, longest);
  }

  #gathered(sequences: readonly MaskedSequence[], columns: number): CacheBlock {
    const tensors = new Map<string, CacheData>();
    for (const part of this.#graph.parts) {
      const [kvHeads, width] = headsOf(part);
      const gathered = allocateCache(part.type, sequences.length * kvHeads * columns * width);
      for (const [row, { place }] of sequences.entries()) {
        const source = place.block.tensors.get(part.input)!;
        for (let head = 0; head < kvHeads; head++) {
          const from = (place.row * kvHeads + head) * place.block.columns * width;
          const to = (row * kvHeads + head) * columns * width;
          copyColumns(source, from, gathered, to, place.columns, width);
        }
      }
      tensors.set(part.input, gathered);
    }
    return { rows: sequences.length, columns, tensors };
  }
}

/** `[kvHeads, headWidth]`. */
function headsOf({ shape }: CachePart): readonly [number, number] {
  return [shape[1] as number, shape[3] as number];
}

/** `[rows, columns + width]`: 1 where a row holds a token or gets one. */
function maskOf(batch: readonly MaskedRow[], held: readonly (readonly number[])[], columns: number, width: number): BigInt64Array {
  const total = columns + width;
  const mask = new BigInt64Array(batch.length * total);
  for (const [row, { tokens }] of batch.entries()) {
    for (const column of held[row]!) mask[row * total + column] = 1n;
    mask.fill(1n, row * total + columns, row * total + columns + tokens.length);
  }
  return mask;
}

/** Where a sequence's cache lies: these columns of a row of a block, in the order of its tokens. */
interface Place {
  readonly block: CacheBlock;
  readonly row: number;
  readonly columns: readonly number[];
}

class MaskedSequence implements TokenSequence {
  place: Place;
  readonly #model: MaskedTokenModel;
  #isDisposed = false;

  constructor(model: MaskedTokenModel, place: Place) {
    this.#model = model;
    this.place = place;
  }

  get length(): number {
    return this.place.columns.length;
  }

  isOpenIn(model: MaskedTokenModel): boolean {
    return this.#model === model && !this.#isDisposed;
  }

  truncate(length: number): void {
    this.#requireOpen();
    requireRollback(length, this.length);
    this.place = { ...this.place, columns: this.place.columns.slice(0, length) };
  }

  fork(): TokenSequence {
    this.#requireOpen();
    return new MaskedSequence(this.#model, this.place);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#model.requireIdle();
    this.#isDisposed = true;
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw new DisposedError('sequence');
    this.#model.requireIdle();
  }
}

function ascending(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

/** Copies columns of `width` values side by side; runs of neighbours go in one piece. */
function copyColumns(source: CacheData, from: number, target: CacheData, to: number, columns: readonly number[], width: number): void {
  for (let start = 0; start < columns.length;) {
    let end = start + 1;
    while (end < columns.length && columns[end] === columns[end - 1]! + 1) end++;
    target.set(source.subarray(from + columns[start]! * width, from + (columns[start]! + end - start) * width), to + start * width);
    start = end;
  }
}
