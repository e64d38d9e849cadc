import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../contracts/token-model.ts';
import { DisposedError } from '../errors.ts';
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

/** A TokenModel whose logits are a function of the tokens: exact, instant, and on virtual time. */
export class ScriptedTokenModel implements TokenModel {
  readonly vocabularySize: number;
  readonly contextTokens: number;
  readonly endTokens: ReadonlySet<number>;
  /** Sequences opened or forked and not disposed. */
  openSequences = 0;
  /** Rows of every forward so far. */
  readonly forwards: number[] = [];
  readonly #options: ScriptedTokenModelOptions;
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
    const { clock, stepMs, vocabularySize } = this.#options;
    clock?.advance(stepMs?.(rows) ?? 0);
    this.forwards.push(rows.length);
    const computed = rows.map((row) => this.#rowLogits(row));
    for (const { sequence, tokens } of rows) (sequence as ScriptedSequence).tokens.push(...tokens);
    const flat = computed.flat();
    const logits = new Float32Array(flat.length * vocabularySize);
    for (const [index, values] of flat.entries()) logits.set(values, index * vocabularySize);
    return logits;
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
  }

  #rowLogits({ sequence, tokens, logitCount }: ForwardRow): ArrayLike<number>[] {
    const held = (sequence as ScriptedSequence).tokens;
    return Array.from({ length: logitCount }, (_, index) => this.#options.logits([...held, ...tokens.slice(0, tokens.length - logitCount + index + 1)]));
  }
}

class ScriptedSequence implements TokenSequence {
  readonly tokens: number[];
  readonly #model: ScriptedTokenModel;
  #isDisposed = false;

  constructor(model: ScriptedTokenModel, tokens: readonly number[]) {
    this.#model = model;
    this.tokens = [...tokens];
    model.openSequences++;
  }

  get length(): number {
    return this.tokens.length;
  }

  truncate(length: number): void {
    this.tokens.length = length;
  }

  fork(): TokenSequence {
    return new ScriptedSequence(this.#model, this.tokens);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#model.openSequences--;
  }
}
