import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Middleware, LanguageModelV4StreamPart, SharedV4Warning } from '@ai-sdk/provider';
import { pickOptions, readOptions, type OptionsOf } from '../../option-schemas.ts';
import { AiSdkEngine, aiSdkRequestEntries } from './ai-sdk-engine.ts';
import { latencyTts, modelCallEntries } from './latency-tts.ts';
import { messageOf, textMessageOf } from './model-client.ts';

export const middlewareEntries = { ...modelCallEntries, ...aiSdkRequestEntries };

export interface LatencyTtsMiddlewareOptions extends OptionsOf<typeof middlewareEntries> {}

/**
 * A strategy around a model of the AI SDK: `wrapLanguageModel({ model, middleware: latencyTtsMiddleware({ strategy }) })`. Every
 * call becomes a run, whose branches are calls of the model with the same messages, images included. A call that offers tools is
 * passed on as it is, with a warning.
 *
 * @throws {InvalidOptionError}
 */
export function latencyTtsMiddleware(options: LatencyTtsMiddlewareOptions = {}): LanguageModelV4Middleware {
  readOptions(middlewareEntries, options);
  return {
    specificationVersion: 'v4',
    wrapGenerate: async ({ doGenerate, params, model }) => {
      if (!hasTools(params)) return modelFor(options, model, params).doGenerate(textCallOf(params));
      const result = await doGenerate();
      return { ...result, warnings: [...result.warnings, PASSED_ON] };
    },
    wrapStream: async ({ doStream, params, model }) => {
      if (!hasTools(params)) return modelFor(options, model, params).doStream(textCallOf(params));
      const result = await doStream();
      return { ...result, stream: result.stream.pipeThrough(new TransformStream({ transform: addWarning })) };
    },
  };
}

const PASSED_ON: SharedV4Warning = { type: 'unsupported', feature: 'tools', details: 'The call was passed on without a strategy: branches are texts.' };

function hasTools({ tools = [] }: LanguageModelV4CallOptions): boolean {
  return tools.length > 0;
}

function addWarning(part: LanguageModelV4StreamPart, controller: TransformStreamDefaultController<LanguageModelV4StreamPart>): void {
  controller.enqueue(part.type === 'stream-start' ? { ...part, warnings: [...part.warnings, PASSED_ON] } : part);
}

/** What a run does with the settings of a call, and the calls of its branches no more. */
const SETTINGS = ['prompt', 'abortSignal', 'temperature', 'topP', 'topK', 'maxOutputTokens', 'stopSequences', 'seed'] as const;
/** What the model sees to, and the strategy need not warn of. */
const CARRIED = ['responseFormat', 'presencePenalty', 'frequencyPenalty', 'reasoning'] as const;

/** A model whose engine makes the call's own requests. */
function modelFor(options: LatencyTtsMiddlewareOptions, model: LanguageModelV4, params: LanguageModelV4CallOptions): LanguageModelV4 {
  const engine = new AiSdkEngine({ ...pickOptions(aiSdkRequestEntries, options), model }, { callOptions: without(params, SETTINGS), prompt: params.prompt });
  return latencyTts({ ...pickOptions(modelCallEntries, options), engine, modelId: model.modelId });
}

/** The call as the strategy sees it: its messages in words. */
function textCallOf(params: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  return { ...without(params, CARRIED), prompt: params.prompt.map((message) => messageOf(textMessageOf(message))) };
}

function without<Key extends keyof LanguageModelV4CallOptions>(
  params: LanguageModelV4CallOptions,
  keys: readonly Key[],
): Omit<LanguageModelV4CallOptions, Key> {
  return Object.fromEntries(Object.entries(params).filter(([key]) => !(keys as readonly string[]).includes(key))) as Omit<LanguageModelV4CallOptions, Key>;
}
