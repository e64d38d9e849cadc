/**
 * A TokenModel over a unified graph (`unified-graph.ts`): the new tokens of all sequences are one row of a batch, over one cache of
 * cells. Rows need no padding, and each may have any number of new tokens, so drafts of many branches are verified in one pass.
 *
 * @module
 */
import { Tensor, type InferenceSession } from 'onnxruntime-common';
import type { ForwardRow, Logits, TokenModel, TokenSequence, TopLogits, TopRequest, TopRow } from '../contracts/token-model.ts';
import { DisposedError, ModelError } from '../errors.ts';
import type { Sampling } from '../maths/sampling.ts';
import { CellCache, CellSequence } from './cell-cache.ts';
import type { GraphFacts } from './decoder-graph.ts';
import { float32Values } from './float16.ts';
import { requireForwardRow } from './forward-rows.ts';
import { headFeeds, topOf, type HeadRequest } from './sampling-head.ts';
import { UNIFIED, type UnifiedShape } from './unified-graph.ts';

type CellRow = ForwardRow & { readonly sequence: CellSequence };
type Outputs = InferenceSession.ReturnType;

/** Added to the scores of cells that a token must not see. */
const HIDDEN = -1e9;

export class UnifiedTokenModel implements TokenModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling: Sampling;
  readonly forwardTop: NonNullable<TokenModel['forwardTop']> | undefined;
  readonly #session: InferenceSession;
  readonly #shape: UnifiedShape;
  readonly #source: string;
  readonly #cache: CellCache;
  /** Inputs that stay the same until the cache moves. */
  #caches: { readonly version: number; readonly feeds: Readonly<Record<string, Tensor>> } = { version: -1, feeds: {} };
  #bias = new Float32Array(0);
  #isDisposed = false;

  /** @param session - Over a graph that `unifyGraph` made. */
  constructor(session: InferenceSession, shape: UnifiedShape, facts: GraphFacts) {
    this.#session = session;
    this.#shape = shape;
    this.#source = facts.source;
    this.vocabularySize = shape.vocabularySize;
    this.contextTokens = facts.contextTokens;
    this.endTokens = facts.endTokens;
    this.sampling = facts.sampling;
    this.forwardTop = shape.choosesTokens ? (rows, request) => this.#forwardTop(rows, request) : undefined;
    this.#cache = new CellCache({ parts: shape.cacheInputs.length, width: shape.kvHeads * shape.headWidth });
  }

  openSequence(): TokenSequence {
    if (this.#isDisposed) throw new DisposedError('model');
    this.#cache.lock.requireFree();
    return new CellSequence(this.#cache);
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    const outputs = await this.#forward(rows, undefined);
    const count = rows.reduce((sum, { logitCount }) => sum + logitCount, 0);
    return count === 0 ? new Float32Array(0) : float32Values(outputs['logits']!);
  }

  async #forwardTop(rows: readonly TopRow[], request: TopRequest): Promise<TopLogits> {
    const outputs = await this.#forward(rows, { rows, request });
    return topOf(outputs, rows, request);
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#session.release();
  }

  async #forward(rows: readonly ForwardRow[], head: HeadRequest | undefined): Promise<Outputs> {
    if (this.#isDisposed) throw new DisposedError('model');
    for (const row of rows) requireForwardRow(row, this.#cache, this.contextTokens);
    const batch = rows as readonly CellRow[];
    this.#cache.lock.hold();
    try {
      const count = batch.reduce((sum, { tokens }) => sum + tokens.length, 0);
      this.#cache.reserve(count);
      const outputs = await this.#run(batch, count, head);
      this.#store(batch, outputs[UNIFIED.fresh]!.data as Float32Array, count);
      return outputs;
    } finally {
      this.#cache.lock.release();
    }
  }

  async #run(batch: readonly CellRow[], count: number, head: HeadRequest | undefined): Promise<Outputs> {
    const { capacity } = this.#cache;
    const tokens = batch.flatMap((row) => row.tokens);
    const positions = batch.flatMap(({ sequence, tokens: fresh }) => fresh.map((_, index) => sequence.length + index));
    const wanted = wantedPositions(batch);
    const feeds: Record<string, Tensor> = {
      ...this.#cacheFeeds(),
      ...headFeeds(head, Math.max(1, wanted.length), this.vocabularySize),
      input_ids: int64Tensor(tokens, [1, count]),
      [UNIFIED.positions]: int64Tensor(positions, [1, count]),
      attention_mask: new Tensor('int64', new BigInt64Array(capacity + count).fill(1n), [1, capacity + count]),
      [UNIFIED.bias]: this.#biasOf(batch, count),
      // The head always gets one position at least; a row of logits that nobody wants is not read.
      [UNIFIED.wanted]: int64Tensor(wanted.length === 0 ? [0] : wanted, [Math.max(1, wanted.length)]),
      num_logits_to_keep: int64Tensor([0], []),
    };
    for (const name of Object.keys(feeds)) if (!this.#session.inputNames.includes(name)) delete feeds[name];
    const fetches = head ? TOP_FETCHES : wanted.length === 0 ? [UNIFIED.fresh] : ['logits', UNIFIED.fresh];
    try {
      return await this.#session.run(feeds, fetches);
    } catch (error) {
      throw new ModelError(`${this.#source} failed on ${count} tokens (${error instanceof Error ? error.message : String(error)}).`, { cause: error });
    }
  }

  #store(batch: readonly CellRow[], fresh: Float32Array, count: number): void {
    const cells = this.#cache.store(fresh, count);
    let next = 0;
    for (const { sequence, tokens } of batch) for (let index = 0; index < tokens.length; index++) sequence.cells.push(cells[next++]!);
  }

  #cacheFeeds(): Readonly<Record<string, Tensor>> {
    const { version, capacity } = this.#cache;
    if (this.#caches.version === version) return this.#caches.feeds;
    const { cacheInputs, kvHeads, headWidth } = this.#shape;
    const feeds = cacheInputs.map((name, part) => [name, new Tensor('float32', this.#cache.part(part), [capacity, kvHeads, headWidth])] as const);
    this.#caches = { version, feeds: Object.fromEntries(feeds) };
    return this.#caches.feeds;
  }

  /** `[new, capacity + new]`: every new token sees the cells of its sequence, and the new tokens of its row up to itself. */
  #biasOf(batch: readonly CellRow[], count: number): Tensor {
    const { capacity } = this.#cache;
    const stride = capacity + count;
    if (this.#bias.length < count * stride) this.#bias = new Float32Array(count * stride);
    const bias = this.#bias.subarray(0, count * stride).fill(HIDDEN);
    let first = 0;
    for (const { sequence, tokens } of batch) {
      for (let index = 0; index < tokens.length; index++) {
        const start = (first + index) * stride;
        for (const cell of sequence.cells) bias[start + cell] = 0;
        bias.fill(0, start + capacity + first, start + capacity + first + index + 1);
      }
      first += tokens.length;
    }
    return new Tensor('float32', bias, [count, stride]);
  }
}

const TOP_FETCHES = [
  UNIFIED.fresh,
  'top_logits',
  'top_raw',
  'top_tokens',
  'top_share',
  'draw_share',
  'draw_block',
  'draw_before',
  'draw_total',
  'draw_probs',
  'draw_raw',
];

/** Places among the new tokens of all rows whose logits are wanted. */
function wantedPositions(batch: readonly CellRow[]): number[] {
  const wanted: number[] = [];
  let end = 0;
  for (const { tokens, logitCount } of batch) {
    end += tokens.length;
    for (let place = end - logitCount; place < end; place++) wanted.push(place);
  }
  return wanted;
}

function int64Tensor(values: readonly number[], dims: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
}
