/**
 * When the branches of a vote are launched. All at once is fastest; the others save tokens where the first few agree.
 *
 * Windows: early-stopping self-consistency (Li et al. 2024, arXiv:2401.10480). A window that is no longer unanimous does not
 * hold the next one up, which changes no answer.
 *
 * @module
 */
import type { LaunchSchedule, LaunchStep, VoteState } from '../contracts/vote.ts';
import { InvalidOptionError } from '../errors.ts';
import { requireNumber, requireWholeNumber } from '../options.ts';

/** Schedules that go by a name alone, with their defaults. */
export type LaunchScheduleName = 'at-once' | 'windows' | 'doubling';

const WAIT: LaunchStep = { launch: 0 };

/** Launches every branch at the start. */
export function launchAtOnce(): LaunchSchedule {
  return { name: 'at-once', next: ({ launched, branches }) => ({ launch: branches - launched }) };
}

export interface LaunchWindowsOptions {
  /** Branches of one window. Whole number ≥ 1. @default 5 */
  readonly size?: number;
}

/**
 * Launches window after window until one is unanimous, and returns its answer. A branch without an answer agrees with nobody.
 *
 * @throws {InvalidOptionError}
 */
export function launchWindows({ size = 5 }: LaunchWindowsOptions = {}): LaunchSchedule {
  requireWholeNumber('size', size, 1);
  return {
    name: 'windows',
    next(state) {
      const { tallies, launched, branches } = state;
      for (let start = 0; start < launched; start += size) {
        const members = Array.from({ length: Math.min(size, launched - start) }, (_, index) => start + index);
        const unanimous = tallies.find(({ voters }) => members.every((branch) => voters.includes(branch)));
        if (unanimous) return { settled: unanimous.answer };
      }
      const lastStart = Math.floor((launched - 1) / size) * size;
      return launched === 0 || isSplit(state, lastStart) ? { launch: Math.min(size, branches - launched) } : WAIT;
    },
  };
}

/** Whether the branches from `start` on can no longer agree. */
function isSplit({ tallies, launched, pending }: VoteState, start: number): boolean {
  const voted = launched - start - pending.filter((branch) => branch >= start).length;
  const agreeing = tallies.map(({ voters }) => voters.filter((branch) => branch >= start).length);
  return voted > Math.max(0, ...agreeing);
}

export interface LaunchDoublingOptions {
  /** Branches at the start. Whole number ≥ 1. @default 2 */
  readonly start?: number;
  /** Share of the launched branches that have to agree. In (0, 1]. @default 0.75 */
  readonly share?: number;
}

/**
 * Doubles the number of branches until the leading answer has its share of them; failures and branches without an answer
 * count against it.
 *
 * @throws {InvalidOptionError}
 */
export function launchDoubling({ start = 2, share = 0.75 }: LaunchDoublingOptions = {}): LaunchSchedule {
  requireWholeNumber('start', start, 1);
  requireNumber('share', share, Number.MIN_VALUE, 1);
  return {
    name: 'doubling',
    next({ tallies, launched, branches, pending }) {
      const [leader] = tallies;
      const votes = Math.max(0, ...tallies.map(({ voters }) => voters.length));
      if (leader && pending.length === 0 && leader.voters.length === votes && votes >= share * launched) return { settled: leader.answer };
      const isOpen = pending.length > 0 && votes + pending.length >= share * launched;
      return isOpen ? WAIT : { launch: Math.min(Math.max(start, launched), branches - launched) };
    },
  };
}

/** A schedule by its name, or as it is. @throws {InvalidOptionError} */
export function resolveLaunchSchedule(schedule: LaunchScheduleName | LaunchSchedule): LaunchSchedule {
  switch (schedule) {
    case 'at-once':
      return launchAtOnce();
    case 'windows':
      return launchWindows();
    case 'doubling':
      return launchDoubling();
    default:
      if (typeof schedule === 'object' && typeof schedule?.next === 'function') return schedule;
      throw new InvalidOptionError('launch', "'at-once', 'windows', 'doubling' or a schedule such as launchWindows()", schedule);
  }
}
