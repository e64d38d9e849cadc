/** Last tokens of a context by which places are found, the longest first. */
const ORDERS = [4, 2, 1] as const;
/** Tokens of a context that are compared. */
const LONGEST_MATCH = 16;
/** Places that one look-up visits, the newest first. */
const MOST_VISITED = 32;
const FIRST_CAPACITY = 1024;
const NOWHERE = -1;
/** Fields of a record: a token, the place of the one before it, its text and group, and the place before it in each chain. */
const [TOKEN, PARENT, TEXT, GROUP, CHAINS] = [0, 1, 2, 3, 4];
const RECORD = 8;

/** Where places are told apart, in the numbers that `kindOf` gives. */
export const KINDS = 3;

/** What one kind of place says of a token. */
export interface Evidence {
  /** Tokens of the context that occurred before, the most of any place; 0 without one. */
  readonly matched: number;
  /** Places where a context as long occurred, and those of them that the token followed. */
  readonly places: number;
  readonly agreeing: number;
}

/** What followed the longest context that occurred before. */
export interface Continuation extends Evidence {
  /** The token that followed most often; the newest of equals. */
  readonly token: number;
  /** By kind: each with its own longest match. */
  readonly kinds: readonly Evidence[];
}

/** Tells where a place counts: as which kind, 0 to `KINDS - 1`, or not at all, below 0. */
export type KindOf = (text: number, group: number) => number;

/** The followers of the longest match of one kind: a few different ones in the order they were found, the newest first. */
class Followers {
  matched = 0;
  places = 0;
  different = 0;
  readonly tokens = new Int32Array(MOST_VISITED);
  readonly counts = new Int32Array(MOST_VISITED);

  clear(): void {
    this.matched = this.places = this.different = 0;
  }

  add(token: number, matched: number): void {
    if (matched < this.matched) return;
    if (matched > this.matched) {
      this.clear();
      this.matched = matched;
    }
    this.places++;
    for (let at = 0; at < this.different; at++) {
      if (this.tokens[at] !== token) continue;
      this.counts[at]!++;
      return;
    }
    this.tokens[this.different] = token;
    this.counts[this.different++] = 1;
  }

  count(token: number): number {
    for (let at = 0; at < this.different; at++) if (this.tokens[at] === token) return this.counts[at]!;
    return 0;
  }
}

/**
 * Texts that grow token by token, to be asked what followed a context: hash chains over the last few tokens, as compressors find
 * matches (LZ77), with each token's predecessor kept so that texts may grow side by side and share a beginning.
 *
 * Adding a token takes constant time, a look-up visits a bounded number of places. Memory is 44 bytes a token; beyond the
 * capacity the oldest tokens are overwritten.
 */
export class TextIndex {
  readonly #mostCapacity: number;
  #capacity: number;
  #next = 0;
  /** A record for each place, so that a visit touches one line of the processor's cache. */
  #records: Int32Array;
  /** For each order, the newest place by hash; records have the place before each. */
  #heads: Int32Array[] = [];
  /** Of the look-up under way: over all kinds, and by kind. */
  readonly #all = new Followers();
  readonly #kinds = Array.from({ length: KINDS }, () => new Followers());

  /** @param mostTokens - How many are kept; rounded up to a power of two. */
  constructor(mostTokens: number) {
    this.#mostCapacity = 2 ** Math.ceil(Math.log2(Math.max(2, mostTokens)));
    this.#capacity = Math.min(FIRST_CAPACITY, this.#mostCapacity);
    this.#records = new Int32Array(this.#capacity * RECORD);
    this.#layOut();
  }

