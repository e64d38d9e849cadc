import { join } from 'node:path';
import type * as Library from 'latency-tts';
import type { Candidate, DecodeRequest, DecodeRun, RuntimeUse, Threads } from './candidate.ts';
import { RuntimeClock } from './runtime-clock.ts';

/**
 * The package as it is shipped. Imported by its place, because tsx would resolve `latency-tts` to the sources and
 * rewrite them with a wrapper around every closure.
 */
const { bundledModels, Decoder, SpeculativeDecoder } = (await import(new URL('../../dist/index.node.js', import.meta.url).href)) as typeof Library;

/** Draft and verification options; models and thread are the benchmark's to choose. */
export type SpeculationOptions = Pick<Library.SpeculativeDecoderOptions, 'drafters' | 'draftLength' | 'minConfidence' | 'verification'>;

/** The thread an engine runs in, and the threads inside its operators. */
export interface Place {
  readonly thread: 'worker' | 'main';
  readonly threads: Threads;
}

/** Our decoders on the bundled models, native layout. */
export class LibraryCandidate implements Candidate {
  readonly name: string;
  readonly #engine: Library.Engine;
  /** Only sessions of this thread can be watched. */
  readonly #clock: RuntimeClock | undefined;

  private constructor(name: string, engine: Library.Engine, clock: RuntimeClock | undefined) {
    this.name = name;
    this.#engine = engine;
    this.#clock = clock;
  }

  static async load(thread: 'worker' | 'main', threads: Threads): Promise<LibraryCandidate> {
    const { target } = await modelsAt(threads);
    return LibraryCandidate.#start(`latency-tts, ${thread} thread`, thread, new Decoder({ model: target, thread }));
  }

  /** Plain decoding without options, else speculation. */
  static async loadNamed(name: string, options: SpeculationOptions | undefined, { thread, threads }: Place): Promise<LibraryCandidate> {
    const { target, draft } = await modelsAt(threads);
    const engine = options ? new SpeculativeDecoder({ target, draft, thread, ...options }) : new Decoder({ model: target, thread });
    return LibraryCandidate.#start(name, thread, engine);
  }

  static async #start(name: string, thread: 'worker' | 'main', engine: Library.Engine): Promise<LibraryCandidate> {
    const clock = thread === 'main' ? new RuntimeClock() : undefined;
    await (clock ? clock.watch(() => engine.ready()) : engine.ready());
    return new LibraryCandidate(name, engine, clock);
  }

  async run({ question, branches, seed, temperature, maxTokens }: DecodeRequest): Promise<DecodeRun> {
    const startedAt = performance.now();
    const session = await this.#engine.open(question, { seed, sampling: { temperature } });
    const readAt = performance.now();
    const before = this.#readClock();
    const segments: Library.Segment[] = await Promise.all(session.branch(branches).map((branch) => branch.advance({ until: { tokens: maxTokens } })));
    const endedAt = performance.now();
    const after = this.#readClock();
    const { speculation } = session.usage();
    await session.dispose();
    const tokens = segments.reduce((sum, segment) => sum + segment.tokenCount, 0);
    return {
      texts: segments.map(({ text }) => text),
      totalMs: performance.now() - startedAt,
      decodeMs: endedAt - readAt,
      usefulTokens: tokens,
      computedTokens: tokens,
      ...(speculation && { drafts: speculation }),
      ...(before && after && { runtime: difference(after.all, before.all), draftRuntime: difference(after.draft, before.draft) }),
    };
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }

  #readClock(): { readonly all: RuntimeUse; readonly draft: RuntimeUse } | undefined {
    return this.#clock && { all: this.#clock.read(), draft: this.#clock.read(join('models', 'draft')) };
  }
}

/** What candidates of other engines need to know of the bundled target. */
export async function targetFacts(): Promise<{ readonly tokenizer: Library.Tokenizer; readonly contextTokens: number }> {
  const { target } = await bundledModels();
  return { tokenizer: await target.loadTokenizer(), contextTokens: target.contextTokens };
}

function modelsAt(threads: Threads): ReturnType<typeof bundledModels> {
  return bundledModels(threads === 'default' ? {} : { threads });
}

function difference(after: RuntimeUse, before: RuntimeUse): RuntimeUse {
  return { calls: after.calls - before.calls, milliseconds: after.milliseconds - before.milliseconds };
}
