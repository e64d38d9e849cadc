import type { TokenModel, TokenSequence } from '../../contracts/token-model.ts';
import { DisposedError, ModelError } from '../../errors.ts';
import { logSumExp } from '../../maths/sampling.ts';
import type { BranchState } from './branch-state.ts';
import type { DecodeLoop } from './decode-loop.ts';

/** A text that is asked about, behind what a branch holds. */
interface TextReading {
  readonly state: BranchState;
  /** At least one. */
  readonly tokens: readonly number[];
  readonly resolve: (logprobs: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Tells what a model would give texts for a probability; those asked about at one time are read in one pass. */
export class TextReader {
  readonly #model: TokenModel;
  readonly #loop: DecodeLoop;
  readonly #onForward: () => void;
  #readings: TextReading[] = [];
  #isClosed = false;

  constructor({ model, loop }: { readonly model: TokenModel; readonly loop: DecodeLoop }, onForward: () => void) {
    this.#model = model;
    this.#loop = loop;
    this.#onForward = onForward;
  }

  /**
   * @param stateOf - Called when the model is idle: only then is a branch sure to have a state.
   * @returns `undefined` where the model gives one row of logits a pass.
   */
  async logprobsOf(stateOf: () => BranchState, tokens: readonly number[]): Promise<readonly number[] | undefined> {
    if (this.#model.cannotVerify !== undefined) return undefined;
    if (tokens.length === 0) return [];
    return new Promise((resolve, reject) => {
      this.#loop.whenIdle(() => {
        this.#readings.push({ state: stateOf(), tokens, resolve, reject });
        if (this.#readings.length === 1) void this.#loop.exclusively(() => this.#read());
      });
    });
  }

  /** What waits to be read rejects: the branches are gone. */
  close(): void {
    this.#isClosed = true;
  }

  async #read(): Promise<void> {
    const readings = this.#readings;
    this.#readings = [];
    if (this.#isClosed) {
      for (const { reject } of readings) reject(new DisposedError('session'));
      return;
    }
    this.#onForward();
    await readTexts(this.#model, readings);
  }
}

/**
 * Reads texts in one pass, behind copies of their branches' caches. The model must be idle, and able to give several rows of
 * logits. Settles every reading; never rejects.
 */
async function readTexts(model: TokenModel, readings: readonly TextReading[]): Promise<void> {
  const forks: TokenSequence[] = [];
  try {
    const rows = readings.flatMap(({ state, tokens }) => {
      const row = { tokens: [...state.pending, ...tokens.slice(0, -1)], logitCount: tokens.length - knownRows(state) };
      if (row.logitCount === 0) return [];
      forks.push(state.sequence.fork());
      return [{ ...row, sequence: forks.at(-1)! }];
    });
    const logits = rows.length > 0 ? await model.forward(rows) : new Float32Array(0);
    let next = 0;
    for (const { state, tokens, resolve } of readings) {
      resolve(
        tokens.map((token, place) => {
          const isKnown = place < knownRows(state);
          return logprobAt(isKnown ? state.logits! : logits, isKnown ? 0 : next++ * model.vocabularySize, model.vocabularySize, token);
        }),
      );
    }
  } catch (error) {
    for (const { reject } of readings) reject(error);
  } finally {
    for (const fork of forks) fork.dispose();
  }
}

/** Rows of logits that need no pass: right behind the prompt one. */
function knownRows({ pending, logits }: BranchState): number {
  return pending.length === 0 && logits !== undefined ? 1 : 0;
}

function logprobAt(logits: Float32Array, start: number, size: number, token: number): number {
  const logprob = logits[start + token]! - logSumExp(logits, start, size);
  if (Number.isNaN(logprob)) throw new ModelError('The model gave logits that are not numbers.');
  return logprob;
}
