import type { Tensor } from './graph-session.ts';
import type { ForwardRow, Logits } from '../contracts/token-model.ts';
import { ContextLengthError, InvalidOptionError } from '../errors.ts';
import { CacheSequence, type SequenceCache } from './cache-sequence.ts';
import { float32Values } from './float16.ts';

/** A row of a pass through a graph, as far as its inputs and outputs go. */
export interface PassRow extends Omit<ForwardRow, 'sequence'> {
  /** What the row's tokens come behind. */
  readonly sequence: { readonly length: number };
}

/**
 * Checks one row of a forward.
 *
 * @param cache - Of the model's sequences.
 * @throws {InvalidOptionError | ContextLengthError}
 */
export function requireForwardRow(row: ForwardRow, cache: SequenceCache, contextTokens: number): void {
  const { sequence, tokens, logitCount } = row;
  const isOpen = sequence instanceof CacheSequence && sequence.isOpenIn(cache);
  if (!isOpen) throw new InvalidOptionError('rows.sequence', 'an open sequence of this model', sequence);
  if (tokens.length === 0) throw new InvalidOptionError('rows.tokens', 'at least one token', tokens);
  if (logitCount < 0 || logitCount > tokens.length) throw new InvalidOptionError('rows.logitCount', `from 0 to ${tokens.length}`, logitCount);
  const needed = sequence.length + tokens.length;
  if (needed > contextTokens) throw new ContextLengthError(needed, contextTokens);
}

/** Tokens of the longest row. */
export function widthOf(rows: readonly PassRow[]): number {
  return rows.reduce((width, { tokens }) => Math.max(width, tokens.length), 0);
}

/** Tokens of the row that is longest after the pass. */
export function longestAfter(rows: readonly PassRow[]): number {
  return Math.max(...rows.map(({ sequence, tokens }) => sequence.length + tokens.length));
}

/** `[rows, longest]`: as many ones as each row has tokens after the pass. */
export function countingMask(rows: readonly PassRow[]): BigInt64Array {
  const longest = longestAfter(rows);
  const mask = new BigInt64Array(rows.length * longest);
  for (const [row, { sequence, tokens }] of rows.entries()) mask.fill(1n, row * longest, row * longest + sequence.length + tokens.length);
  return mask;
}

/** Tokens and their positions, both `[rows, width]`, padded on the right; positions stay below `contextTokens`. */
export function paddedTokens(rows: readonly PassRow[], width: number, contextTokens: number): { tokens: BigInt64Array; positions: BigInt64Array } {
  const tokens = new BigInt64Array(rows.length * width);
  const positions = new BigInt64Array(rows.length * width);
  for (const [row, { sequence, tokens: fresh }] of rows.entries()) {
    for (let index = 0; index < width; index++) {
      tokens[row * width + index] = BigInt(fresh[index] ?? 0);
      positions[row * width + index] = BigInt(Math.min(sequence.length + index, contextTokens - 1));
    }
  }
  return { tokens, positions };
}

/** How many of the last columns hold every wanted row of logits; at least 1. */
export function keptColumns(rows: readonly PassRow[], width: number): number {
  return rows.reduce((kept, { tokens, logitCount }) => (logitCount > 0 ? Math.max(kept, width - tokens.length + logitCount) : kept), 1);
}

/** Where the wanted rows begin among `[rows, kept]` rows of logits, where `kept` are the last of `width` columns; by row of the pass. */
function firstWanted(rows: readonly PassRow[], width: number, kept: number): number[] {
  return rows.map(({ tokens, logitCount }, row) => row * kept + tokens.length - logitCount - (width - kept));
}

/** Indices of the wanted rows among `[rows, kept]` rows of logits, where `kept` are the last of `width` columns. */
export function wantedIndices(rows: readonly PassRow[], width: number, kept: number): number[] {
  const starts = firstWanted(rows, width, kept);
  return rows.flatMap(({ logitCount }, row) => Array.from({ length: logitCount }, (_, index) => starts[row]! + index));
}

/** The wanted rows out of `[rows, kept, vocabularySize]`, where `kept` are the last of `width` columns. */
export function wantedLogits(logits: Tensor, rows: readonly PassRow[], width: number): Logits {
  const [, kept = 0, size = 0] = logits.dims;
  const all = float32Values(logits);
  if (rows.every(({ logitCount }) => logitCount === kept)) return all;
  const wanted = new Float32Array(rows.reduce((sum, { logitCount }) => sum + logitCount, 0) * size);
  const starts = firstWanted(rows, width, kept);
  let next = 0;
  for (const [row, { logitCount }] of rows.entries()) {
    const start = starts[row]! * size;
    wanted.set(all.subarray(start, start + logitCount * size), next);
    next += logitCount * size;
  }
  return wanted;
}

/** Rows of logits of several passes as one. */
export function joined(parts: readonly Logits[]): Logits {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let next = 0;
  for (const part of parts) {
    whole.set(part, next);
    next += part.length;
  }
  return whole;
}
