/**
 * Probabilities of the few tokens that can be drawn, in the order of their numbers.
 *
 * Made step by step and used again for the next position, so that nothing is allocated for a token.
 *
 * @module
 */
export class TokenDistribution {
  /** Number of tokens. */
  count = 0;
  /** The tokens, ascending once normalised, `[count]` and room for more. */
  tokens = new Int32Array(64);
  /** Their probabilities, or weights until they are normalised. */
  probs = new Float64Array(64);
  #order: Uint32Array = new Uint32Array(64);
  #sorted = new Float64Array(64);

  /** @param probs - One for each token of a vocabulary; not negative. */
  static of(probs: ArrayLike<number>): TokenDistribution {
    const distribution = new TokenDistribution();
    for (let token = 0; token < probs.length; token++) if (probs[token]! > 0) distribution.push(token, probs[token]!);
    return distribution;
  }

  clear(): void {
    this.count = 0;
  }

  push(token: number, weight: number): void {
    if (this.count === this.tokens.length) this.#grow();
    this.tokens[this.count] = token;
    this.probs[this.count++] = weight;
  }

  copy(): TokenDistribution {
    const copy = new TokenDistribution();
    copy.count = this.count;
    copy.tokens = this.tokens.slice(0, Math.max(1, this.count));
    copy.probs = this.probs.slice(0, Math.max(1, this.count));
    return copy;
  }

  /** Probability of a token; 0 where it cannot be drawn. */
  probabilityOf(token: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.tokens[middle]! < token) low = middle + 1;
      else high = middle;
    }
    return low < this.count && this.tokens[low] === token ? this.probs[low]! : 0;
  }

  total(): number {
    let total = 0;
    for (let index = 0; index < this.count; index++) total += this.probs[index]!;
    return total;
  }

  /** Keeps the first tokens, no more than reach a weight. Tells whether they reach it. */
  keepMass(weight: number): boolean {
    let total = 0;
    for (let index = 0; index < this.count; index++) {
      total += this.probs[index]!;
      if (total >= weight) {
        this.count = index + 1;
        return true;
      }
    }
    return false;
  }

  /** Keeps the tokens of at least this weight, in descending order as they are. Single precision, as logits are: a token at exactly the weight stays. */
  keepAbove(weight: number): void {
    while (this.count > 1 && Math.fround(this.probs[this.count - 1]!) < weight) this.count--;
  }

  /**
   * Adds a token to the `most` of largest weight, which are a heap, the least of them first; of equal ones the one that came first
   * stays. `sortDescending` ends this.
   */
  pushIfLarger(token: number, weight: number, most: number): void {
    if (this.count < most) {
      this.push(token, weight);
      this.#raise(this.count - 1);
    } else if (weight > this.probs[0]!) {
      this.tokens[0] = token;
      this.probs[0] = weight;
      this.#sink(0, this.count);
    }
  }

  /** Turns the heap of `pushIfLarger` into a list, largest first. */
  sortDescending(): void {
    for (let end = this.count - 1; end > 0; end--) {
      this.#swap(0, end);
      this.#sink(0, end);
    }
  }

  /** Makes the weights probabilities, and puts the tokens in the order of their numbers where they are not. */
  normalise(isAscending = false): void {
    const { count } = this;
    const scale = 1 / this.total();
    if (isAscending) {
      for (let index = 0; index < count; index++) this.probs[index]! *= scale;
      return;
    }
    if (this.#order.length < count) {
      this.#order = new Uint32Array(this.tokens.length);
      this.#sorted = new Float64Array(this.tokens.length);
    }
    for (let index = 0; index < count; index++) this.#sorted[index] = this.probs[index]! * scale;
    const tokens = this.tokens.slice(0, count);
    const order = this.#order.subarray(0, count);
    for (let index = 0; index < count; index++) order[index] = index;
    order.sort((left, right) => tokens[left]! - tokens[right]!);
    for (let index = 0; index < count; index++) {
      this.tokens[index] = tokens[order[index]!]!;
      this.probs[index] = this.#sorted[order[index]!]!;
    }
  }

  /**
   * The token at `point` of the cumulative distribution, in the order of the tokens' numbers.
   *
   * @param point - Uniform in [0, 1).
   */
  draw(point: number): number {
    let remaining = point;
    for (let index = 0; index < this.count; index++) {
      remaining -= this.probs[index]!;
      if (remaining < 0) return this.tokens[index]!;
    }
    // Rounding can leave a sliver after the last token.
    return this.tokens[this.count - 1]!;
  }

  /** Whether the first weight belongs before the second in the heap: smaller, or of equal ones the later token. */
  #isBefore(left: number, right: number): boolean {
    const difference = this.probs[left]! - this.probs[right]!;
    return difference < 0 || (difference === 0 && this.tokens[left]! > this.tokens[right]!);
  }

  #raise(index: number): void {
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #sink(index: number, end: number): void {
    for (;;) {
      const left = 2 * index + 1;
      if (left >= end) return;
      const child = left + 1 < end && this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#isBefore(child, index)) return;
      this.#swap(index, child);
      index = child;
    }
  }

  #swap(left: number, right: number): void {
    const [token, weight] = [this.tokens[left]!, this.probs[left]!];
    this.tokens[left] = this.tokens[right]!;
    this.probs[left] = this.probs[right]!;
    this.tokens[right] = token;
    this.probs[right] = weight;
  }

  #grow(): void {
    const tokens = new Int32Array(2 * this.tokens.length);
    const probs = new Float64Array(2 * this.probs.length);
    tokens.set(this.tokens);
    probs.set(this.probs);
    this.tokens = tokens;
    this.probs = probs;
  }
}
