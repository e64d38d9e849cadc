/**
 * When the branches of a vote are launched. All at once is fastest; the others save tokens where the first few agree.
 *
 * Windows: early-stopping self-consistency (Li et al. 2024, arXiv:2401.10480). A window that is no longer unanimous does not
 * hold the next one up, which changes no answer.
 *
 * @module
 */
import * as v from 'valibot';
import type { LaunchSchedule, LaunchStep, VoteState } from '../contracts/vote.ts';
import { number, objectWith, oneOfOr, readOptions, wholeNumber, type OptionsOf } from '../option-schemas.ts';

/** Schedules that go by a name alone, with their defaults. */
export type LaunchScheduleName = 'at-once' | 'windows' | 'doubling';

const WAIT: LaunchStep = { launch: 0 };

/** Launches every branch at the start. */
export function launchAtOnce(): LaunchSchedule {
  return { name: 'at-once', next: ({ launched, branches }) => ({ launch: branches - launched }) };
}

export const launchWindowsEntries = {
  /** Branches of one window. Whole number ≥ 1. @default 5 */
  size: v.optional(wholeNumber(1), 5),
};

export interface LaunchWindowsOptions extends OptionsOf<typeof launchWindowsEntries> {}

/**
 * Launches window after window until one is unanimous, and returns its answer. A branch without an answer agrees with nobody.
 *
 * @throws {InvalidOptionError}
 */
export function launchWindows(options: LaunchWindowsOptions = {}): LaunchSchedule {
  const { size } = readOptions(launchWindowsEntries, options);
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

export const launchDoublingEntries = {
  /** Branches at the start. Whole number ≥ 1. @default 2 */
  start: v.optional(wholeNumber(1), 2),
  /** Share of the launched branches that have to agree. In (0, 1]. @default 0.75 */
  share: v.optional(number(Number.MIN_VALUE, 1), 0.75),
};

export interface LaunchDoublingOptions extends OptionsOf<typeof launchDoublingEntries> {}

/**
 * Doubles the number of branches until the leading answer has its share of them; failures and branches without an answer
 * count against it.
 *
 * @throws {InvalidOptionError}
 */
export function launchDoubling(options: LaunchDoublingOptions = {}): LaunchSchedule {
  const { start, share } = readOptions(launchDoublingEntries, options);
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

const SCHEDULES: Readonly<Record<LaunchScheduleName, () => LaunchSchedule>> = { 'at-once': launchAtOnce, windows: launchWindows, doubling: launchDoubling };

/** A schedule by its name, or as it is. */
export const launchScheduleSchema: v.GenericSchema<LaunchScheduleName | LaunchSchedule, LaunchSchedule> = /* @__PURE__ */ v.pipe(
  /* @__PURE__ */ oneOfOr(
    Object.keys(SCHEDULES) as LaunchScheduleName[],
    objectWith<LaunchSchedule>('next', 'a schedule'),
    'a schedule such as launchWindows()',
  ),
  /* @__PURE__ */ v.transform((schedule) => (typeof schedule === 'string' ? SCHEDULES[schedule]() : schedule)),
);
