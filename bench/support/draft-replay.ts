/**
 * Drafts played against tokens that a model has written: what is accepted, and how long decoding would have taken where a pass
 * costs what was measured on some machine. Nothing is computed, so whole strategies compare in seconds.
 *
 * Coupled verification writes what plain decoding writes, whatever is drafted; so every way of drafting meets the same tokens.
 *
 * @module
 */
import type { ForwardRow } from '../../src/contracts/token-model.ts';
import type { Speculation } from '../../src/engines/speculation/speculation.ts';
import { SpeculationTally } from '../../src/engines/speculation/speculation-tally.ts';
import { randomSequence } from '../../src/maths/random.ts';
import { resolveSampling } from '../../src/maths/sampling.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';

/** What the branches of one problem wrote. */
export interface Solutions {
  readonly id: string;
  /** Tokens of the prompt. */
  readonly prompt: readonly number[];
  /** Tokens of each branch. */
  readonly tokens: readonly (readonly number[])[];
}

/** Milliseconds of a pass by its new tokens, as measured: straight between the points and beyond them. */
export type PassTable = readonly (readonly [positions: number, milliseconds: number])[];

export interface ReplayOptions {
  /** How many of each problem's branches are decoded together. */
  readonly branches: number;
  /** Tokens drafted a round; `undefined` leaves it to the policy. */
  readonly length?: number;
  /** Most tokens of a draft. */
  readonly longest: number;
  readonly costs: PassTable;
}

export interface Replayed {
  readonly tally: SpeculationTally;
  readonly tokens: number;
  /** Rounds, counted for each branch. */
  readonly branchRounds: number;
  /** Of all passes, by the table alone: what varies only misleads. */
  readonly milliseconds: number;
  /** Of all rounds' drafting, by the clock. */
  readonly draftingMs: number;
}

/** Passes vary like this, one by one and as the machine wanders; both as deviations of the logarithm. */
const NOISE = 0.05;
const WANDER = { step: 0.02, memory: 0.99 };

export function passMs(table: PassTable, positions: number): number {
  const found = table.findIndex(([point]) => point >= positions);
  const above = found < 0 ? table.length - 1 : Math.max(1, found);
  const [[low, from], [high, to]] = [table[above - 1]!, table[above]!];
  return from + ((to - from) * (positions - low)) / (high - low);
}

/** @param speculation - `undefined` decodes plainly. */
export async function replay(solutions: readonly Solutions[], speculation: Speculation | undefined, options: ReplayOptions): Promise<Replayed> {
  const { branches: most, length, longest, costs } = options;
  const tally = new SpeculationTally();
  const random = randomSequence(1);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  let wander = 0;
  const sampling = resolveSampling();
  let [tokens, branchRounds, milliseconds, draftingMs] = [0, 0, 0, 0];
  for (const { prompt, tokens: written } of solutions) {
    const branches = written.slice(0, most).map((whole) => ({ whole, tokens: whole.slice(0, 1) }));
    const isOpen = ({ whole, tokens }: (typeof branches)[number]): boolean => tokens.length < whole.length;
    for (let open = branches.filter(isOpen); open.length > 0; open = open.filter(isOpen)) {
      const calls = open.flatMap((branch) => {
        const limit = Math.min(length ?? longest, branch.whole.length - branch.tokens.length - 1);
        const request = { branch, promptTokens: prompt, tokens: branch.tokens, limit, sampling, draw: () => 0 };
        return limit > 0 ? [{ request, isFixed: length !== undefined }] : [];
      });
      const startedAt = systemClock.now();
      const proposed = speculation && calls.length > 0 ? await speculation.propose(calls, open.length, STILL) : [];
      draftingMs += systemClock.now() - startedAt;
      const drafts = new Map(calls.map(({ request }, index) => [request.branch as object, proposed[index]?.tokens ?? []]));
      const rows: ForwardRow[] = [];
      for (const branch of open) {
        const drafted = drafts.get(branch) ?? [];
        const start = branch.tokens.length;
        let accepted = 0;
        while (accepted < drafted.length && drafted[accepted] === branch.whole[start + accepted]) accepted++;
        rows.push({ tokens: [0, ...drafted] } as unknown as ForwardRow);
        branch.tokens.push(...branch.whole.slice(start, start + accepted + 1));
        tokens += accepted + 1;
        if (drafted.length === 0) continue;
        tally.add({ proposed: drafted.length, accepted });
        speculation?.recordOutcome(branch, drafted.length, accepted);
      }
      const positions = rows.reduce((sum, row) => sum + row.tokens.length, 0);
      const expected = passMs(costs, positions);
      wander = WANDER.memory * wander + WANDER.step * normal();
      speculation?.recordRound(rows, expected * Math.exp(NOISE * normal() + wander));
      milliseconds += expected;
      branchRounds += open.length;
    }
    for (const branch of branches) speculation?.forget(branch);
    speculation?.forget(prompt);
  }
  return { tally, tokens, branchRounds, milliseconds, draftingMs };
}

/** Drafting takes no time here; what it takes in truth is told apart. */
const STILL = { ...systemClock, now: () => 0 };
