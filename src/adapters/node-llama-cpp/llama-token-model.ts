import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../../contracts/token-model.ts';
import { ContextLengthError, DisposedError, InvalidOptionError, ModelError } from '../../errors.ts';
import type { LlamaContextLike, LlamaInput, LlamaModelLike } from './llama-interface.ts';
import { assignSlots, sharedTokens, type Slot } from './llama-slots.ts';

export interface LlamaTokenModelOptions {
  readonly model: LlamaModelLike;
  readonly context: LlamaContextLike;
  readonly contextTokens: number;
  /** Sequences of the context. */
  readonly sequences: number;
  /** How many of the likeliest tokens there are logits of; 0 for all. */
  readonly candidates: number;
}

/** The logit of a token that llama.cpp gave no probability, or one below what a float32 can hold. */
const LEAST_LOGIT = Math.log(2 ** -149);

/**
 * A context of node-llama-cpp as a token model: its logits are the natural logarithms of the probabilities it gives.
 *
 * Its sequences cannot be copied, so a sequence here is a list of tokens that is put into one of them when it is evaluated:
 * the one that holds most of it already. There may be more sequences here than there.
 */
export class LlamaTokenModel implements TokenModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  readonly #context: LlamaContextLike;
  readonly #slots: readonly Slot[];
  readonly #candidates: number;
  #passCount = 0;
  #isForwarding = false;
  #isDisposed = false;

  constructor({ model, context, contextTokens, sequences, candidates }: LlamaTokenModelOptions) {
    const vocabulary = [...model.iterateAllTokens()];
    this.vocabularySize = vocabulary.length;
    this.endTokens = new Set(vocabulary.filter((token) => model.isEogToken(token)));
    this.contextTokens = contextTokens;
    this.#context = context;
    this.#candidates = candidates;
    this.#slots = Array.from({ length: sequences }, () => ({ sequence: context.getSequence(), tokens: [], user: undefined, usedAt: 0 }));
  }

  openSequence(): TokenSequence {
    if (this.#isDisposed) throw new DisposedError('model');
    return new LlamaSequence(this, []);
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    if (this.#isDisposed) throw new DisposedError('model');
    this.requireIdle();
    const checked = rows.map((row) => this.#checked(row));
    this.#isForwarding = true;
    try {
      const logits = new Float32Array(rows.reduce((sum, { logitCount }) => sum + logitCount, 0) * this.vocabularySize).fill(LEAST_LOGIT);
      let start = 0;
      for (let first = 0; first < checked.length; first += this.#slots.length) {
        const wave = checked.slice(first, first + this.#slots.length);
        start = await this.#evaluateTogether(wave, logits, start);
      }
      for (const { sequence, tokens } of checked) sequence.tokens.push(...tokens);
      return logits;
    } finally {
      this.#isForwarding = false;
    }
  }

  /** @throws {ModelError} while a forward is under way. */
  requireIdle(): void {
    if (this.#isForwarding) throw new ModelError('The model was used while a forward is under way. Await the forward first.');
  }

  /** The tokens stay in their slot, for others that begin alike. */
  release(sequence: LlamaSequence): void {
    for (const slot of this.#slots) if (slot.user === sequence) slot.user = undefined;
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#context.dispose();
  }

  #checked(row: ForwardRow): LlamaRow {
    const { sequence, tokens, logitCount } = row;
    if (!(sequence instanceof LlamaSequence) || !sequence.isOpenOn(this))
      throw new InvalidOptionError('rows.sequence', 'an open sequence of this model', sequence);
    if (tokens.length === 0) throw new InvalidOptionError('rows.tokens', 'at least one token', tokens);
    if (logitCount < 0 || logitCount > tokens.length) throw new InvalidOptionError('rows.logitCount', `from 0 to ${tokens.length}`, logitCount);
    const needed = sequence.length + tokens.length;
    if (needed > this.contextTokens) throw new ContextLengthError(needed, this.contextTokens);
    return { sequence, tokens, logitCount };
  }

  /** Evaluations that are asked for in one turn of the event loop are one batch of llama.cpp. Returns where the next logits start. */
  async #evaluateTogether(rows: readonly LlamaRow[], logits: Float32Array, start: number): Promise<number> {
    this.#passCount++;
    const slots = assignSlots(
      this.#slots,
      rows.map((row) => ({ user: row.sequence, tokens: reusableTokens(row) })),
    );
    // All of them before any evaluation: what is asked for later would be another batch, and batches round differently.
    const held = await settleAll(rows.map((row, index) => alignSlot(slots[index]!, reusableTokens(row))));
    let end = start;
    const evaluations = rows.map((row, index) => {
      const at = end;
      end += row.logitCount * this.vocabularySize;
      return this.#evaluate(slots[index]!, row, held[index]!, (offset) => logits.subarray(at + offset * this.vocabularySize));
    });
    await settleAll(evaluations);
    return end;
  }

  /** @param rowOfLogits - Where the logits behind each asked token go, from the first. */
  async #evaluate(slot: Slot, { sequence, tokens, logitCount }: LlamaRow, held: number, rowOfLogits: (offset: number) => Float32Array): Promise<void> {
    const missing = [...sequence.tokens, ...tokens].slice(held);
    const generateNext = { probabilities: true, options: { temperature: 1, topK: this.#candidates, topP: 1, minP: 0 } } as const;
    const firstAsked = missing.length - logitCount;
    const input = missing.map((token, index): LlamaInput => (index < firstAsked ? token : [token, { generateNext }]));
    slot.tokens = undefined;
    slot.usedAt = this.#passCount;
    const outputs = input.length > 0 ? await slot.sequence.controlledEvaluate(input) : [];
    slot.tokens = [...sequence.tokens, ...tokens];
    for (let asked = 0; asked < logitCount; asked++) {
      const probabilities = outputs[firstAsked + asked]?.next.probabilities;
      if (!probabilities) throw new ModelError('It gave no probabilities.');
      const row = rowOfLogits(asked);
      for (const [token, probability] of probabilities) if (probability > 0) row[token] = Math.log(probability);
    }
  }
}

/** Waits for all, so that nothing is under way when one fails. @throws {ModelError} */
async function settleAll<Result>(work: readonly Promise<Result>[]): Promise<Result[]> {
  const outcomes = await Promise.allSettled(work);
  return outcomes.map((outcome) => {
    if (outcome.status === 'fulfilled') return outcome.value;
    const reason: unknown = outcome.reason;
    throw new ModelError(`node-llama-cpp failed: ${reason instanceof Error ? reason.message : String(reason)}`, { cause: reason });
  });
}

/** Tokens that need no evaluation where a cache has them: all but those whose logits are wanted. */
function reusableTokens({ sequence, tokens, logitCount }: LlamaRow): number[] {
  return [...sequence.tokens, ...tokens.slice(0, tokens.length - logitCount)];
}

/** Takes everything out of the slot's cache that is not wanted there. Returns how many of the wanted tokens it holds. */
async function alignSlot(slot: Slot, wanted: readonly number[]): Promise<number> {
  if (!slot.tokens) {
    await slot.sequence.clearHistory();
    slot.tokens = [];
  }
  const shared = sharedTokens(slot, wanted);
  if (shared === slot.tokens.length) return shared;
  await slot.sequence.eraseContextTokenRanges([{ start: shared, end: slot.tokens.length }]);
  // Models whose state cannot be cut anywhere fall back to an earlier point.
  const held = Math.min(shared, slot.sequence.nextTokenIndex);
  slot.tokens.length = held;
  return held;
}

type LlamaRow = ForwardRow & { readonly sequence: LlamaSequence };

class LlamaSequence implements TokenSequence {
  readonly tokens: number[];
  readonly #model: LlamaTokenModel;
  #isDisposed = false;

  constructor(model: LlamaTokenModel, tokens: readonly number[]) {
    model.requireIdle();
    this.#model = model;
    this.tokens = [...tokens];
  }

  get length(): number {
    return this.tokens.length;
  }

  isOpenOn(model: LlamaTokenModel): boolean {
    return this.#model === model && !this.#isDisposed;
  }

  truncate(length: number): void {
    this.#requireOpen();
    if (!Number.isInteger(length) || length < 0 || length > this.length) throw new InvalidOptionError('length', `from 0 to ${this.length}`, length);
    this.#model.requireIdle();
    this.tokens.length = length;
  }

  fork(): TokenSequence {
    this.#requireOpen();
    return new LlamaSequence(this.#model, this.tokens);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#model.requireIdle();
    this.#isDisposed = true;
    this.#model.release(this);
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw new DisposedError('sequence');
  }
}
