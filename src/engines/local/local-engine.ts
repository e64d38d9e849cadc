import type { Clock } from '../../contracts/clock.ts';
import type { Engine, Session, SessionOptions } from '../../contracts/engine.ts';
import type { PassMeter } from '../../contracts/profile.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import type { Tokenizer } from '../../contracts/tokenizer.ts';
import { ContextLengthError, DisposedError, InvalidOptionError } from '../../errors.ts';
import type { Sampling } from '../../maths/sampling.ts';
import { requirePrompt } from '../../options.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import type { Speculation } from '../speculation/speculation.ts';
import { DecodeLoop } from './decode-loop.ts';
import { LocalPassMeter, type MeteredModel } from './local-pass-meter.ts';
import type { Verification } from './lane.ts';
import { LocalSession, type LocalSessionHost } from './local-session.ts';
import { PrefixCache } from './prefix-cache.ts';
import { requireSessionOptions } from '../advance-options.ts';

/** A loaded model and what belongs to it. */
export interface LoadedModel extends MeteredModel {
  readonly tokenizer: Tokenizer;
  /** Defaults of sessions that do not say otherwise. */
  readonly sampling: Sampling;
  /** Most branches decoded in one step. */
  readonly maxRows: number;
  /** Owned by the engine. */
  readonly speculation?: Speculation;
  /** @default 'coupled' */
  readonly verification?: Verification;
  /** The draft model of `speculation`, for its passes to be timed. */
  readonly draft?: MeteredModel;
  /** Owned by the engine. @default one of the default size */
  readonly prefixes?: PrefixCache;
  /** What passes are timed with. @default the system clock */
  readonly clock?: Clock;
  /**
   * Lets the thread's event loop take in what has arrived, where calls come from another thread: so that whoever is answered in
   * the middle of a branch misses no pass more than in the thread itself.
   */
  readonly takeTurn?: () => Promise<void>;
}

/** Decodes in the calling thread. `Decoder` puts one of these into a worker. */
export class LocalEngine implements Engine {
  readonly name: string;
  readonly passes: PassMeter;
  readonly #host: LocalSessionHost;
  #isDisposed = false;

  constructor({
    tokenizer,
    maxRows,
    speculation,
    draft,
    verification = 'coupled',
    prefixes = new PrefixCache(),
    clock = systemClock,
    takeTurn,
    ...target
  }: LoadedModel) {
    const { name, model, sampling } = target;
    this.name = name;
    this.#host = { model, tokenizer, sampling, speculation, verification, prefixes, loop: new DecodeLoop(model, maxRows, speculation, takeTurn) };
    this.passes = new LocalPassMeter({ target, draft, loop: this.#host.loop, maxRows, sampling, verification, clock });
  }

  get contextTokens(): number {
    return this.#host.model.contextTokens;
  }

  async ready(): Promise<void> {
    if (this.#isDisposed) throw new DisposedError('engine');
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    if (this.#isDisposed) throw new DisposedError('engine');
    requireSessionOptions(options);
    options.signal?.throwIfAborted();
    requirePrompt(prompt);
    const tokens = this.#host.tokenizer.encodePrompt(prompt);
    if (tokens.length === 0) throw new InvalidOptionError('prompt', 'text with at least one token', prompt);
    if (tokens.length >= this.contextTokens) throw new ContextLengthError(tokens.length, this.contextTokens);
    return LocalSession.open(this.#host, tokens, options);
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const { loop, model, speculation, prefixes } = this.#host;
    prefixes.dispose();
    // At once when idle: a moment later the loop may be in the next forward.
    await new Promise((resolve) => loop.whenIdle(() => resolve(Promise.all([model.dispose(), speculation?.dispose()]))));
  }
}
