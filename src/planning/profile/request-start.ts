import type { LatencyProfile } from '../../contracts/profile.ts';

export interface RequestStart {
  readonly promptTokens: number;
  readonly branches: number;
  readonly isDrafting: boolean;
}

/** Milliseconds of a request before its first token: what it costs once and for its branches, and reading the prompt. */
export function requestStartMs(profile: LatencyProfile, { promptTokens, branches, isDrafting }: RequestStart): number {
  const { requestMs, branchMs = 0, draftRequestMs = 0 } = profile;
  const prefillMs = profile.passMs('prefill', { rows: 1, newTokens: Math.max(1, promptTokens), contextTokens: 0 });
  return requestMs + branches * branchMs + (isDrafting ? draftRequestMs : 0) + prefillMs;
}
