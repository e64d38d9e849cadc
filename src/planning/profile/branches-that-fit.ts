import type { LatencyProfile } from '../../contracts/profile.ts';
import { requireNumber } from '../../options.ts';

export interface BranchMemory {
  /** Tokens of the prompt; branches share them in one copy where `isPromptShared`. ≥ 0 */
  readonly promptTokens: number;
  /** Most tokens a branch may grow to behind the prompt. ≥ 0 */
  readonly branchTokens: number;
  /** Whether a draft model runs beside the target, with a cache of its own. @default false */
  readonly withDraft?: boolean;
  /** Whether the prompt's cache is held once for all branches. Local engines copy it. @default false */
  readonly isPromptShared?: boolean;
}

/**
 * Branches whose caches fit beside the weights when all have grown to their longest. 0 where not even the weights do;
 * `Infinity` where the profile knows no limit.
 *
 * @throws {InvalidOptionError}
 */
export function branchesThatFit({ memory }: Pick<LatencyProfile, 'memory'>, options: BranchMemory): number {
  const { promptTokens, branchTokens, withDraft = false, isPromptShared = false } = options;
  requireNumber('promptTokens', promptTokens, 0);
  requireNumber('branchTokens', branchTokens, 0);
  if (!memory) return Infinity;
  const weightBytes = memory.targetWeightBytes + (withDraft ? memory.draftWeightBytes : 0);
  const bytesPerToken = memory.targetBytesPerToken + (withDraft ? memory.draftBytesPerToken : 0);
  const sharedBytes = isPromptShared ? promptTokens * bytesPerToken : 0;
  const leftBytes = memory.availableBytes - weightBytes - sharedBytes;
  if (leftBytes < 0) return 0;
  const branchBytes = (branchTokens + (isPromptShared ? 0 : promptTokens)) * bytesPerToken;
  return branchBytes === 0 ? Infinity : Math.floor(leftBytes / branchBytes);
}
