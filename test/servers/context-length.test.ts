/** Who says that a prompt is too long, in which words and with which status; figures are `undefined` where they are not told. */
import { describe, expect, test } from 'vitest';
import { segmentFrom, type CannedReply } from './canned-server.ts';

type Figure = number | undefined;
const openai = (message: string, more: object = { code: 'context_length_exceeded' }): object => ({
  error: { message, type: 'invalid_request_error', param: 'messages', ...more },
});
const flat = (message: string): object => ({ object: 'error', message, type: 'BadRequestError', param: null, code: 400 });

const TOO_LONG: readonly (readonly [string, number, object | string, Figure, Figure])[] = [
  [
    'OpenAI',
    400,
    openai("This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens. Please reduce the length of the messages."),
    9_001,
    8_192,
  ],
  [
    'OpenAI, with the completion',
    400,
    openai(
      "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (1000 in the messages, 8000 in the completion). Please reduce the length of the messages or completion.",
    ),
    9_000,
    8_192,
  ],
  [
    'OpenAI, completions',
    400,
    openai(
      "This model's maximum context length is 4097 tokens, however you requested 4231 tokens (3975 in your prompt; 256 for the completion). Please reduce your prompt; or completion length.",
      { code: null },
    ),
    4_231,
    4_097,
  ],
  ['OpenAI, newer', 400, openai('Your input exceeds the context window of this model. Please adjust your input and try again.'), undefined, undefined],
  ['Azure', 400, openai("This model's maximum context length is 128000 tokens. However, your messages resulted in 130,212 tokens."), 130_212, 128_000],
  [
    'vLLM',
    400,
    flat("This model's maximum context length is 8192 tokens. However, you requested 9000 tokens in the messages, Please reduce the length of the messages."),
    9_000,
    8_192,
  ],
  [
    'vLLM, newer',
    400,
    openai("This model's maximum context length is 8192 tokens. However, your request has 9001 input tokens. Please reduce the length of the input messages.", {
      code: 400,
    }),
    9_001,
    8_192,
  ],
  [
    'vLLM, with a limit that is too large',
    400,
    openai(
      "'max_tokens' or 'max_completion_tokens' is too large: 8000. This model's maximum context length is 8192 tokens and your request has 1000 input tokens (8000 > 8192 - 1000).",
      { param: 'max_tokens', code: 400 },
    ),
    9_000,
    8_192,
  ],
  [
    'vLLM, both together',
    400,
    flat(
      "This model's maximum context length is 8192 tokens. However, you requested 8000 output tokens and your prompt contains at least 193 input tokens, for a total of at least 8193 tokens. Please reduce the length of the input prompt or the number of requested output tokens.",
    ),
    8_193,
    8_192,
  ],
  [
    'vLLM, the engine',
    400,
    flat(
      'The decoder prompt (length 9001) is longer than the maximum model length of 8192. Make sure that `max_model_len` is no smaller than the number of text tokens.',
    ),
    9_001,
    8_192,
  ],
  [
    'vLLM, older',
    400,
    flat(
      'The prompt (total length 25938) is too long to fit into the model (context length 4096). Make sure that `max_model_len` is no smaller than the number of text tokens plus multimodal tokens.',
    ),
    25_938,
    4_096,
  ],
  ['vLLM, oldest', 400, flat('Input prompt (9762 tokens) is too long and exceeds limit of 8192'), 9_762, 8_192],
  ['SGLang', 400, flat("The input (61709 tokens) is longer than the model's context length (40960 tokens)."), 61_709, 40_960],
  [
    'SGLang, with the completion',
    400,
    flat(
      "Requested token count exceeds the model's maximum context length of 8192 tokens. You requested a total of 9000 tokens: 1000 tokens from the input messages and 8000 tokens for the completion. Please reduce the number of tokens.",
    ),
    9_000,
    8_192,
  ],
  [
    'SGLang, by the scheduler',
    400,
    flat('Input length (600013 tokens) exceeds the maximum allowed length (536826 tokens). Use a shorter input or enable --allow-auto-truncate.'),
    600_013,
    536_826,
  ],
  [
    'llama.cpp',
    400,
    {
      error: {
        code: 400,
        message: 'request (9001 tokens) exceeds the available context size (8192 tokens), try increasing it',
        type: 'exceed_context_size_error',
        n_prompt_tokens: 9_001,
        n_ctx: 8_192,
      },
    },
    9_001,
    8_192,
  ],
  [
    'llama.cpp, figures in fields',
    400,
    {
      error: {
        code: 400,
        message: 'the request exceeds the available context size. try increasing the context size or enable context shift',
        type: 'exceed_context_size_error',
        n_prompt_tokens: 14_429,
        n_ctx: 8_192,
      },
    },
    14_429,
    8_192,
  ],
  [
    'llama.cpp, older',
    500,
    {
      error: {
        code: 500,
        message: 'the request exceeds the available context size. try increasing the context size or enable context shift',
        type: 'server_error',
      },
    },
    undefined,
    undefined,
  ],
  [
    'llama-cpp-python',
    400,
    openai(
      "This model's maximum context length is 512 tokens. However, you requested 600 tokens (580 in the messages, 20 in the completion). Please reduce the length of the messages or completion.",
    ),
    600,
    512,
  ],
  [
    'llama-cpp-python, older',
    500,
    { error: { message: 'Requested tokens (2285) exceed context window of 2048', type: 'internal_server_error', param: null, code: null } },
    2_285,
    2_048,
  ],
  [
    'TGI',
    422,
    {
      error: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3474 `inputs` tokens and 60 `max_new_tokens`',
      error_type: 'validation',
    },
    3_534,
    2_048,
  ],
  [
    'TGI, the prompt alone',
    422,
    { error: 'Input validation error: `inputs` must have less than 1024 tokens. Given: 1500', error_type: 'validation' },
    1_500,
    1_024,
  ],
  [
    'LM Studio',
    400,
    {
      error:
        'Trying to keep the first 14538 tokens when context the overflows. However, the model is loaded with context length of only 2048 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input',
    },
    14_538,
    2_048,
  ],
  [
    'LM Studio, newer',
    400,
    {
      error:
        'The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 5021>= n_ctx: 4096). Try to load the model with a larger context length, or provide a shorter input.',
    },
    5_021,
    4_096,
  ],
  ['Ollama', 400, { error: { message: 'the input length exceeds the context length', type: 'api_error', param: null, code: null } }, undefined, undefined],
  [
    'OpenRouter',
    400,
    {
      error: {
        message:
          'This endpoint\'s maximum context length is 16384 tokens. However, you requested about 94307 tokens (94307 of text input). Please reduce the length of either one, or use the "middle-out" transform.',
        code: 400,
        metadata: { provider_name: null },
      },
    },
    94_307,
    16_384,
  ],
  [
    'OpenRouter, of a provider',
    400,
    {
      error: {
        message: 'Provider returned error',
        code: 400,
        metadata: {
          raw: JSON.stringify(openai("This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.")),
          provider_name: 'Somebody',
        },
      },
    },
    9_001,
    8_192,
  ],
  [
    'DeepSeek',
    400,
    openai(
      "This model's maximum context length is 65536 tokens. However, you requested 94307 tokens (90307 in the messages, 4000 in the completion). Please reduce the length of the messages or completion.",
      { code: 'invalid_request_error' },
    ),
    94_307,
    65_536,
  ],
  [
    'Mistral',
    400,
    {
      object: 'error',
      message: 'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
      type: 'invalid_request_error',
      param: null,
      code: '3051',
    },
    40_000,
    32_768,
  ],
  [
    'xAI',
    400,
    { code: 'Client specified an invalid argument', error: "This model's maximum prompt length is 131072 but the request contains 537812 tokens." },
    537_812,
    131_072,
  ],
  [
    'Anthropic',
    400,
    { type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long: 200001 tokens > 200000 maximum' } },
    200_001,
    200_000,
  ],
  [
    'Anthropic, with the limit',
    400,
    {
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message: 'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or `max_tokens` and try again',
      },
    },
    210_000,
    200_000,
  ],
  [
    'Google',
    400,
    [{ error: { code: 400, message: 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).', status: 'INVALID_ARGUMENT' } }],
    1_200_000,
    1_048_576,
  ],
  ['Groq', 400, openai('Please reduce the length of the messages or completion.'), undefined, undefined],
  ['Fireworks', 400, openai('The prompt is too long: 140000, model maximum context length: 131072', { code: 'invalid_request_error' }), 140_000, 131_072],
  ['Kimi', 400, openai('Invalid request: Your request exceeded model token limit: 8192 (requested: 9000)', { code: null }), 9_000, 8_192],
  ['Cerebras', 400, openai('Please reduce the length of the messages or completion. Current length is 13000 while limit is 8192'), 13_000, 8_192],
  [
    'Cohere',
    400,
    { message: 'too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4500. Try using a shorter prompt.' },
    4_500,
    4_081,
  ],
  ['MLC', 400, flat('Request prompt has 5000 tokens in total, larger than the model input length limit 4096.'), 5_000, 4_096],
  ['FastAPI', 400, { detail: "This model's maximum context length is 8192 tokens. However, your request has 9001 input tokens." }, 9_001, 8_192],
  ['a proxy', 413, openai("This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.", { code: null }), 9_001, 8_192],
];

function errorFrom(reply: CannedReply): Promise<unknown> {
  return segmentFrom(reply).catch((error: unknown) => error);
}

describe.each(TOO_LONG)('%s', (_, status, body, neededTokens, contextTokens) => {
  test('is a ContextLengthError with the figures it tells', async () => {
    expect(await errorFrom({ status, body })).toMatchObject({ code: 'LTTS_CONTEXT_LENGTH', neededTokens, contextTokens });
  });

  test('also within a stream', async () => {
    expect(await errorFrom({ body: [body] })).toMatchObject({ code: 'LTTS_CONTEXT_LENGTH', neededTokens, contextTokens });
  });
});

test.each([
  [
    'a limit of its own',
    400,
    openai('max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.', {
      param: 'max_tokens',
      code: 'invalid_value',
    }),
  ],
  ['a range', 400, openai('Invalid max_tokens value, the valid range of max_tokens is [1, 8192]', { code: 'invalid_request_error' })],
  [
    'tokens per minute',
    429,
    openai(
      'Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 45000. The input or output tokens must be reduced in order to run successfully.',
      { code: 'rate_limit_exceeded' },
    ),
  ],
  ['a long stop string', 400, flat('stop: string too long. Expected at most 64 characters, got 80.')],
  ['a wrong key', 401, flat('Key for context length 8192 is 9000.')],
])('%s is none', async (_, status, body) => {
  expect(await errorFrom({ status, body })).toMatchObject({ code: 'LTTS_SERVER', status });
});
