import type { DraftOutcome, EngineUsage, ServerUsage, SpeculationUsage } from '../contracts/engine.ts';

/** What several sessions have cost together. */
export function sumUsage(usages: readonly EngineUsage[]): EngineUsage {
  const speculations = usages.flatMap(({ speculation }) => speculation ?? []);
  const servers = usages.flatMap(({ server }) => server ?? []);
  const cached = usages.flatMap(({ cachedPromptTokens }) => cachedPromptTokens ?? []);
  return {
    promptTokens: sum(usages.map(({ promptTokens }) => promptTokens)),
    ...(cached.length > 0 && { cachedPromptTokens: sum(cached) }),
    completionTokens: sum(usages.map(({ completionTokens }) => completionTokens)),
    forcedTokens: sum(usages.map(({ forcedTokens }) => forcedTokens)),
    forwardCount: sum(usages.map(({ forwardCount }) => forwardCount)),
    ...(speculations.length > 0 && { speculation: sumSpeculation(speculations) }),
    ...(servers.length > 0 && { server: sumServers(servers) }),
  };
}

function sumServers(servers: readonly ServerUsage[]): ServerUsage {
  return {
    requestCount: sum(servers.map(({ requestCount }) => requestCount)),
    retryCount: sum(servers.map(({ retryCount }) => retryCount)),
    hedgeCount: sum(servers.map(({ hedgeCount }) => hedgeCount)),
    promptTokens: sum(servers.map(({ promptTokens }) => promptTokens)),
    cachedPromptTokens: sum(servers.map(({ cachedPromptTokens }) => cachedPromptTokens)),
    reasoningTokens: sum(servers.map(({ reasoningTokens }) => reasoningTokens)),
    discardedTokens: sum(servers.map(({ discardedTokens }) => discardedTokens)),
  };
}

function sumSpeculation(speculations: readonly SpeculationUsage[]): SpeculationUsage {
  const positions = Math.max(...speculations.map(({ byPosition }) => byPosition.length));
  const lengths = Math.max(...speculations.map(({ draftsByLength }) => draftsByLength.length));
  return {
    ...sumOutcomes(speculations),
    byPosition: Array.from({ length: positions }, (_, position) => sumOutcomes(speculations.flatMap(({ byPosition }) => byPosition[position] ?? []))),
    draftsByLength: Array.from({ length: lengths }, (_, length) => sum(speculations.map(({ draftsByLength }) => draftsByLength[length] ?? 0))),
  };
}

function sumOutcomes(outcomes: readonly DraftOutcome[]): DraftOutcome {
  return { proposed: sum(outcomes.map(({ proposed }) => proposed)), accepted: sum(outcomes.map(({ accepted }) => accepted)) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
