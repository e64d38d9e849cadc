/**
 * A TokenModel over any decoder graph whose caches come back as outputs, whatever they look like: recurrent states,
 * convolution windows, keys and values with the axes in another order, heads that give the last logits only.
 *
 * Nothing is assumed about a cache, so nothing can be cut out of one and no two be joined: rows are passes of their own,
 * and a sequence cannot go back. Drafts cannot be checked on such a model; plain decoding works.
 *
 * @module
 */
import type { Tensor } from './graph-session.ts';
import type { Logits } from '../contracts/token-model.ts';
import { ModelError } from '../errors.ts';
import { allocateCache, type DecoderGraph } from './decoder-graph.ts';
import { countingMask } from './forward-rows.ts';
import type { CachePlace } from './placed-sequence.ts';
import { PlacedTokenModel, type PlacedPass, type PlacedRow, type SequenceRow } from './placed-token-model.ts';
import { SharedTensors } from './shared-tensors.ts';

export class RowTokenModel extends PlacedTokenModel<RowPlace> {
  readonly cannotVerify: string;
  readonly #source: string;

  /** @param cannotVerify - Why drafts cannot be checked on this graph. */
  constructor(graph: DecoderGraph, cannotVerify: string) {
    const caches = Object.fromEntries(graph.parts.map(({ input, type, shape }) => [input, emptyCache(graph, type, shape)]));
    super(graph, new RowPlace(new SharedTensors(caches), 0, cannotVerify));
    this.cannotVerify = cannotVerify;
    this.#source = graph.facts.source;
  }

  protected async forwardRows(rows: readonly SequenceRow<RowPlace>[]): Promise<Logits> {
    if (rows.some(({ logitCount }) => logitCount > 1)) throw new ModelError(`${this.#source} gives one row of logits a pass: ${this.cannotVerify}`);
    return this.forwardInPasses(rows, { isRowByRow: true, pass: (alone) => this.#passAlone(alone[0]!) });
  }

  #passAlone(row: PlacedRow<RowPlace>): Promise<PlacedPass<RowPlace>> {
    const { sequence, tokens } = row;
    const inputs = { mask: countingMask([row]), caches: sequence.block.tensors };
    return this.pass([row], inputs, (caches) => [new RowPlace(new SharedTensors(caches), sequence.length + tokens.length, this.cannotVerify)]);
  }
}

/** The whole of some caches. */
class RowPlace implements CachePlace<RowPlace> {
  readonly block: SharedTensors;
  readonly length: number;
  readonly #cannotVerify: string;

  constructor(block: SharedTensors, length: number, cannotVerify: string) {
    this.block = block;
    this.length = length;
    this.#cannotVerify = cannotVerify;
  }

  upTo(length: number): RowPlace {
    if (length < this.length) throw new ModelError(`A sequence of this model cannot forget tokens: ${this.#cannotVerify}`);
    return this;
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
