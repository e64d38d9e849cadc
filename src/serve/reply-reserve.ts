import { quantile } from '../maths/quantile.ts';
import type { LoopLag } from './loop-lag.ts';

const KEPT = 64;
/** Share of replies whose lateness the reserve covers. Past saturation nearly all run to their deadline: what it leaves out is late. */
const COVERED = 0.98;
/** Of the time there is, however late replies have been. */
const MOST_SHARE = 0.5;

/**
 * Time kept free before a deadline for what follows the work. A run that uses all its time ends at its deadline, and its reply
 * is late by what it takes to be written: that is measured, and the run is told an earlier deadline. So is what a request has
 * lost before it was seen, as far as delays of this process tell.
 */
export class ReplyReserve {
  readonly #leastMs: number;
  readonly #lag: Pick<LoopLag, 'ms'>;
  readonly #lateness: number[] = [];

  /** @param leastMs - For what no clock of this side sees: the way to the client. */
  constructor(leastMs: number, lag: Pick<LoopLag, 'ms'>) {
    this.#leastMs = leastMs;
    this.#lag = lag;
  }

  /** @param latenessMs - Of a reply behind the deadline that its run was told; below 0 for one that was early. */
  add(latenessMs: number): void {
    this.#lateness.push(Math.max(0, latenessMs));
    if (this.#lateness.length > KEPT) this.#lateness.shift();
  }

  /** Milliseconds to keep free of these. */
  of(milliseconds: number): number {
    const late = this.#lateness.length > 0 ? quantile(this.#lateness, COVERED) : 0;
    return milliseconds < Infinity ? Math.min(this.#leastMs + this.#lag.ms + late, MOST_SHARE * milliseconds) : 0;
  }
}
