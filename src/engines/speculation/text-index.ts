/** Last tokens of a context by which places are found, the longest first. */
const ORDERS = [4, 2, 1] as const;
/** Tokens of a context that are compared. */
const LONGEST_MATCH = 16;
/** Places that one look-up visits, the newest first. */
const MOST_VISITED = 64;
const FIRST_CAPACITY = 1024;
const NOWHERE = -1;

/** What followed the longest context that occurred before. */
export interface Continuation {
  /** The token that followed most often; the newest of equals. */
  readonly token: number;
  /** Tokens of the context that occurred before it. */
  readonly matched: number;
  /** Places where a context as long occurred, and those of them that this token followed. */
  readonly places: number;
  readonly agreeing: number;
}

/**
 * Texts that grow token by token, to be asked what followed a context: hash chains over the last few tokens, as compressors find
 * matches (LZ77), with each token's predecessor kept so that texts may grow side by side and share a beginning.
 *
 * Adding a token takes constant time, a look-up visits a bounded number of places. Memory is 36 bytes a token; beyond the
 * capacity the oldest tokens are overwritten.
 */
export class TextIndex {
  readonly #mostCapacity: number;
  #capacity: number;
  #next = 0;
  #tokens: Int32Array;
  #parents: Int32Array;
  #texts: Int32Array;
  /** For each order, the newest place by hash and the place before each. */
  #heads: Int32Array[] = [];
  #chains: Int32Array[] = [];

  /** @param mostTokens - How many are kept; rounded up to a power of two. */
  constructor(mostTokens: number) {
    this.#mostCapacity = 2 ** Math.ceil(Math.log2(Math.max(2, mostTokens)));
    this.#capacity = Math.min(FIRST_CAPACITY, this.#mostCapacity);
    this.#tokens = new Int32Array(this.#capacity);
    this.#parents = new Int32Array(this.#capacity);
    this.#texts = new Int32Array(this.#capacity);
    this.#layOut();
  }

  /**
   * Adds a token to a text.
   *
   * @param after - The place of the token before it; `undefined` at the beginning of a text.
   * @param text - Which text it belongs to.
   * @returns its place.
   */
  add(token: number, after: number | undefined, text: number): number {
    if (this.#next === this.#capacity && this.#capacity < this.#mostCapacity) this.#grow();
    const place = this.#next++;
    const slot = this.#slot(place);
    this.#tokens[slot] = token;
    this.#parents[slot] = after ?? NOWHERE;
    this.#texts[slot] = text;
    this.#link(place);
    return place;
  }

  /** The token at a place, `undefined` once it is overwritten. */
  tokenAt(place: number): number | undefined {
    return this.#isKept(place) ? this.#tokens[this.#slot(place)] : undefined;
  }

  /**
   * What followed the longest end of a context.
   *
   * @param context - The newest token last.
   * @param isWanted - Whether places in this text count.
   */
  follow(context: readonly number[], isWanted: (text: number) => boolean): Continuation | undefined {
    for (const [index, order] of ORDERS.entries()) {
      if (context.length < order) continue;
      let key = 0;
      for (let back = 0; back < order; back++) key = mix(key, context[context.length - 1 - back]!);
      const found = this.#visit(index, key, context, isWanted);
      if (found) return found;
    }
    return undefined;
  }

  /** The places in one chain with the longest match. */
  #visit(index: number, key: number, context: readonly number[], isWanted: (text: number) => boolean): Continuation | undefined {
    const chain = this.#chains[index]!;
    let matched = 0;
    let places = 0;
    const followers = new Map<number, number>();
    let place = this.#heads[index]![key & (this.#capacity - 1)]!;
    for (let visited = 0; visited < MOST_VISITED && this.#isKept(place); visited++, place = chain[this.#slot(place)]!) {
      const slot = this.#slot(place);
      if (!isWanted(this.#texts[slot]!)) continue;
      const length = this.#matchedBefore(place, context);
      if (length < ORDERS[index]! || length < matched) continue;
      if (length > matched) {
        matched = length;
        places = 0;
        followers.clear();
      }
      places++;
      const token = this.#tokens[slot]!;
      followers.set(token, (followers.get(token) ?? 0) + 1);
    }
    if (places === 0) return undefined;
    let [token, agreeing] = [NOWHERE, 0];
    for (const [follower, count] of followers) if (count > agreeing) [token, agreeing] = [follower, count];
    return { token, matched, places, agreeing };
  }

  /** Tokens before a place that are the last of the context. */
  #matchedBefore(place: number, context: readonly number[]): number {
    const most = Math.min(LONGEST_MATCH, context.length);
    let length = 0;
    let before = this.#parents[this.#slot(place)]!;
    while (length < most && this.#isKept(before) && this.#tokens[this.#slot(before)] === context[context.length - 1 - length]) {
      length++;
      before = this.#parents[this.#slot(before)]!;
    }
    return length;
  }

  #link(place: number): void {
    const slot = this.#slot(place);
    const keys = this.#keysBefore(place);
    for (const [index, key] of keys.entries()) {
      if (key === undefined) continue;
      const head = key & (this.#capacity - 1);
      this.#chains[index]![slot] = this.#heads[index]![head]!;
      this.#heads[index]![head] = place;
    }
  }

  /** Hashes of the tokens before a place, by order; `undefined` where there are too few. */
  #keysBefore(place: number): (number | undefined)[] {
    const keys: (number | undefined)[] = ORDERS.map(() => undefined);
    let key = 0;
    let before = this.#parents[this.#slot(place)]!;
    for (let length = 1; length <= ORDERS[0] && this.#isKept(before); length++) {
      key = mix(key, this.#tokens[this.#slot(before)]!);
      const index = ORDERS.indexOf(length as (typeof ORDERS)[number]);
      if (index >= 0) keys[index] = key;
      before = this.#parents[this.#slot(before)]!;
    }
    return keys;
  }

  #isKept(place: number): boolean {
    return place >= 0 && place >= this.#next - this.#capacity;
  }

  #slot(place: number): number {
    return place & (this.#capacity - 1);
  }

  #layOut(): void {
    this.#heads = ORDERS.map(() => new Int32Array(this.#capacity).fill(NOWHERE));
    this.#chains = ORDERS.map(() => new Int32Array(this.#capacity).fill(NOWHERE));
  }

  /** Nothing has been overwritten yet, so places stay what they are. */
  #grow(): void {
    this.#capacity *= 2;
    [this.#tokens, this.#parents, this.#texts] = [this.#tokens, this.#parents, this.#texts].map((old) => {
      const grown = new Int32Array(this.#capacity);
      grown.set(old);
      return grown;
    }) as [Int32Array, Int32Array, Int32Array];
    this.#layOut();
    for (let place = 0; place < this.#next; place++) this.#link(place);
  }
}

/** A hash of a hash and a token. */
function mix(key: number, token: number): number {
  const mixed = Math.imul(key ^ (token + 0x9e3779b9), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
