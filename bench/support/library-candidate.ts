import type * as Library from 'latency-tts';
import type { Candidate, DecodeRequest, DecodeRun, Threads } from './candidate.ts';
import { RuntimeClock } from './runtime-clock.ts';

/**
 * The package as it is shipped. Imported by its place, because tsx would resolve `latency-tts` to the sources and
 * rewrite them with a wrapper around every closure.
 */
const { bundledModels, Decoder } = (await import(new URL('../../dist/index.node.js', import.meta.url).href)) as typeof Library;

/** Our decoder on the bundled target, native layout. */
export class LibraryCandidate implements Candidate {
  readonly name: string;
  readonly #engine: Library.Decoder;
  /** Only sessions of this thread can be watched. */
  readonly #clock: RuntimeClock | undefined;

  private constructor(name: string, engine: Library.Decoder, clock: RuntimeClock | undefined) {
    this.name = name;
    this.#engine = engine;
    this.#clock = clock;
  }

  static async load(thread: 'worker' | 'main', threads: Threads): Promise<LibraryCandidate> {
    const { target } = await bundledModels(threads === 'default' ? {} : { threads });
    const engine = new Decoder({ model: target, thread });
    const clock = thread === 'main' ? new RuntimeClock() : undefined;
    await (clock ? clock.watch(() => engine.ready()) : engine.ready());
    return new LibraryCandidate(`latency-tts, ${thread} thread`, engine, clock);
  }

  async run({ question, branches, seed, temperature, maxTokens }: DecodeRequest): Promise<DecodeRun> {
    const startedAt = performance.now();
    const session = await this.#engine.open(question, { seed, sampling: { temperature } });
    const readAt = performance.now();
    const before = this.#clock?.read();
    const segments: Library.Segment[] = await Promise.all(session.branch(branches).map((branch) => branch.advance({ until: { tokens: maxTokens } })));
    const endedAt = performance.now();
    const after = this.#clock?.read();
    await session.dispose();
    const tokens = segments.reduce((sum, segment) => sum + segment.tokens.length, 0);
    return {
      texts: segments.map(({ text }) => text),
      totalMs: performance.now() - startedAt,
      decodeMs: endedAt - readAt,
      usefulTokens: tokens,
      computedTokens: tokens,
      ...(before && after && { runtime: { calls: after.calls - before.calls, milliseconds: after.milliseconds - before.milliseconds } }),
    };
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }
}
