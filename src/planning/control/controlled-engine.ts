import type { Branch, BranchProgress, Engine, Session, SessionOptions } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import { watchProgress } from '../../runtime/watch-progress.ts';

/** How often a controller looks. */
const LOOK_INTERVAL_MS = 20;

export interface ControlledEngineOptions {
  /** Tokens drafted a round; left to the engine where it is undefined. */
  readonly draftLength: number | undefined;
  /** Weight format of sessions, where the engine has it. */
  readonly format: string | undefined;
  /** Told of open branches from time to time; returns those to be dropped. */
  observe?(progress: readonly BranchProgress[]): readonly number[];
}

/** An engine whose sessions a plan watches: it sets the draft length and drops branches, unseen by the strategy. */
export class ControlledEngine implements Engine {
  /** Whether the strategy itself ended branches. */
  hasStrategyAborted = false;
  readonly #engine: Engine;
  readonly #options: ControlledEngineOptions;

  constructor(engine: Engine, options: ControlledEngineOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  get name(): string {
    return this.#engine.name;
  }

  get contextTokens(): number | undefined {
    return this.#engine.contextTokens;
  }

  get formats(): readonly string[] {
    return this.#engine.formats ?? [];
  }

  get capabilities(): Engine['capabilities'] {
    return this.#engine.capabilities;
  }

  async ready(options?: { readonly signal?: AbortSignal }): Promise<void> {
    await this.#engine.ready(options);
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    const { draftLength, format, observe } = this.#options;
    const watched: Branch[] = [];
    const session = await this.#engine.open(prompt, {
      ...options,
      ...(draftLength !== undefined && { draftLength }),
      ...(format !== undefined && this.formats.includes(format) && { format }),
      ...(observe &&
        watchProgress(options, LOOK_INTERVAL_MS, (progress) => {
          for (const number of observe(progress)) watched[number]?.abort();
        })),
    });
    return {
      promptTokens: session.promptTokens,
      branch: (count, asked) => {
        const branches = session.branch(count, asked);
        watched.push(...branches);
        return branches.map((branch) => this.#noticing(branch));
      },
      usage: () => session.usage(),
      dispose: () => session.dispose(),
    };
  }

  async dispose(): Promise<void> {
    await this.#engine.dispose();
  }

  #noticing(branch: Branch): Branch {
    const notice = (): void => void (this.hasStrategyAborted = true);
    return new Proxy(branch, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...values: unknown[]) => {
          if (key === 'abort') notice();
          return (value as (...values: unknown[]) => unknown).apply(target, values);
        };
      },
    });
  }
}
