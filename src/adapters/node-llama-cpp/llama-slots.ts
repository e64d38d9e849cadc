import type { LlamaSequenceLike } from './llama-interface.ts';

/** Whoever has tokens in the cache of a sequence of llama.cpp. */
export interface SlotUser {
  readonly tokens: readonly number[];
}

/** Who wants a slot, and tokens that it would rather find there than have evaluated. */
export interface SlotRequest {
  readonly user: SlotUser;
  readonly tokens: readonly number[];
}

/** One sequence of llama.cpp. It keeps its cache when its user is gone, for the next one that begins alike. */
export interface Slot {
  readonly sequence: LlamaSequenceLike;
  /** What its cache holds; `undefined` after a failure, when nobody knows. */
  tokens: number[] | undefined;
  /** Whose tokens it holds, up to some length. */
  user: SlotUser | undefined;
  /** When it was last evaluated: the number of the pass. */
  usedAt: number;
}

/**
 * Gives each request a slot of its own, at least cost: its user's last one where it still has it, else the one that begins like
 * its tokens and whose user loses least by it.
 *
 * @param requests - No more than there are slots.
 */
export function assignSlots(slots: readonly Slot[], requests: readonly SlotRequest[]): Slot[] {
  const assigned = requests.map(({ user }) => slots.find((slot) => slot.user === user));
  const free = new Set(slots.filter((slot) => !assigned.includes(slot)));
  return assigned.map((own, index) => {
    if (own) return own;
    const request = requests[index]!;
    let best: Slot | undefined;
    let least = Infinity;
    for (const slot of free) {
      const cost = takeoverCost(slot, request);
      if (cost < least || (cost === least && slot.usedAt < best!.usedAt)) [best, least] = [slot, cost];
    }
    free.delete(best!);
    best!.user = request.user;
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
function takeoverCost(slot: Slot, { tokens }: SlotRequest): number {
  const shared = sharedTokens(slot, tokens);
  const lost = slot.user && slot.user.tokens.length > shared ? slot.user.tokens.length : 0;
  return tokens.length - shared + lost;
}
