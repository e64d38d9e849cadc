/**
 * A TokenModel over Optimum-style exports: `input_ids`, `attention_mask`, `position_ids`, `past_key_values.N.key/value` in,
 * `logits` and whole concatenated `present.N.key/value` out.
 *
 * A pass gives a new cache tensor for all of its rows. Nothing is ever cut out of it: a sequence is a list of columns of one
 * row, so rolling back and forking only copy that list, and columns that belong to nobody are holes in the mask. While the
 * same rows go on together the tensor is fed back as it is; when rows change, or holes pile up, columns are gathered anew.
 *
 * @module
 */
import { Tensor, type InferenceSession } from 'onnxruntime-common';
import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { ContextLengthError, DisposedError, InvalidOptionError, ModelError, ModelLoadError } from '../errors.ts';

export interface MaskedTokenModelOptions {
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
}

/** Key and value tensors of every layer, `[rows, kvHeads, columns, headWidth]`. Never changed once made. */
interface CacheBlock {
  readonly rows: number;
  readonly columns: number;
  readonly tensors: ReadonlyMap<string, Float32Array>;
}

/** Gather anew once more than this share of the columns, and a few, are holes. */
const HOLE_SHARE = 0.5;
const HOLE_SLACK = 32;

export class MaskedTokenModel implements TokenModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly #session: InferenceSession;
  /** Names of the past inputs, without `past_key_values.`. */
  readonly #parts: readonly string[];
  readonly #kvHeads: number;
  readonly #headWidth: number;
  #isForwarding = false;
  #isDisposed = false;

  /** @throws {ModelLoadError} when the graph's inputs or outputs are not those of the masked layout. */
  constructor(session: InferenceSession, options: MaskedTokenModelOptions) {
    const { parts, kvHeads, headWidth, vocabularySize } = describeMaskedGraph(session);
    this.#session = session;
    this.#parts = parts;
    this.#kvHeads = kvHeads;
    this.#headWidth = headWidth;
    this.vocabularySize = vocabularySize;
    this.contextTokens = options.contextTokens;
    this.endTokens = options.endTokens;
  }

  openSequence(): TokenSequence {
    this.#requireOpen();
    const empty = new Map(this.#parts.map((part) => [part, new Float32Array(0)]));
    return new MaskedSequence(this, { block: { rows: 1, columns: 0, tensors: empty }, row: 0, columns: [] });
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    this.#requireOpen();
    const batch = rows.map((row) => this.#checked(row));
    const width = Math.max(...batch.map((row) => row.tokens.length));
    const block = this.#blockFor(batch.map((row) => row.sequence));
    const outputs = await this.#run(batch, block, width);
    const columns = block.columns + width;
    const tensors = new Map(this.#parts.map((part) => [part, outputs[`present.${part}`]!.data as Float32Array]));
    const grown: CacheBlock = { rows: rows.length, columns, tensors };
    for (const [row, { sequence, tokens }] of batch.entries()) {
      const kept = block === sequence.place.block ? sequence.place.columns : ascending(0, sequence.length);
      sequence.place = { block: grown, row, columns: [...kept, ...ascending(block.columns, tokens.length)] };
    }
    return this.#wantedLogits(outputs['logits']!.data as Float32Array, batch, width);
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#session.release();
  }

  /** @internal For sequences: the model must not be reading their caches. */
  requireIdle(): void {
    if (this.#isForwarding) throw new ModelError('The caches were changed while a forward is under way. Await the forward first.');
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw new DisposedError('model');
    this.requireIdle();
  }

  #checked(row: ForwardRow): ForwardRow & { sequence: MaskedSequence } {
    const { sequence, tokens, logitCount } = row;
    if (!(sequence instanceof MaskedSequence) || !sequence.isOpenIn(this)) throw new InvalidOptionError('rows.sequence', 'an open sequence of this model', sequence);
    if (tokens.length === 0) throw new InvalidOptionError('rows.tokens', 'at least one token', tokens);
    if (logitCount < 0 || logitCount > tokens.length) throw new InvalidOptionError('rows.logitCount', `from 0 to ${tokens.length}`, logitCount);
    const needed = sequence.length + tokens.length;
    if (needed > this.contextTokens) throw new ContextLengthError(needed, this.contextTokens);
    return row as ForwardRow & { sequence: MaskedSequence };
  }

  /** The block the sequences lie in, row by row, or a new one their columns are gathered into. */
  #blockFor(sequences: readonly MaskedSequence[]): CacheBlock {
    const { block } = sequences[0]!.place;
    const longest = Math.max(...sequences.map((sequence) => sequence.length));
    const isAligned = block.rows === sequences.length && sequences.every(({ place }, row) => place.block === block && place.row === row);
    const hasFewHoles = block.columns <= longest / (1 - HOLE_SHARE) + HOLE_SLACK;
    return isAligned && hasFewHoles ? block : this.#gathered(sequences, longest);
  }

  #gathered(sequences: readonly MaskedSequence[], columns: number): CacheBlock {
    const width = this.#headWidth;
    const tensors = new Map<string, Float32Array>();
    for (const part of this.#parts) {
      const gathered = new Float32Array(sequences.length * this.#kvHeads * columns * width);
      for (const [row, { place }] of sequences.entries()) {
        const source = place.block.tensors.get(part)!;
        for (let head = 0; head < this.#kvHeads; head++) {
          const from = (place.row * this.#kvHeads + head) * place.block.columns * width;
          const to = (row * this.#kvHeads + head) * columns * width;
          copyColumns(source, from, gathered, to, place.columns, width);
        }
      }
      tensors.set(part, gathered);
    }
    return { rows: sequences.length, columns, tensors };
  }

  async #run(batch: readonly (ForwardRow & { sequence: MaskedSequence })[], block: CacheBlock, width: number): Promise<InferenceSession.ReturnType> {
    const rows = batch.length;
    const total = block.columns + width;
    const tokens = new BigInt64Array(rows * width);
    const positions = new BigInt64Array(rows * width);
    const mask = new BigInt64Array(rows * total);
    for (const [row, { sequence, tokens: fresh }] of batch.entries()) {
      const held = sequence.place.block === block ? sequence.place.columns : ascending(0, sequence.length);
      for (const column of held) mask[row * total + column] = 1n;
      for (let index = 0; index < width; index++) {
        const isReal = index < fresh.length;
        tokens[row * width + index] = BigInt(isReal ? fresh[index]! : 0);
        positions[row * width + index] = BigInt(Math.min(sequence.length + index, this.contextTokens - 1));
        mask[row * total + block.columns + index] = isReal ? 1n : 0n;
      }
    }
    const feeds: Record<string, Tensor> = {
      input_ids: new Tensor('int64', tokens, [rows, width]),
      attention_mask: new Tensor('int64', mask, [rows, total]),
      position_ids: new Tensor('int64', positions, [rows, width]),
    };
    for (const part of this.#parts) {
      feeds[`past_key_values.${part}`] = new Tensor('float32', block.tensors.get(part)!, [rows, this.#kvHeads, block.columns, this.#headWidth]);
    }
    this.#isForwarding = true;
    try {
      return await this.#session.run(feeds);
    } catch (error) {
      throw new ModelError(`The model failed on ${rows} rows of ${width} tokens: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    } finally {
      this.#isForwarding = false;
    }
  }

  /** The wanted rows of `[rows, width, vocabularySize]`, packed. */
  #wantedLogits(all: Float32Array, batch: readonly ForwardRow[], width: number): Logits {
    const size = this.vocabularySize;
    if (batch.every(({ logitCount }) => logitCount === width)) return all;
    const wanted = new Float32Array(batch.reduce((sum, { logitCount }) => sum + logitCount, 0) * size);
    let next = 0;
    for (const [row, { tokens, logitCount }] of batch.entries()) {
      const start = (row * width + tokens.length - logitCount) * size;
      wanted.set(all.subarray(start, start + logitCount * size), next);
      next += logitCount * size;
    }
    return wanted;
  }
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
    if (!Number.isInteger(length) || length < 0 || length > this.length) throw new InvalidOptionError('length', `from 0 to ${this.length}`, length);
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
function copyColumns(source: Float32Array, from: number, target: Float32Array, to: number, columns: readonly number[], width: number): void {
  for (let start = 0; start < columns.length; ) {
    let end = start + 1;
    while (end < columns.length && columns[end] === columns[end - 1]! + 1) end++;
    target.set(source.subarray(from + columns[start]! * width, from + (columns[start]! + end - start) * width), to + start * width);
    start = end;
  }
}

function describeMaskedGraph(session: InferenceSession): { parts: string[]; kvHeads: number; headWidth: number; vocabularySize: number } {
  const prefix = 'past_key_values.';
  const parts = session.inputNames.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const missing = ['input_ids', 'attention_mask', 'position_ids'].filter((name) => !session.inputNames.includes(name));
  const past = session.inputMetadata.find((input) => input.name === `${prefix}${parts[0]}`);
  const logits = session.outputMetadata.find((output) => output.name === 'logits');
  const [, kvHeads, , headWidth] = past?.isTensor ? past.shape : [];
  const vocabularySize = logits?.isTensor ? logits.shape[2] : undefined;
  if (missing.length > 0 || typeof kvHeads !== 'number' || typeof headWidth !== 'number' || typeof vocabularySize !== 'number') {
    const lack = [...missing, ...(parts.length === 0 ? ['past_key_values'] : []), ...(typeof vocabularySize === 'number' ? [] : ['logits with a fixed vocabulary'])];
    throw new ModelLoadError('graph', `The graph is not of the masked layout: it lacks ${lack.join(', ') || 'fixed head sizes'}.`);
  }
  return { parts, kvHeads, headWidth, vocabularySize };
}
