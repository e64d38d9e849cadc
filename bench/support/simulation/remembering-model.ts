import type { ForwardRow, Logits, TokenModel, TokenSequence } from 'latency-tts';
import type { SimulationClock } from './simulation-clock.ts';

/** What a pass looks like to whoever knows how long passes take. */
export interface PassRows {
  readonly rows: number;
  /** Of the longest row. */
  readonly newTokens: number;
  /** Tokens of all rows. */
  readonly totalTokens: number;
  /** Tokens held before, the mean of the rows. */
  readonly contextTokens: number;
}

/** A text that the model has been given, token by token from the root, and what it said behind it. */
class Place {
  readonly parent: Place | undefined;
  readonly token: number;
  readonly depth: number;
  logits: Float32Array | undefined;
  readonly #next = new Map<number, Place>();

  constructor(parent?: Place, token = -1) {
    this.parent = parent;
    this.token = token;
    this.depth = parent ? parent.depth + 1 : 0;
  }

  behind(token: number): Place {
    let next = this.#next.get(token);
    if (!next) this.#next.set(token, (next = new Place(this, token)));
    return next;
  }

  /** Tokens from `depth` up to here. */
  tokensFrom(depth: number): number[] {
    if (this.depth <= depth) return [];
    const tokens = this.parent!.tokensFrom(depth);
    tokens.push(this.token);
    return tokens;
  }
}

/**
 * A model that computes every text once: what it has said behind a text it says again, and the model itself is asked only for
 * what is new. A pass takes the simulated time that it would take, whether or not anything had to be computed.
 *
 * So a strategy can be run again and again, with other options, deadlines or strategies, and each run is what it would be on
 * the model itself, at the given times of passes.
 */
export class RememberingModel implements TokenModel {
  readonly #model: TokenModel;
  readonly #clock: SimulationClock;
  readonly #passMs: (shape: PassRows) => number;
  readonly #open = new Set<RememberedSequence>();
  #root = new Place();
  /** Rows that the model was given, and rows that it computed. */
  readonly counts = { asked: 0, computed: 0 };

  constructor(model: TokenModel, clock: SimulationClock, passMs: (shape: PassRows) => number) {
    this.#model = model;
    this.#clock = clock;
    this.#passMs = passMs;
  }

  get vocabularySize(): number {
    return this.#model.vocabularySize;
  }

  get contextTokens(): number {
    return this.#model.contextTokens;
  }

  get endTokens(): ReadonlySet<number> {
    return this.#model.endTokens;
  }

  get sampling(): NonNullable<TokenModel['sampling']> {
    return this.#model.sampling ?? {};
  }

  openSequence(): RememberedSequence {
    return this.#add(new RememberedSequence(this.#root, undefined, (sequence) => this.#add(sequence)));
  }

  async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    const sequences = rows.map(({ sequence }) => sequence as RememberedSequence);
    const lengths = rows.map(({ tokens }) => tokens.length);
    const totalTokens = lengths.reduce((sum, length) => sum + length, 0);
    const contextTokens = sequences.reduce((sum, { length }) => sum + length, 0) / rows.length;
    const waited = this.#clock.wait(this.#passMs({ rows: rows.length, newTokens: Math.max(...lengths), totalTokens, contextTokens }));
    const wanted = rows.map(({ tokens, logitCount }, row) => {
      const places: Place[] = [];
      let place = sequences[row]!.place;
      for (const token of tokens) places.push((place = place.behind(token)));
      return places.slice(places.length - logitCount);
    });
    const missing = wanted.flatMap((places, row) => (places.some(({ logits }) => !logits) ? [row] : []));
    if (missing.length > 0) await this.#clock.hold(this.#compute(missing.map((row) => ({ sequence: sequences[row]!, places: wanted[row]! }))));
    await waited;
    for (const [row, { tokens }] of rows.entries()) sequences[row]!.take(tokens);
    this.counts.asked += rows.length;
    this.counts.computed += missing.length;
    const size = this.vocabularySize;
    const logits = new Float32Array(wanted.flat().length * size);
    for (const [index, place] of wanted.flat().entries()) logits.set(place.logits!, index * size);
    return logits;
  }

  async dispose(): Promise<void> {
    this.forget();
    await this.#model.dispose();
  }

  /** Forgets every text. Sequences that are still open are of no use then. */
  forget(): void {
    for (const sequence of this.#open) sequence.dispose();
    this.#open.clear();
    this.#root = new Place();
  }

  #add(sequence: RememberedSequence): RememberedSequence {
    this.#open.add(sequence);
    sequence.onDispose = () => this.#open.delete(sequence);
    return sequence;
  }

  async #compute(rows: readonly { readonly sequence: RememberedSequence; readonly places: readonly Place[] }[]): Promise<void> {
    const asked = rows.map(({ sequence, places }) => {
      const real = (sequence.real ??= this.#model.openSequence());
      // What logits are read behind has to be fed again where it is held already.
      if (real.length >= places[0]!.depth) real.truncate(places[0]!.depth - 1);
      return { sequence: real, tokens: places.at(-1)!.tokensFrom(real.length), logitCount: places.length };
    });
    const logits = await this.#model.forward(asked);
    const size = this.vocabularySize;
    let next = 0;
    for (const { places } of rows) for (const place of places) place.logits = logits.slice(next * size, ++next * size);
  }
}

/** Tokens, and a sequence of the model behind them that holds some of them once something had to be computed. */
class RememberedSequence implements TokenSequence {
  place: Place;
  real: TokenSequence | undefined;
  onDispose: () => void = () => undefined;
  readonly #add: (sequence: RememberedSequence) => void;

  constructor(place: Place, real: TokenSequence | undefined, add: (sequence: RememberedSequence) => void) {
    this.place = place;
    this.real = real;
    this.#add = add;
  }

  get length(): number {
    return this.place.depth;
  }

  take(tokens: readonly number[]): void {
    for (const token of tokens) this.place = this.place.behind(token);
  }

  truncate(length: number): void {
    while (this.place.depth > length) this.place = this.place.parent!;
    if (this.real && this.real.length > length) this.real.truncate(length);
  }

  fork(): RememberedSequence {
    const fork = new RememberedSequence(this.place, this.real?.fork(), this.#add);
    this.#add(fork);
    return fork;
  }

  dispose(): void {
    this.real?.dispose();
    this.real = undefined;
    this.onDispose();
  }
}
