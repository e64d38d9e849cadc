/** A chunk of a prompt should take this share of the time left, so that a deadline or an abort is seen in time. */
const CHUNK_SHARE = 0.05;
const LONGEST_CHUNK_MS = 50;
const SMALLEST_CHUNK = 16;
export const LARGEST_CHUNK = 512;

/** How many tokens of a prompt to read at once, by what reading a token takes. */
export function prefillChunk(remainingMs: number, msPerToken: number): number {
  const chunkMs = Math.min(LONGEST_CHUNK_MS, CHUNK_SHARE * remainingMs);
  return Math.min(LARGEST_CHUNK, Math.max(SMALLEST_CHUNK, Math.floor(chunkMs / msPerToken)));
}
