import type { LanguageModelV4CallOptions, SharedV4Warning } from '@ai-sdk/provider';
import type { CallSettings } from '../../engines/with-call-settings.ts';
import { InvalidOptionError } from '../../errors.ts';

/** Call settings of the AI SDK in the terms of an engine. */
export function readSettings({ temperature, topP, topK, maxOutputTokens, stopSequences }: LanguageModelV4CallOptions): CallSettings {
  const sampling = {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(topK !== undefined && { topK }),
  };
  return {
    ...(Object.keys(sampling).length > 0 && { sampling }),
    ...(maxOutputTokens !== undefined && { maxTokens: maxOutputTokens }),
    ...(stopSequences && stopSequences.length > 0 && { stop: stopSequences }),
  };
}

/**
 * What the call asks for and will not get. What can be left out without a wrong result is a warning.
 *
 * @throws {InvalidOptionError} for a call of a tool that is demanded.
 */
export function readWarnings(options: LanguageModelV4CallOptions): SharedV4Warning[] {
  const { tools = [], toolChoice, responseFormat, presencePenalty, frequencyPenalty, reasoning } = options;
  if (toolChoice?.type === 'required' || toolChoice?.type === 'tool') {
    throw new InvalidOptionError('toolChoice', "'auto' or 'none'", toolChoice.type, 'Branches are texts: no tool can be called from them.');
  }
  const warnings: SharedV4Warning[] = [];
  const warn = (isAsked: boolean, feature: string, details: string): void => {
    if (isAsked) warnings.push({ type: 'unsupported', feature, details });
  };
  warn(tools.length > 0, 'tools', 'Branches are texts: the tools are not offered to the model.');
  warn(responseFormat?.type === 'json', 'responseFormat', 'JSON is not enforced: ask for it in the prompt and check the text.');
  warn(isPenalty(presencePenalty), 'presencePenalty', "Engines have a repetition penalty instead: give it in the strategy's `sampling`.");
  warn(isPenalty(frequencyPenalty), 'frequencyPenalty', "Engines have a repetition penalty instead: give it in the strategy's `sampling`.");
  warn(
    reasoning !== undefined && reasoning !== 'provider-default' && reasoning !== 'none',
    'reasoning',
    'The deadline and the strategy say how much is thought.',
  );
  return warnings;
}

function isPenalty(penalty: number | undefined): boolean {
  return penalty !== undefined && penalty !== 0;
}
