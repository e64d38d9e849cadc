/**
 * One model in several weight formats: each has a runtime session, a cache and a thread of its own, and a session of the engine
 * stays in one of them. Choosing by the width of each pass would be faster still, but what a branch writes would then depend on what
 * else is decoded, since formats differ in their logits.
 *
 * @module
 */
import type { Engine, Session, SessionOptions } from '../contracts/engine.ts';
import type { PassMeter } from '../contracts/profile.ts';
import type { Prompt } from '../contracts/prompt.ts';
import { InvalidOptionError, ModelMemoryError } from '../errors.ts';
import type { ThreadChoice } from '../port/thread-choice.ts';
import type { EnginePlan } from './load-engine.ts';
import { ThreadedEngine } from './threaded-engine.ts';
import { requireSessionOptions } from './advance-options.ts';

/** From this many branches on the last format is used: where int8 overtakes int4 on processors (`npm run bench:formats`). */
const WIDE_BRANCHES = 4;
/** Name of the only format of a model that was loaded in one. */
const ONLY = '';

export class FormatEngine implements Engine {
  readonly passes: PassMeter;
  readonly #first: ThreadedEngine;
  /** From the one for narrow passes to the one for wide passes. */
  readonly #engines = new Map<string, ThreadedEngine>();

  /** Loads nothing yet. @throws {InvalidOptionError} for a thread that the model cannot compute in. */
  constructor({ target: model, prefixCacheBytes, ...plan }: EnginePlan, threads: ThreadChoice) {
    const models = Object.entries(model.formats ?? { [ONLY]: model });
    const share = prefixCacheBytes === undefined ? {} : { prefixCacheBytes: Math.floor(prefixCacheBytes / models.length) };
    for (const [format, target] of models) this.#engines.set(format, new ThreadedEngine({ ...plan, ...share, target }, threads));
    this.#first = this.#engines.values().next().value!;
    this.passes = this.#first.passes;
  }

  get name(): string {
    return this.#first.name;
  }

  get contextTokens(): number {
    return this.#first.contextTokens;
  }

  /** Those whose weights did not fit into memory along with the first are missing once the engine is ready. */
  get formats(): readonly string[] {
    return [...this.#engines.keys()].filter((format) => format !== ONLY);
  }

  /**
   * The engine with all of its sessions in one format, and the passes of that format: what `profileEngine` is to measure. It ends
   * with this one.
   *
   * @throws {InvalidOptionError} for a format that is not there.
   */
  inFormat(format: string): Engine {
    const engine = this.#engines.get(format);
    if (engine && format !== ONLY) return engine;
    const expected = this.formats.length > 0 ? `one of ${this.formats.map((name) => `'${name}'`).join(', ')}` : 'left out for a model in one format';
    throw new InvalidOptionError('format', expected, format);
  }

  /** Loads the models of all formats. @throws {ModelLoadError | VocabularyMismatchError} */
  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    // One after the other, so that each is measured against the memory that the ones before have left.
    for (const [format, engine] of this.#engines) {
      try {
        await engine.ready(options);
      } catch (error) {
        if (engine === this.#first || !(error instanceof ModelMemoryError)) throw error;
        this.#engines.delete(format);
        await engine.dispose();
      }
    }
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    requireSessionOptions(options);
    const { format, expectedBranches = 1, signal } = options;
    if (format !== undefined) this.inFormat(format);
    if (this.#engines.size > 1) await this.ready(signal ? { signal } : {});
    const engines = [...this.#engines.values()];
    const engine = format === undefined ? engines.at(expectedBranches < WIDE_BRANCHES ? 0 : -1)! : (this.inFormat(format) as ThreadedEngine);
    return engine.open(prompt, options);
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#engines.values()].map((engine) => engine.dispose()));
  }
}
