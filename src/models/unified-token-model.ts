/**
 * A TokenModel over a unified graph (`unified-graph.ts`): the new tokens of all sequences are one row of a batch, over one cache of
 * cells. Rows need no padding, and each may have any number of new tokens, so drafts of many branches are verified in one pass. Where
 * branches are so long that attention over the cells of all of them costs more than another pass, a forward takes several.
 *
 * @module
 */
import { Tensor, type GraphSession, type Tensors } from './graph-session.ts';
import type { ForwardRow, Logits, TokenModel, TokenSequence, TopLogits, TopRequest, TopRow } from '../contracts/token-model.ts';
import { DisposedError, ModelError } from '../errors.ts';
import type { Sampling } from '../maths/sampling.ts';
import type { CellArena } from './cell-arena.ts';
import type { CellSequence } from './cell-cache.ts';
import { CellCache } from './cell-cache.ts';
import type { GraphFacts } from './decoder-graph.ts';
import { float32Values } from './float16.ts';
import { requireForwardRow } from './forward-rows.ts';
import { inRowOrder, topInRowOrder } from './row-order.ts';
import { headFeeds, topOf, type HeadRequest } from './sampling-head.ts';
import { UNIFIED, type UnifiedShape } from './unified-graph.ts';

type CellRow = ForwardRow & { readonly sequence: CellSequence };
type Outputs = Tensors;

/** The rows of a pass, over the cells of one arena. */
interface Pass<Row extends ForwardRow = ForwardRow> {
  readonly arena: CellArena;
  readonly rows: readonly (Row & CellRow)[];
  readonly outputs: Outputs;
}

/**
 * How many scores take as long as what else a pass does, for each number of a token's hidden state: weights grow by its square, the
 * work of a score by itself. Measured on Qwen2.5-Coder-0.5B in int8 on two cores: 25 ms and 0.6 µs (`npm run bench:attention`).
 */
const PASS_SCORES_PER_WIDTH = 48;

/** Added to the scores of cells that a token must not see. */
const HIDDEN = -1e9;

export class UnifiedTokenModel implements TokenModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly sampling: Sampling;
  readonly forwardTop: NonNullable<TokenModel['forwardTop']> | undefined;
  readonly #session: GraphSession;
  readonly #shape: UnifiedShape;
  readonly #source: string;
  readonly #cache: CellCache;
  /** Inputs of each arena that stay the same until its memory moves. */
  readonly #feeds = new WeakMap<CellArena, { readonly version: number; readonly feeds: Readonly<Record<string, Tensor>> }>();
  #bias = new Float32Array(0);
  #isDisposed = false;

  /**
   * @param session - Over a graph that `unifyGraph` made.
   * @param passScores - How many scores, new tokens × cells, take as long as what else a pass does: with more, a pass is divided.
   */
  constructor(session: GraphSession, shape: UnifiedShape, facts: GraphFacts, passScores = PASS_SCORES_PER_WIDTH * shape.queryHeads * shape.headWidth) {
    this.#session = session;
    this.#shape = shape;
    this.#source = facts.source;
    this.vocabularySize = shape.vocabularySize;
    this.contextTokens = facts.contextTokens;
    this.endTokens = facts.endTokens;
    this.sampling = facts.sampling;
    this.forwardTop = shape.choosesTokens ? (rows, request) => this.#forwardTop(rows, request) : undefined;
    this.#cache = new CellCache({ parts: shape.cacheInputs.length, width: shape.kvHeads * shape.headWidth }, passScores);
  }

  openSequence(): TokenSequence {
    if (this.#isDisposed) throw new DisposedError('model');
    this.#cache.lock.requireFree();
    return this.#cache.open();
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    const passes = await this.#forward(rows);
    const logits = passes.map(({ rows: taken, outputs }) => (wantedCount(taken) === 0 ? new Float32Array(0) : float32Values(outputs['logits']!)));
    return inRowOrder(rows, passes, logits, this.vocabularySize);
  }

  async #forwardTop(rows: readonly TopRow[], request: TopRequest): Promise<TopLogits> {
    const passes = await this.#forward(rows, (taken) => ({ rows: taken, request }));
    return topInRowOrder(
      rows,
      passes,
      passes.map(({ rows: taken, outputs }) => topOf(outputs, taken, request)),
    );
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#session.release();
  }

  async #forward<Row extends ForwardRow>(rows: readonly Row[], headOf?: (taken: readonly Row[]) => HeadRequest): Promise<readonly Pass<Row>[]> {
    if (this.#isDisposed) throw new DisposedError('model');
    for (const row of rows) requireForwardRow(row, this.#cache, this.contextTokens);
    const taken = this.#cache.passesOf(rows as readonly (Row & CellRow)[]);
    this.#cache.lock.hold();
    try {
      const passes: Pass<Row>[] = [];
      for (const pass of taken) {
        const [{ sequence }] = pass as [Row & CellRow];
        passes.push({ arena: sequence.arena, rows: pass, outputs: await this.#run(sequence.arena, pass, headOf?.(pass)) });
      }
      // None is kept unless all have come through.
      for (const pass of passes) store(pass);
      return passes;
    } finally {
      this.#cache.lock.release();
    }
  }

  async #run(arena: CellArena, batch: readonly CellRow[], head: HeadRequest | undefined): Promise<Outputs> {
    const { capacity } = arena;
    const count = tokenCount(batch);
    const tokens = batch.flatMap((row) => row.tokens);
    const positions = batch.flatMap(({ sequence, tokens: fresh }) => fresh.map((_, index) => sequence.length + index));
    const wanted = wantedPositions(batch);
    const feeds: Record<string, Tensor> = {
      ...this.#cacheFeeds(arena),
      ...headFeeds(head, Math.max(1, wanted.length), this.vocabularySize),
      input_ids: int64Tensor(tokens, [1, count]),
      [UNIFIED.positions]: int64Tensor(positions, [1, count]),
      attention_mask: new Tensor('int64', new BigInt64Array(capacity + count).fill(1n), [1, capacity + count]),
      [UNIFIED.bias]: this.#biasOf(arena, batch, count),
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

  #cacheFeeds(arena: CellArena): Readonly<Record<string, Tensor>> {
    const { version, capacity } = arena;
    const known = this.#feeds.get(arena);
    if (known?.version === version) return known.feeds;
    const { cacheInputs, kvHeads, headWidth } = this.#shape;
    const feeds = Object.fromEntries(cacheInputs.map((name, part) => [name, new Tensor('float32', arena.part(part), [capacity, kvHeads, headWidth])] as const));
    this.#feeds.set(arena, { version, feeds });
    return feeds;
  }

  /** `[new, capacity + new]`: every new token sees the cells of its sequence, and the new tokens of its row up to itself. */
  #biasOf({ capacity }: CellArena, batch: readonly CellRow[], count: number): Tensor {
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

/** Keeps the keys and values of a pass. */
function store({ arena, rows, outputs }: Pass): void {
  const cells = arena.store(outputs[UNIFIED.fresh]!.data as Float32Array, tokenCount(rows));
  let next = 0;
  for (const { sequence, tokens } of rows as readonly CellRow[]) sequence.append(cells.slice(next, (next += tokens.length)));
}

function tokenCount(rows: readonly ForwardRow[]): number {
  return rows.reduce((sum, { tokens }) => sum + tokens.length, 0);
}

function wantedCount(rows: readonly ForwardRow[]): number {
  return rows.reduce((sum, { logitCount }) => sum + logitCount, 0);
}

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
