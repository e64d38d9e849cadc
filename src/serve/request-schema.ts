/** Bodies of requests, as they are checked. What no schema names is reported as ignored. */
import * as v from 'valibot';

const whole = (least: number): v.GenericSchema<number> => v.pipe(v.number(), v.safeInteger(), v.minValue(least));
const range = (low: number, high: number): v.GenericSchema<number> => v.pipe(v.number(), v.minValue(low), v.maxValue(high));
/** As many as other servers tell. */
export const MOST_TOP_LOGPROBS = 20;
const topLogprobs = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MOST_TOP_LOGPROBS));
const stopString = v.pipe(v.string(), v.nonEmpty('Expected a text that is not empty'));

const strategySchema = v.union([
  v.pipe(v.string(), v.nonEmpty()),
  v.strictObject({ name: v.pipe(v.string(), v.nonEmpty()), options: v.optional(v.record(v.string(), v.unknown())) }),
]);

/** Fields that both endpoints honour. */
const common = {
  model: v.pipe(v.string(), v.nonEmpty()),
  stream: v.nullish(v.boolean()),
  stream_options: v.nullish(v.object({ include_usage: v.nullish(v.boolean()) })),
  n: v.nullish(whole(1)),
  max_tokens: v.nullish(whole(1)),
  temperature: v.nullish(range(0, 2)),
  top_p: v.nullish(range(Number.MIN_VALUE, 1)),
  top_k: v.nullish(whole(-1)),
  min_p: v.nullish(range(0, 1)),
  repetition_penalty: v.nullish(range(Number.MIN_VALUE, 10)),
  seed: v.nullish(whole(0)),
  stop: v.nullish(v.union([stopString, v.pipe(v.array(stopString), v.maxLength(16))])),
  include_stop_str_in_output: v.nullish(v.boolean()),
  deadline_ms: v.nullish(v.pipe(v.number(), v.finite(), v.gtValue(0))),
  strategy: v.nullish(strategySchema),
  include_branch_text: v.nullish(v.boolean()),
  return_token_ids: v.nullish(v.boolean()),
  return_tokens_as_token_ids: v.nullish(v.boolean()),
};

const textPart = v.object({ type: v.literal('text'), text: v.string() });
const message = v.object({
  role: v.picklist(['system', 'developer', 'user', 'assistant']),
  content: v.union([v.string(), v.pipe(v.array(textPart), v.minLength(1))]),
});

export const chatSchema = v.looseObject({
  ...common,
  messages: v.pipe(v.array(message), v.minLength(1)),
  max_completion_tokens: v.nullish(whole(1)),
  logprobs: v.nullish(v.boolean()),
  top_logprobs: v.nullish(topLogprobs),
  add_generation_prompt: v.nullish(v.boolean()),
  continue_final_message: v.nullish(v.boolean()),
});

export const completionSchema = v.looseObject({
  ...common,
  prompt: v.union([v.string(), v.pipe(v.array(v.string()), v.length(1, 'Expected one prompt: send further ones as requests of their own'))]),
  logprobs: v.nullish(topLogprobs),
});

export type ChatBody = v.InferOutput<typeof chatSchema>;
export type CompletionBody = v.InferOutput<typeof completionSchema>;

/** Fields that would change the result but cannot be honoured, with the values that ask for nothing. */
export const REFUSED_FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  frequency_penalty: (value) => value === 0,
  presence_penalty: (value) => value === 0,
  logit_bias: (value) => typeof value === 'object' && value !== null && Object.keys(value).length === 0,
  tools: (value) => Array.isArray(value) && value.length === 0,
  functions: (value) => Array.isArray(value) && value.length === 0,
  tool_choice: (value) => value === 'none' || value === 'auto',
  response_format: (value) => typeof value === 'object' && value !== null && 'type' in value && value.type === 'text',
  modalities: (value) => Array.isArray(value) && value.every((entry) => entry === 'text'),
  audio: () => false,
  prediction: () => false,
  best_of: (value) => value === 1,
  echo: (value) => value === false,
  suffix: (value) => value === '',
  min_tokens: (value) => value === 0,
  prompt_logprobs: (value) => value === false,
  stop_token_ids: (value) => Array.isArray(value) && value.length === 0,
  ignore_eos: (value) => value === false,
  logits_processors: (value) => Array.isArray(value) && value.length === 0,
  guided_json: () => false,
  guided_regex: () => false,
  guided_choice: () => false,
  guided_grammar: () => false,
  structured_outputs: () => false,
};

/** Fields that change nothing here and need not be reported. */
export const INERT_FIELDS: ReadonlySet<string> = new Set([
  'user',
  'metadata',
  'store',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'parallel_tool_calls',
]);
