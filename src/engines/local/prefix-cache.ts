/**
 * What prompts have in common is read once: a system prompt, examples, the earlier turns of a chat.
 *
 * Prompts of open sessions are forked. Of closed ones, copies are kept apart from the model's cache, which every pass attends over as
 * a whole, in blocks of a few tokens that form a tree, so that prompts that begin alike are kept once.
 *
 * @module
 */
import type { SavedTokens, TokenModel, TokenSequence } from '../../contracts/token-model.ts';

/** Tokens of a block. Up to so many less one are read although they are known. */
const BLOCK = 16;

const DEFAULT_PREFIX_CACHE_BYTES = 256 * 2 ** 20;

/** Tokens that continue those of the blocks above. */
interface Block {
  readonly saved: SavedTokens;
  readonly children: Map<string, Block>;
  /** Where the block is found. */
  readonly siblings: Map<string, Block>;
  readonly key: string;
}

/** A sequence that others may begin as. */
interface SharedPrompt {
  readonly model: TokenModel;
  readonly tokens: readonly number[];
}

/** The prefix cache of an engine, over all of its models. To be called while the model is idle. */
export class PrefixCache {
  readonly #limitBytes: number;
  readonly #shared = new Map<TokenSequence, SharedPrompt>();
  readonly #excluded = new WeakSet<readonly number[]>();
  readonly #roots = new WeakMap<TokenModel, Map<string, Block>>();
  /** The least recently used first. A block comes after those that continue it, so the first one is a leaf. */
  readonly #blocks = new Set<Block>();
  #byteLength = 0;

  /** @param limitBytes - Most memory of what is kept; 0 turns the cache off. */
  constructor(limitBytes = DEFAULT_PREFIX_CACHE_BYTES) {
    this.#limitBytes = limitBytes;
  }

  /** Memory of what is kept. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Neither looks these tokens up nor keeps them. */
  exclude(tokens: readonly number[]): void {
    this.#excluded.add(tokens);
  }

  /** A sequence that holds as many of the tokens as are known, from the first one on, and never the last one. */
  open(model: TokenModel, tokens: readonly number[]): TokenSequence {
    if (this.#excluded.has(tokens)) return model.openSequence();
    const shared = this.#longestShared(model, tokens);
    const path = this.#pathOf(model, tokens, tokens.length - 1);
    this.#touch(path);
    const kept = path.length * BLOCK;
    if (shared && shared.length >= kept) {
      const fork = shared.sequence.fork();
      fork.truncate(shared.length);
      return fork;
    }
    const sequence = model.openSequence();
    if (kept > 0) sequence.restore!(path.map(({ saved }) => saved));
    return sequence;
  }

  /** Lets prompts begin as this one, until it is kept. */
  share(model: TokenModel, tokens: readonly number[], sequence: TokenSequence): void {
    const isShared = this.#limitBytes > 0 && model.cannotVerify === undefined && !this.#excluded.has(tokens);
    if (isShared) this.#shared.set(sequence, { model, tokens });
  }

  /**
   * Keeps a copy of a sequence that is about to be disposed, and drops what has not been used for longest.
   *
   * @param written - Tokens after the prompt. The sequence may hold fewer than there are.
   */
  keep(model: TokenModel, promptTokens: readonly number[], sequence: TokenSequence, written: readonly number[] = []): void {
    this.#shared.delete(sequence);
    if (this.#limitBytes === 0 || !sequence.save || this.#excluded.has(promptTokens)) return;
    const tokens = [...promptTokens, ...written];
    const path = this.#pathOf(model, tokens, sequence.length);
    this.#touch(path);
    let pathBytes = path.reduce((sum, { saved }) => sum + saved.byteLength, 0);
    let siblings = path.at(-1)?.children ?? this.#rootOf(model);
    for (let start = path.length * BLOCK; start + BLOCK <= sequence.length; start += BLOCK) {
      const saved = sequence.save(start, start + BLOCK);
      pathBytes += saved.byteLength;
      if (pathBytes > this.#limitBytes) break;
      const block: Block = { saved, children: new Map(), siblings, key: keyOf(tokens, start) };
      siblings.set(block.key, block);
      siblings = block.children;
      path.push(block);
      this.#blocks.add(block);
      this.#byteLength += saved.byteLength;
      this.#dropOldest();
    }
    this.#touch(path);
  }

  dispose(): void {
    this.#shared.clear();
    for (const block of this.#blocks) this.#drop(block);
  }

  #longestShared(model: TokenModel, tokens: readonly number[]): { readonly sequence: TokenSequence; readonly length: number } | undefined {
    let longest = { sequence: undefined as TokenSequence | undefined, length: BLOCK - 1 };
    for (const [sequence, shared] of this.#shared) {
      const length = shared.model === model ? commonLength(tokens, shared.tokens, Math.min(tokens.length - 1, sequence.length)) : 0;
      if (length > longest.length) longest = { sequence, length };
    }
    return longest.sequence && { sequence: longest.sequence, length: longest.length };
  }

  /** The blocks that are known of the first `end` tokens. */
  #pathOf(model: TokenModel, tokens: readonly number[], end: number): Block[] {
    const path: Block[] = [];
    let blocks = this.#rootOf(model);
    for (let start = 0; start + BLOCK <= end; start += BLOCK) {
      const block = blocks.get(keyOf(tokens, start));
      if (!block) break;
      path.push(block);
      blocks = block.children;
    }
    return path;
  }

  #rootOf(model: TokenModel): Map<string, Block> {
    let root = this.#roots.get(model);
    if (!root) this.#roots.set(model, (root = new Map()));
    return root;
  }

  #touch(path: readonly Block[]): void {
    for (const block of path.toReversed()) {
      this.#blocks.delete(block);
      this.#blocks.add(block);
    }
  }

  #dropOldest(): void {
    for (const block of this.#blocks) {
      if (this.#byteLength <= this.#limitBytes) return;
      this.#drop(block);
    }
  }

  #drop(block: Block): void {
    block.siblings.delete(block.key);
    this.#blocks.delete(block);
    this.#byteLength -= block.saved.byteLength;
  }
}

function keyOf(tokens: readonly number[], start: number): string {
  return tokens.slice(start, start + BLOCK).join();
}

function commonLength(tokens: readonly number[], other: readonly number[], most: number): number {
  let length = 0;
  while (length < most && tokens[length] === other[length]) length++;
  return length;
}
