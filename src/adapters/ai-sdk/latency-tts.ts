/**
 * A strategy as a language model of the AI SDK: `generateText({ model: latencyTts({ engine, deadlineMs }), prompt })`.
 *
 * The models are plain objects of specification v4, or v3 for version 6 of `ai`; nothing of the SDK is imported but types.
 *
 * @module
 */
import type {
  EmbeddingModelV4,
  ImageModelV4,
  LanguageModelV3,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
  SharedV4Warning,
} from '@ai-sdk/provider';
import * as v from 'valibot';
import type { Strategy } from '../../contracts/strategy.ts';
import { InvalidOptionError } from '../../errors.ts';
import { flag, oneOf, readOptions, text, type OptionsOf, type SettingsOf } from '../../option-schemas.ts';
import { AbortScope } from '../../runtime/abort-scope.ts';
import { strategySchema } from '../../strategies/nested-runs.ts';
import { reasoningOf } from '../../runtime/chosen-branch.ts';
import { callPolicyEntries, prepareCall, strategyCallEntries, type PreparedCall } from '../strategy-call.ts';
import { readOverrides } from './call-overrides.ts';
import { readSettings, readWarnings } from './read-call.ts';
import { readPrompt } from './read-prompt.ts';
import { summarise, UNKNOWN_USAGE } from './summarise.ts';

const strategiesSchema: v.GenericSchema<Readonly<Record<string, Strategy>>> = v.record(v.string(), strategySchema, 'strategies by name');

/** How a model answers. */
export const modelCallEntries = {
  ...callPolicyEntries,
  /** Strategies that a call may choose from by name: `providerOptions: { latencyTts: { strategy: 'careful' } }`. */
  strategies: v.optional(strategiesSchema),
  /** Whether `providerMetadata.latencyTts` carries the text of every branch. @default false */
  branchTexts: v.optional(flag, false),
};

export const latencyTtsEntries = {
  ...strategyCallEntries,
  ...modelCallEntries,
  /** What the model is called in responses and telemetry. @default the engine's name */
  modelId: v.optional(text),
  /** `v3` is for version 6 of `ai`. @default 'v4' */
  specification: v.optional(oneOf(['v3', 'v4']), 'v4'),
};

export interface LatencyTtsOptions extends OptionsOf<typeof latencyTtsEntries> {}

const PROVIDER = 'latency-tts';
/** Names the part of a stream that thoughts come in. */
const THOUGHTS = 'reasoning-0';

/** A strategy on an engine, as a language model. @throws {InvalidOptionError} */
export function latencyTts(options: LatencyTtsOptions & { readonly specification: 'v3' }): LanguageModelV3;
export function latencyTts(options: LatencyTtsOptions): LanguageModelV4;
export function latencyTts(options: LatencyTtsOptions): LanguageModelV3 | LanguageModelV4 {
  const policy = readOptions(latencyTtsEntries, options);
  // A plain object: `ai` wraps models in proxies, behind which private fields are not there.
  return {
    specificationVersion: policy.specification,
    provider: PROVIDER,
    get modelId() {
      return policy.modelId ?? policy.engine.name;
    },
    supportedUrls: {},
    doGenerate: (call: LanguageModelV4CallOptions) => generate(policy, call),
    doStream: (call: LanguageModelV4CallOptions) => stream(policy, call),
  } as LanguageModelV4;
}

type ModelPolicy = SettingsOf<typeof latencyTtsEntries>;

/** One call, read and checked. */
interface ReadCall {
  readonly policy: ModelPolicy;
  readonly run: PreparedCall;
  readonly warnings: SharedV4Warning[];
}

