import type { Clock } from '../../contracts/clock.ts';
import type { TokenModel, TokenSequence } from '../../contracts/token-model.ts';
import { fillerTokens, openFilledSequences } from '../local/filled-sequences.ts';
import { StepCosts, type StepCost } from './step-costs.ts';

/** Tokens already in the cache of every measured row. */
const CONTEXT = 48;
const REPETITIONS = 3;
/** A clock that does not move (a virtual one) must not make a pass free. */
const LEAST_MS = 1e-3;

export interface CostGrid {
  readonly rows: readonly number[];
  readonly widths: readonly number[];
  /** No further repetition is started after this much time; every point is measured once at least. */
  readonly budgetMs: number;
}

/** Measures passes of a model over a grid; also warms the model up. Opens and disposes its own sequences. */
export async function measureStepCosts(model: TokenModel, clock: Clock, { rows, widths, budgetMs }: CostGrid): Promise<StepCosts> {
  const mostRows = Math.max(...rows);
  const context = Math.min(CONTEXT, Math.floor(model.contextTokens / 4));
  const sequences = await openFilledSequences(model, mostRows, context);
  try {
    const best = new Map<string, StepCost>();
    const startedAt = clock.now();
    for (let repetition = 0; repetition < REPETITIONS && (repetition === 0 || clock.now() - startedAt < budgetMs); repetition++) {
      for (const count of rows) {
        for (const width of widths) {
          const milliseconds = Math.max(LEAST_MS, await timePass(model, clock, sequences.slice(0, count), width));
          const key = `${count}x${width}`;
          // The least of few: what disturbs a measurement only ever makes it longer.
          if (milliseconds < (best.get(key)?.milliseconds ?? Infinity)) best.set(key, { rows: count, width, milliseconds });
        }
      }
    }
    return new StepCosts([...best.values()]);
  } finally {
    for (const sequence of sequences) sequence.dispose();
  }
}

async function timePass(model: TokenModel, clock: Clock, sequences: readonly TokenSequence[], width: number): Promise<number> {
  const lengths = sequences.map((sequence) => sequence.length);
  const rows = sequences.map((sequence) => ({ sequence, tokens: fillerTokens(width), logitCount: width }));
  const startedAt = clock.now();
  await model.forward(rows);
  const milliseconds = clock.now() - startedAt;
  sequences.forEach((sequence, index) => sequence.truncate(lengths[index]!));
  return milliseconds;
}
