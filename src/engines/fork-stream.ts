import { philox4x32 } from '../maths/random.ts';

/** Separates the streams of forks from those of a session's own branches. */
const FORK_PURPOSE = 0x666f726b;

/** Which random numbers the fork of a branch draws: those of its parent's stream and how many forks came before it. */
export function forkStream(parent: number, ordinal: number): number {
  const words = Uint32Array.of(ordinal, parent, 0, 0);
  philox4x32(words, FORK_PURPOSE, 0);
  return words[0]!;
}