/** @throws {InvalidOptionError} */
function readCall(made: ModelPolicy, options: LanguageModelV4CallOptions, signal = options.abortSignal): ReadCall {
  const { strategy: name, deadlineMs, branchTexts, ...overrides } = readOverrides(options.providerOptions?.['latencyTts']);
  const { seed = options.seed } = overrides;
  const policy = {
    ...made,
    ...(seed !== undefined && { seed }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(branchTexts !== undefined && { branchTexts }),
    ...(name !== undefined && { strategy: namedStrategy(made, name) }),
  };
  const run = prepareCall(policy, { prompt: readPrompt(options.prompt), settings: readSettings(options), signal });
  return { policy, run, warnings: readWarnings(options) };
}

function namedStrategy({ strategies = {} }: ModelPolicy, name: string): Strategy {
  if (Object.hasOwn(strategies, name)) return strategies[name]!;
  const names = Object.keys(strategies);
  const expected = names.length > 0 ? `one of ${names.join(', ')}` : 'left out';
  throw new InvalidOptionError('providerOptions.latencyTts.strategy', expected, name, 'Name strategies in `strategies` of the model.');
}

async function generate(policy: ModelPolicy, options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
  const call = readCall(policy, options);
  const result = await call.run();
  const reasoning = reasoningOf(result);
  return {
    content: [...(reasoning === undefined ? [] : [{ type: 'reasoning' as const, text: reasoning }]), { type: 'text', text: result.text }],
    ...summarise(call.policy.strategy.name, result, call.policy.branchTexts),
    warnings: call.warnings,
  };
}

async function stream(policy: ModelPolicy, options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
  const scope = new AbortScope(options.abortSignal);
  let call: ReadCall;
  try {
    // Here, so that bad input rejects the call and not its stream.
    call = readCall(policy, options, scope.signal);
  } catch (error) {
    scope.end();
    throw error;
  }
  return {
    stream: new ReadableStream<LanguageModelV4StreamPart>({
      start: (controller) => void pump(call, { signal: scope.signal, withRaw: options.includeRawChunks ?? false }, controller).finally(() => scope.end()),
      cancel: (reason) => scope.end(reason),
    }),
  };
}

interface PumpOptions {
  readonly signal: AbortSignal;
  /** Whether votes and branches are told of in raw parts. */
  readonly withRaw: boolean;
}

/** Runs the call and writes the parts of its stream. Never rejects. */
async function pump(call: ReadCall, { signal, withRaw }: PumpOptions, controller: ReadableStreamDefaultController<LanguageModelV4StreamPart>): Promise<void> {
  const { policy, run, warnings } = call;
  const id = '0';
  controller.enqueue({ type: 'stream-start', warnings });
  controller.enqueue({ type: 'response-metadata', modelId: policy.modelId ?? policy.engine.name });
  let isOpen = false;
  const write = (part: LanguageModelV4StreamPart): void => {
    if (!signal.aborted) controller.enqueue(part);
  };
  let isThinking = false;
  const endThoughts = (): void => {
    if (isThinking) write({ type: 'reasoning-end', id: THOUGHTS });
    isThinking = false;
  };
  const onReasoning = (delta: string): void => {
    // Thoughts between two texts would have to be a part of their own.
    if (isOpen) return;
    if (!isThinking) write({ type: 'reasoning-start', id: THOUGHTS });
    isThinking = true;
    write({ type: 'reasoning-delta', id: THOUGHTS, delta });
  };
  const onText = (delta: string): void => {
    endThoughts();
    if (!isOpen) write({ type: 'text-start', id });
    isOpen = true;
    write({ type: 'text-delta', id, delta });
  };
  try {
    const result = await run({
      onText,
      onReasoning,
      onEvents: (events) => {
        if (!withRaw) return;
        events.on('vote-change', (event) => write({ type: 'raw', rawValue: { event: 'vote-change', ...event } }));
        events.on('branch-end', ({ atMs, report }) => write({ type: 'raw', rawValue: { event: 'branch-end', atMs, report } }));
      },
    });
    endThoughts();
    if (isOpen) write({ type: 'text-end', id });
    write({ type: 'finish', ...summarise(policy.strategy.name, result, policy.branchTexts) });
  } catch (error) {
    // A reader that has left gets nothing more; a caller that has aborted gets its own reason.
    if (signal.aborted) return controller.error(signal.reason);
    endThoughts();
    if (isOpen) write({ type: 'text-end', id });
    write({ type: 'error', error });
    write({ type: 'finish', finishReason: { unified: 'error', raw: undefined }, usage: UNKNOWN_USAGE });
  }
  // An abort may come as the run ends; a stream that is neither closed nor failed would be waited for.
  if (signal.aborted) controller.error(signal.reason);
  else controller.close();
}

export const latencyTtsProviderEntries = {
  ...strategyCallEntries,
  ...modelCallEntries,
  /** The strategies that models are named for. */
  strategies: strategiesSchema,
};

export interface LatencyTtsProviderOptions extends Omit<OptionsOf<typeof latencyTtsProviderEntries>, 'strategy'> {}

/** Makes models by the name of their strategy; works in a provider registry of the AI SDK. */
export interface LatencyTtsProvider {
  (name: string): LanguageModelV4;
  readonly specificationVersion: 'v4';
  languageModel(name: string): LanguageModelV4;
  embeddingModel(name: string): EmbeddingModelV4;
  imageModel(name: string): ImageModelV4;
}

/** Strategies on one engine as a provider: `tts('careful')`. @throws {InvalidOptionError} for a name that is none of `strategies`. */
export function createLatencyTts(options: LatencyTtsProviderOptions): LatencyTtsProvider {
  const { strategies } = readOptions(latencyTtsProviderEntries, options);
  const languageModel = (name: string): LanguageModelV4 => {
    if (!Object.hasOwn(strategies, name)) {
      throw new InvalidOptionError('modelId', `one of ${Object.keys(strategies).join(', ')}`, name, 'A model is named for its strategy.');
    }
    return latencyTts({ ...options, strategy: strategies[name]!, modelId: name });
  };
  const none =
    (kind: string) =>
    (name: string): never => {
      throw new InvalidOptionError('modelId', 'the name of a language model', name, `There are no ${kind} models here.`);
    };
  return Object.assign(languageModel, { specificationVersion: 'v4', languageModel, embeddingModel: none('embedding'), imageModel: none('image') } as const);
}
