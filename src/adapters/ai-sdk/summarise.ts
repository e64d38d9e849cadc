import type { JSONObject, LanguageModelV4FinishReason, LanguageModelV4GenerateResult, LanguageModelV4Usage } from '@ai-sdk/provider';
import type { StrategyResult } from '../../contracts/result.ts';
import { finishOf, resultMetadata, type ResultMetadata } from '../result-metadata.ts';

type Summary = Required<Pick<LanguageModelV4GenerateResult, 'finishReason' | 'usage' | 'providerMetadata'>>;

/** A result in the AI SDK's terms, but for its text. */
export function summarise(strategy: string, result: StrategyResult, withTexts: boolean): Summary {
  return {
    finishReason: finishReasonOf(result),
    usage: usageOf(result),
    providerMetadata: { latencyTts: { ...resultMetadata(strategy, result, withTexts) } as unknown as JSONObject },
  };
}

/** The report of a run in the `providerMetadata` of a response, with its types; `undefined` where another model has answered. */
export function latencyTtsReport(providerMetadata: Readonly<Record<string, unknown>> | undefined): ResultMetadata | undefined {
  return providerMetadata?.['latencyTts'] as ResultMetadata | undefined;
}

/** How the returned branch has ended. One that was cut and then gave its answer has stopped. */
function finishReasonOf(result: StrategyResult): LanguageModelV4FinishReason {
  const finish = finishOf(result);
  if (finish === 'end' || finish === 'stop') return { unified: 'stop', raw: finish };
  return { unified: finish === 'length' || finish === 'context' ? 'length' : 'other', raw: finish };
}

/** Tokens over all branches: what the answer has cost, not how long it is. */
function usageOf({ usage }: StrategyResult): LanguageModelV4Usage {
  const { promptTokens, completionTokens, server } = usage;
  const reasoning = server?.reasoningTokens ?? 0;
  return {
    inputTokens: { total: promptTokens, noCache: promptTokens, cacheRead: undefined, cacheWrite: undefined },
    outputTokens:
      reasoning > 0
        ? { total: completionTokens, text: completionTokens - reasoning, reasoning }
        : { total: completionTokens, text: completionTokens, reasoning: undefined },
    raw: { ...usage } as unknown as JSONObject,
  };
}

/** Of a run that has failed. */
export const UNKNOWN_USAGE: LanguageModelV4Usage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};