  /**
   * Adds a token to a text.
   *
   * @param after - The place of the token before it; `undefined` at the beginning of a text.
   * @param text - Which text it belongs to.
   * @param group - Which group of texts that one belongs to.
   * @returns its place.
   */
  add(token: number, after: number | undefined, text: number, group: number): number {
    if (this.#next === this.#capacity && this.#capacity < this.#mostCapacity) this.#grow();
    const place = this.#next++;
    const record = this.#recordOf(place);
    this.#records[record + TOKEN] = token;
    this.#records[record + PARENT] = after ?? NOWHERE;
    this.#records[record + TEXT] = text;
    this.#records[record + GROUP] = group;
    this.#link(place);
    return place;
  }

  /** The token at a place, `undefined` once it is overwritten. */
  tokenAt(place: number): number | undefined {
    return this.#isKept(place) ? this.#records[this.#recordOf(place) + TOKEN] : undefined;
  }

  /**
   * What followed the longest end of a context.
   *
   * @param context - The newest token last.
   * @param kindOf - Which places count, and as what.
   */
  follow(context: readonly number[], kindOf: KindOf): Continuation | undefined {
    const all = this.#all;
    const kinds = this.#kinds;
    all.clear();
    for (const kind of kinds) kind.clear();
    for (let index = 0; index < ORDERS.length; index++) {
      const order = ORDERS[index]!;
      if (context.length < order) continue;
      let key = 0;
      for (let back = 0; back < order; back++) key = mix(key, context[context.length - 1 - back]!);
      this.#visit(index, key, context, kindOf);
    }
    if (all.places === 0) return undefined;
    let best = 0;
    for (let at = 1; at < all.different; at++) if (all.counts[at]! > all.counts[best]!) best = at;
    const token = all.tokens[best]!;
    return {
      token,
      matched: all.matched,
      places: all.places,
      agreeing: all.counts[best]!,
      kinds: kinds.map((kind) => ({ matched: kind.matched, places: kind.places, agreeing: kind.count(token) })),
    };
  }

  /** Takes the places of one chain that match longer than those of the chains before it could. */
  #visit(index: number, key: number, context: readonly number[], kindOf: KindOf): void {
    const records = this.#records;
    const [least, above] = [ORDERS[index]!, ORDERS[index - 1] ?? Infinity];
    const kinds = this.#kinds;
    let place = this.#heads[index]![key & (this.#capacity - 1)]!;
    for (let visited = 0; visited < MOST_VISITED && this.#isKept(place); visited++) {
      const record = this.#recordOf(place);
      place = records[record + CHAINS + index]!;
      const kind = kindOf(records[record + TEXT]!, records[record + GROUP]!);
      // What matches longer was found in the chain before.
      if (kind < 0 || kinds[kind]!.matched >= above) continue;
      const matched = this.#matchedBefore(record, context);
      if (matched < least) continue;
      kinds[kind]!.add(records[record + TOKEN]!, matched);
      this.#all.add(records[record + TOKEN]!, matched);
    }
  }

  /** Tokens before a place that are the last of the context. */
  #matchedBefore(record: number, context: readonly number[]): number {
    const records = this.#records;
    const most = Math.min(LONGEST_MATCH, context.length);
    let length = 0;
    let before = records[record + PARENT]!;
    while (length < most && this.#isKept(before)) {
      const earlier = this.#recordOf(before);
      if (records[earlier + TOKEN] !== context[context.length - 1 - length]) break;
      length++;
      before = records[earlier + PARENT]!;
    }
    return length;
  }

  /** Puts a place at the head of the chains of the tokens before it. */
  #link(place: number): void {
    const records = this.#records;
    const record = this.#recordOf(place);
    let key = 0;
    let before = records[record + PARENT]!;
    for (let length = 1; length <= ORDERS[0] && this.#isKept(before); length++) {
      const earlier = this.#recordOf(before);
      key = mix(key, records[earlier + TOKEN]!);
      before = records[earlier + PARENT]!;
      const index = ORDERS.indexOf(length as (typeof ORDERS)[number]);
      if (index < 0) continue;
      const head = key & (this.#capacity - 1);
      records[record + CHAINS + index] = this.#heads[index]![head]!;
      this.#heads[index]![head] = place;
    }
  }

  #isKept(place: number): boolean {
    return place >= 0 && place >= this.#next - this.#capacity;
  }

  #recordOf(place: number): number {
    return (place & (this.#capacity - 1)) * RECORD;
  }

  #layOut(): void {
    this.#heads = ORDERS.map(() => new Int32Array(this.#capacity).fill(NOWHERE));
  }

  /** Nothing has been overwritten yet, so places stay what they are. */
  #grow(): void {
    this.#capacity *= 2;
    const records = new Int32Array(this.#capacity * RECORD);
    records.set(this.#records);
    this.#records = records;
    this.#layOut();
    for (let place = 0; place < this.#next; place++) this.#link(place);
  }
}

/** A hash of a hash and a token. */
function mix(key: number, token: number): number {
  const mixed = Math.imul(key ^ (token + 0x9e3779b9), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
