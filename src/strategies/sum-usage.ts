import type { DraftOutcome, EngineUsage, SpeculationUsage } from '../contracts/engine.ts';

/** What several sessions have cost together. */
export function sumUsage(usages: readonly EngineUsage[]): EngineUsage {
  const speculations = usages.flatMap(({ speculation }) => speculation ?? []);
  return {
    promptTokens: sum(usages.map(({ promptTokens }) => promptTokens)),
    completionTokens: sum(usages.map(({ completionTokens }) => completionTokens)),
    forcedTokens: sum(usages.map(({ forcedTokens }) => forcedTokens)),
    forwardCount: sum(usages.map(({ forwardCount }) => forwardCount)),
    ...(speculations.length > 0 && { speculation: sumSpeculation(speculations) }),
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
