import type { GraphSession, Tensors, ValueMetadata } from './graph-session.ts';

/** Does work once all earlier work is over. Work that fails does not hold up what comes after it. */
export type Turns = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** Of the page or worker, whichever copies of this package it has loaded. */
const TURNS = Symbol.for('latency-tts.onnxruntime-web');
const realm = globalThis as { [TURNS]?: Promise<unknown> };

/** Turns of a page or a Web Worker: ONNX Runtime takes one call at a time there, over all sessions. */
export const pageTurns: Turns = (work) => {
  const result = (realm[TURNS] ?? Promise.resolve()).then(nextTask).then(work);
  realm[TURNS] = result.catch(() => undefined);
  return result;
};

/**
 * Waits for a task of its own. A pass in WebAssembly ends without one, and passes that follow one another in microtasks would
 * keep messages, aborts and drawing waiting to the end of the text.
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** A session that runs when no other one with the same turns does. */
export class ExclusiveSession implements GraphSession {
  readonly #session: GraphSession;
  readonly #inTurn: Turns;

  constructor(session: GraphSession, inTurn: Turns) {
    this.#session = session;
    this.#inTurn = inTurn;
  }

  get inputNames(): readonly string[] {
    return this.#session.inputNames;
  }

  get outputNames(): readonly string[] {
    return this.#session.outputNames;
  }

  get inputMetadata(): readonly ValueMetadata[] {
    return this.#session.inputMetadata;
  }

  get outputMetadata(): readonly ValueMetadata[] {
    return this.#session.outputMetadata;
  }

  run(...given: Parameters<GraphSession['run']>): Promise<Tensors> {
    return this.#inTurn(() => this.#session.run(...given));
  }

  release(): Promise<void> {
    return this.#inTurn(() => this.#session.release());
  }
}
