import { InferenceSession } from 'onnxruntime-node';
import type { RuntimeUse } from './candidate.ts';

/** Adds up the time that sessions spend in `run`, onnxruntime-node's own JavaScript included. */
export class RuntimeClock {
  #calls = 0;
  #milliseconds = 0;

  /** Times every session of the calling thread that is created while `load` runs, for as long as the session lives. */
  async watch<Result>(load: () => Promise<Result>): Promise<Result> {
    const create = InferenceSession.create;
    InferenceSession.create = (async (...options: Parameters<typeof create>) => this.#timed(await create.apply(InferenceSession, options))) as typeof create;
    try {
      return await load();
    } finally {
      InferenceSession.create = create;
    }
  }

  read(): RuntimeUse {
    return { calls: this.#calls, milliseconds: this.#milliseconds };
  }

  #timed(session: InferenceSession): InferenceSession {
    const run = session.run.bind(session) as (...request: unknown[]) => Promise<InferenceSession.ReturnType>;
    session.run = async (...request: unknown[]) => {
      const startedAt = performance.now();
      const outputs = await run(...request);
      this.#milliseconds += performance.now() - startedAt;
      this.#calls++;
      return outputs;
    };
    return session;
  }
}
