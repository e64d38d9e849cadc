import type { Clock } from '../contracts/clock.ts';
import { censoredQuantile, type CensoredTime } from '../maths/censored-quantile.ts';
import { quantile } from '../maths/quantile.ts';
import { isNoLarger, isSameSize, type WorkSize } from './work-size.ts';

/** Times kept of one kind and size of work, and of all sizes of a kind. */
const KEPT = 32;
const KEPT_OF_KIND = 256;
/** Share of what was enough that is taken for luck. */
const LUCKY = 0.1;
/** Share of work that ends within the time that is planned for it. */
const PLANNED = 0.75;
/** What is older says little of the load of today, and a server that refuses all must try again one day. */
const FORGOTTEN_AFTER_MS = 60_000;

/** What takes about as long: a model and a strategy, and how much of it. */
export interface Work {
  readonly kind: string;
  readonly size: WorkSize;
}

/** How work ended. */
export interface WorkEnd {
  /** Whether its deadline cut it: it would have gone on. */
  readonly isCut: boolean;
  /** Whether it came to something whole all the same. */
  readonly hasAnswer: boolean;
}

interface ServiceTime extends CensoredTime, WorkEnd {
  readonly size: WorkSize;
  readonly at: number;
}

/**
 * How long recent work took. Work of the same size tells; where there was none of late, other sizes of its kind do: all of
 * them how long a wait may be, but only those that are no larger how much time is needed.
 */
export class ServiceTimes {
  readonly #clock: Clock;
  readonly #times = new Map<string, ServiceTime[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add({ kind, size }: Work, milliseconds: number, end: WorkEnd): void {
    const times = [...this.#recent(kind), { size, milliseconds, at: this.#clock.now(), ...end }];
    const surplus = times.length > KEPT_OF_KIND || times.filter((time) => isSameSize(time.size, size)).length > KEPT;
    if (surplus) {
      const oldest = times.length > KEPT_OF_KIND ? 0 : times.findIndex((time) => isSameSize(time.size, size));
      times.splice(oldest, 1);
    }
    this.#times.set(kind, times);
  }

  /** How long three in four take where nothing cuts them; 0 where nothing is known, so that the first are let in. */
  plannedMs(work: Work): number {
    return censoredQuantile(this.#alike(work), PLANNED);
  }

  /** What work that has taken so long is likely to take yet: as much as what took longer did. */
  remainingMs(work: Work, elapsedMs: number): number {
    const times = this.#alike(work);
    const longer = times.filter(({ milliseconds }) => milliseconds > elapsedMs);
    if (longer.length > 0) return censoredQuantile(longer, PLANNED) - elapsedMs;
    // Longer than any: where nothing tells, half as long again.
    return times.length > 0 ? elapsedMs / 2 : 0;
  }

  /** What has been enough for an answer, but for a lucky few; 0 where nothing is known. */
  leastMs(work: Work): number {
    const enough = this.#noLarger(work).filter(({ hasAnswer }) => hasAnswer);
    return enough.length > 0
      ? quantile(
          enough.map(({ milliseconds }) => milliseconds),
          LUCKY,
        )
      : 0;
  }

  /**
   * What to leave work that has to wait: as much as three in four take, so that those let in come to what they can. Work that
   * always takes all the time there is needs no more than what has been enough.
   */
  neededMs(work: Work): number {
    const times = this.#noLarger(work);
    const leastMs = this.leastMs(work);
    return times.some(({ isCut }) => !isCut) ? Math.max(leastMs, censoredQuantile(times, PLANNED)) : leastMs;
  }

  #alike({ kind, size }: Work): readonly ServiceTime[] {
    const times = this.#recent(kind);
    const same = times.filter((time) => isSameSize(time.size, size));
    return same.length > 0 ? same : times;
  }

  #noLarger({ kind, size }: Work): readonly ServiceTime[] {
    const times = this.#recent(kind);
    const same = times.filter((time) => isSameSize(time.size, size));
    return same.length > 0 ? same : times.filter((time) => isNoLarger(time.size, size));
  }

  #recent(kind: string): readonly ServiceTime[] {
    const oldest = this.#clock.now() - FORGOTTEN_AFTER_MS;
    return (this.#times.get(kind) ?? []).filter(({ at }) => at >= oldest);
  }
}
