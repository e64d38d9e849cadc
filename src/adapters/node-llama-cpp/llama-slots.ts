import type { LlamaSequenceLike } from './llama-interface.ts';
import type { LlamaDrafter } from './llama-drafter.ts';

/** Whoever has tokens in the cache of a sequence of llama.cpp. */
export interface SlotUser {
  readonly tokens: readonly number[];
}

/** One sequence of llama.cpp. It keeps its cache when its user is gone, for the next one that begins alike. */
export interface Slot {
  sequence: LlamaSequenceLike;
  /** What its cache holds; `undefined` after a failure, when nobody knows. */
  tokens: number[] | undefined;
  /** Whose tokens it holds, up to some length. */
  user: SlotUser | undefined;
  /** Grows from use to use. */
  usedAt: number;
  /** Predicts tokens for whoever uses the sequence. */
  readonly drafter: LlamaDrafter | undefined;
}

/**
 * Gives each user a slot of its own, at least cost: its last one where it still has it, else the one that begins like its tokens
 * and whose user loses least by it.
 *
 * @param users - No more than there are slots.
 * @param canCopy - Whether a slot can take over what another one holds.
 */
export function assignSlots(slots: readonly Slot[], users: readonly SlotUser[], canCopy: boolean): Slot[] {
  const assigned = users.map((user) => slots.find((slot) => slot.user === user));
  const free = new Set(slots.filter((slot) => !assigned.includes(slot)));
  return assigned.map((own, index) => {
    if (own) return own;
    const user = users[index]!;
    // What can be copied is as good as what is there, wherever it is.
    const copied = canCopy ? Math.max(...slots.map((slot) => sharedTokens(slot, user.tokens))) : 0;
    let best: Slot | undefined;
    let least = Infinity;
    for (const slot of free) {
      const cost = takeoverCost(slot, user, copied);
      if (cost < least || (cost === least && slot.usedAt < best!.usedAt)) [best, least] = [slot, cost];
    }
    free.delete(best!);
    best!.user = user;
    return best!;
  });
}

/** How many of the wanted tokens, from the first, the slot's cache holds. */
export function sharedTokens({ tokens = [] }: Slot, wanted: readonly number[]): number {
  const most = Math.min(tokens.length, wanted.length);
  let shared = 0;
  while (shared < most && tokens[shared] === wanted[shared]) shared++;
  return shared;
}

/** Tokens that have to be evaluated, now and when the slot's user comes back for its own. */
function takeoverCost(slot: Slot, { tokens }: SlotUser, copied: number): number {
  const shared = sharedTokens(slot, tokens);
  const lost = slot.user && slot.user.tokens.length > shared ? slot.user.tokens.length : 0;
  return tokens.length - Math.max(shared, copied) + lost;
}
