import { InferenceSession } from 'onnxruntime-node';
import type { RuntimeUse } from './candidate.ts';

/** Adds up the time that sessions spend in `run`, onnxruntime-node's own JavaScript included. */
export class RuntimeClock {
  /** By the path of the graph. */
  readonly #uses = new Map<string, RuntimeUse>();

  /** Times every session of the calling thread that is created while `load` runs, for as long as the session lives. */
  async watch<Result>(load: () => Promise<Result>): Promise<Result> {
    const create = InferenceSession.create;
    InferenceSession.create = (async (...options: Parameters<typeof create>) =>
      this.#timed(await create.apply(InferenceSession, options), String(options[0]))) as typeof create;
    try {
      return await load();
    } finally {
      InferenceSession.create = create;
    }
  }

  /** Of all sessions, or of those whose graph's path has `part` in it. */
  read(part = ''): RuntimeUse {
    const uses = [...this.#uses].filter(([path]) => path.includes(part)).map(([, use]) => use);
    return {
      calls: uses.reduce((sum, { calls }) => sum + calls, 0),
      milliseconds: uses.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
    };
  }

  #timed(session: InferenceSession, path: string): InferenceSession {
    const run = session.run.bind(session) as (...request: unknown[]) => Promise<InferenceSession.ReturnType>;
    session.run = async (...request: unknown[]) => {
      const startedAt = performance.now();
      const outputs = await run(...request);
      const { calls, milliseconds } = this.#uses.get(path) ?? { calls: 0, milliseconds: 0 };
      this.#uses.set(path, { calls: calls + 1, milliseconds: milliseconds + performance.now() - startedAt });
      return outputs;
    };
    return session;
  }
}
