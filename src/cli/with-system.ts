import type { Engine, EngineCapabilities, Session, SessionOptions } from '../contracts/engine.ts';
import type { PassMeter } from '../contracts/profile.ts';
import type { Prompt } from '../contracts/prompt.ts';

/** The engine with a system message before prompts that have none. A `{ text }` stays as it is. */
export function withSystem(engine: Engine, system: string): Engine {
  return new EngineWithSystem(engine, system);
}

class EngineWithSystem implements Engine {
  readonly #engine: Engine;
  readonly #system: string;

  constructor(engine: Engine, system: string) {
    this.#engine = engine;
    this.#system = system;
  }

  get name(): string {
    return this.#engine.name;
  }

  get contextTokens(): number | undefined {
    return this.#engine.contextTokens;
  }

  get capabilities(): EngineCapabilities | undefined {
    return this.#engine.capabilities;
  }

  get formats(): readonly string[] {
    return this.#engine.formats ?? [];
  }

  get passes(): PassMeter | undefined {
    return this.#engine.passes;
  }

  ready(options?: { readonly signal?: AbortSignal }): Promise<void> {
    return this.#engine.ready(options);
  }

  open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    return this.#engine.open(this.#withSystem(prompt), options);
  }

  dispose(): Promise<void> {
    return this.#engine.dispose();
  }

  #withSystem(prompt: Prompt): Prompt {
    const system = { role: 'system', content: this.#system } as const;
    if (typeof prompt === 'string') return [system, { role: 'user', content: prompt }];
    if ('text' in prompt || prompt.some(({ role }) => role === 'system')) return prompt;
    return [system, ...prompt];
  }
}
