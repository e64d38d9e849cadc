import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { ContextLengthError, DisposedError, InvalidOptionError, ModelError } from '../errors.ts';
import type { ManualClock } from './manual-clock.ts';

export interface ScriptedTokenModelOptions {
  readonly vocabularySize: number;
  readonly endTokens: readonly number[];
  /** @default 1024 */
  readonly contextTokens?: number;
  /** Logits `[vocabularySize]` of the position behind the given tokens, the prompt included. May throw. */
  readonly logits: (tokens: readonly number[]) => ArrayLike<number>;
  /** Moved on by `stepMs` for every forward. */
  readonly clock?: ManualClock;
  /** Milliseconds of a forward, by its rows. @default 0 */
  readonly stepMs?: (rows: readonly ForwardRow[]) => number;
}

/** A TokenModel whose logits are a function of the tokens: exact, instant, and on virtual time. Refuses wrong use as real models do. */
export class ScriptedTokenModel implements TokenModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  /** Sequences opened or forked and not disposed. */
  openSequences = 0;
  /** Rows of every forward so far. */
  readonly forwards: number[] = [];
  readonly #options: ScriptedTokenModelOptions;
  #isForwarding = false;
  #isDisposed = false;

  constructor(options: ScriptedTokenModelOptions) {
    this.#options = options;
    this.vocabularySize = options.vocabularySize;
    this.contextTokens = options.contextTokens ?? 1024;
    this.endTokens = new Set(options.endTokens);
  }

  openSequence(): TokenSequence {
    if (this.#isDisposed) throw new DisposedError('model');
    return new ScriptedSequence(this, []);
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    if (this.#isDisposed) throw new DisposedError('model');
    this.requireIdle();
    const checked = rows.map((row) => this.#checked(row));
    this.#isForwarding = true;
    try {
      const logits = this.#compute(checked);
      // A forward is under way until its caller can know that it is over.
      await Promise.resolve();
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

  async dispose(): Promise<void> {
    this.#isDisposed = true;
  }

  #checked(row: ForwardRow): ScriptedRow {
    const { sequence, tokens, logitCount } = row;
    if (!(sequence instanceof ScriptedSequence) || !sequence.isOpenOn(this)) {
      throw new InvalidOptionError('rows.sequence', 'an open sequence of this model', sequence);
    }
    if (tokens.length === 0) throw new InvalidOptionError('rows.tokens', 'at least one token', tokens);
    if (logitCount < 0 || logitCount > tokens.length) throw new InvalidOptionError('rows.logitCount', `from 0 to ${tokens.length}`, logitCount);
    const needed = sequence.length + tokens.length;
    if (needed > this.contextTokens) throw new ContextLengthError(needed, this.contextTokens);
    return { sequence, tokens, logitCount };
  }

  #compute(rows: readonly ScriptedRow[]): Logits {
    const { clock, stepMs, vocabularySize } = this.#options;
    clock?.advance(stepMs?.(rows) ?? 0);
    this.forwards.push(rows.length);
    const computed = rows.flatMap((row) => this.#rowLogits(row));
    const logits = new Float32Array(computed.length * vocabularySize);
    for (const [index, values] of computed.entries()) logits.set(values, index * vocabularySize);
    return logits;
  }

  #rowLogits({ sequence, tokens, logitCount }: ScriptedRow): ArrayLike<number>[] {
    const all = [...sequence.tokens, ...tokens];
    return Array.from({ length: logitCount }, (_, index) => this.#options.logits(all.slice(0, all.length - logitCount + index + 1)));
  }
}

type ScriptedRow = ForwardRow & { readonly sequence: ScriptedSequence };

class ScriptedSequence implements TokenSequence {
  readonly tokens: number[];
  readonly #model: ScriptedTokenModel;
  #isDisposed = false;

  constructor(model: ScriptedTokenModel, tokens: readonly number[]) {
    model.requireIdle();
    this.#model = model;
    this.tokens = [...tokens];
    model.openSequences++;
  }

  get length(): number {
    return this.tokens.length;
  }

  isOpenOn(model: ScriptedTokenModel): boolean {
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
    return new ScriptedSequence(this.#model, this.tokens);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#model.requireIdle();
    this.#isDisposed = true;
    this.#model.openSequences--;
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw new DisposedError('sequence');
  }
}
