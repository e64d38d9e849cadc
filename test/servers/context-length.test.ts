/** Who says that a prompt is too long, in which words and with which status; figures are `undefined` where they are not told. */
import { describe, expect, test } from 'vitest';
import { CannedServer, segmentFrom, type CannedReply } from './canned-server.ts';

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
  [
    'vLLM, newest',
    400,
    openai(
      "You passed 9001 input tokens and requested 100 output tokens. However, the model's context length is only 8192 tokens, resulting in a maximum input length of 8092 tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=9001)",
      { param: 'input_tokens', code: 400 },
    ),
    9101,
    8192,
  ],
  [
    'vLLM, a limit beyond the context',
    400,
    flat('max_tokens (100000) cannot be greater than max_model_len (8192). Please request fewer output tokens.'),
    100000,
    8192,
  ],
  [
    'vLLM, a limit beyond the context, newer',
    400,
    flat('max_tokens=100000 cannot be greater than max_model_len=max_total_tokens=8192. Please request fewer output tokens.'),
    100000,
    8192,
  ],
  ['llama.cpp, while it writes', 500, { error: { code: 500, message: 'Context size has been exceeded.', type: 'server_error' } }, undefined, undefined],
  [
    'llama.cpp, the prompt',
    400,
    { error: { code: 400, message: 'the prompt exceeds the available context size', type: 'exceed_context_size_error' } },
    undefined,
    undefined,
  ],
  ['Ollama, by how much', 400, { error: 'prompt too long; exceeded max context length by 1234 tokens' }, undefined, undefined],
  ['Ollama, with a status', 400, { error: { message: 'the input length exceeds the context length (StatusCode: 400)' } }, undefined, undefined],
  [
    'LM Studio, while it writes',
    400,
    {
      error:
        'Reached context length of 4096 tokens with model (arch: qwen2) that does not currently support mid-generation context overflow. Try reloading with a larger context length or shortening the prompt/chat.',
    },
    undefined,
    4096,
  ],
  [
    'OpenAI, a limit of its own',
    400,
    openai('Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300012 tokens. Please reduce the length of the messages.', {
      code: 'context_length_exceeded',
    }),
    300012,
    272000,
  ],
  [
    'LiteLLM',
    400,
    {
      error: {
        message:
          "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens. Please reduce the length of the messages. model=gpt-4. context_window_fallbacks=None. fallbacks=None.\nReceived Model Group=gpt-4\nAvailable Model Group Fallbacks=None",
        type: null,
        param: null,
        code: '400',
      },
    },
    9001,
    8192,
  ],
  [
    'LiteLLM, of Anthropic',
    400,
    {
      error: {
        message:
          'litellm.ContextWindowExceededError: AnthropicError - {"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 215000 tokens > 200000 maximum"},"request_id":"req_011"}',
        code: '400',
      },
    },
    215000,
    200000,
  ],
  [
    'DashScope',
    400,
    openai('<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 98304]', { code: 'invalid_parameter_error' }),
    undefined,
    98304,
  ],
  ['Zhipu', 400, { error: { code: '1261', message: 'Prompt exceeds max length' } }, undefined, undefined],
  ['MiniMax', 400, openai('invalid params, context window exceeds limit (2013)'), undefined, undefined],
  ['Bedrock', 400, { message: 'Input is too long for requested model.' }, undefined, undefined],
  [
    'Vertex',
    400,
    [
      {
        error: {
          code: 400,
          message:
            'Unable to submit request because the input token count is 1100000 but model only supports up to 1048576. Reduce the input token count and try again. You can also use the CountTokens API',
          status: 'INVALID_ARGUMENT',
        },
      },
    ],
    1100000,
    1048576,
  ],
  [
    'GitHub Models',
    413,
    { error: { code: 'tokens_limit_reached', message: 'Request body too large for gpt-4o model. Max size: 8000 tokens.', details: 'x' } },
    undefined,
    8000,
  ],
  ['Copilot', 400, openai('prompt token count of 130000 exceeds the limit of 128000', { code: 'model_max_prompt_tokens_exceeded' }), 130000, 128000],
  [
    'TabbyAPI',
    400,
    {
      detail: {
        error: { message: 'Prompt length 5000 is greater than max_seq_len 4096', trace: 'Traceback (most recent call last):\n  File "x.py", line 123' },
      },
    },
    5000,
    4096,
  ],
  ['TensorRT', 400, openai('The sum of prompt length (9001.0), query length (0) should not exceed max_num_tokens (8192)'), 9001, 8192],
  [
    'Cloudflare',
    400,
    {
      success: false,
      errors: [
        { code: 5021, message: 'AiError: The estimated number of input and maximum output tokens (24545) exceeded this model context window limit (24000).' },
      ],
    },
    24545,
    24000,
  ],
  ['SambaNova', 400, openai('Prompt length 5000 exceeds the max sequence length 4096'), 5000, 4096],
  ['AI21', 422, { detail: 'Prompt is too long: 5000 tokens; max is 4096' }, 5000, 4096],
  ['KoboldCpp', 400, { detail: { msg: 'Prompt is too long: the context window is 2048 tokens, the prompt has 2500.' } }, 2500, 2048],
  ['llamafile', 400, { error: { code: 400, message: 'Prompt is too long (9001 tokens); context is 8192', type: 'invalid_request_error' } }, 9001, 8192],
  ['MLX', 400, { error: 'Input sequence length 9001 exceeds maximum 8192' }, 9001, 8192],
  ['exo', 400, { detail: 'Prompt of 9001 tokens does not fit the context of 8192 tokens' }, 9001, 8192],
  ['Perplexity', 400, openai('Input exceeds maximum token limit: 9001 > 8192'), 9001, 8192],
  [
    'Together',
    422,
    {
      id: 'x',
      error: {
        message: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 7000 `inputs` tokens and 2000 `max_new_tokens`',
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
    },
    9000,
    8193,
  ],
  ['Databricks', 400, { error_code: 'BAD_REQUEST', message: 'BAD_REQUEST: Input is too long. Max input length 8192 tokens, got 9001 tokens.' }, 9001, 8192],
  ['a proxy', 413, openai("This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.", { code: null }), 9_001, 8_192],
];

describe('a limit that does not fit behind the prompt', () => {
  const tooMuch = (needed: number): object => openai(`This model's maximum context length is 100 tokens. However, you requested ${needed} tokens.`);
  const asked = ({ max_tokens: tokens }: Readonly<Record<string, unknown>>): number => Number(tokens ?? 0);

  test('is lowered to what the server says it holds, once and for all', async () => {
    const server = await CannedServer.start((body) =>
      40 + asked(body) > 100
        ? { status: 400, body: tooMuch(40 + asked(body)) }
        : { body: [{ choices: [{ delta: { content: 'Done.' }, finish_reason: 'stop' }] }] },
    );
    const engine = server.engine();
    for (let run = 0; run < 2; run++) {
      const session = await engine.open('Say it.', {});
      expect(await session.branch(1)[0]!.advance({ until: { tokens: 90 } })).toMatchObject({ text: 'Done.', finish: 'end' });
      if (run === 0) expect(session.usage().promptTokens).toBe(40);
    }
    expect(engine.contextTokens).toBe(100);
    expect(server.bodies.map(asked).slice(0, 2)).toEqual([90, 60]);
    await engine.dispose();
    await server.stop();
  });

  test('a prompt that is too long by itself is reported', async () => {
    const server = await CannedServer.start((body) => ({ status: 400, body: tooMuch(200 + asked(body)) }));
    const engine = server.engine({ maxRetries: 3 });
    const branch = (await engine.open('Say it.', {})).branch(1)[0]!;
    await expect(branch.advance({ until: { tokens: 90 } })).rejects.toMatchObject({ code: 'LTTS_CONTEXT_LENGTH', contextTokens: 100 });
    expect(server.bodies).toHaveLength(1);
    await engine.dispose();
    await server.stop();
  });

  test('figures that cannot be are tried once at most', async () => {
    const server = await CannedServer.start({ status: 400, body: tooMuch(101) });
    const engine = server.engine({ maxRetries: 3 });
    const branch = (await engine.open('Say it.', {})).branch(1)[0]!;
    await expect(branch.advance({ until: { tokens: 90 } })).rejects.toMatchObject({ code: 'LTTS_CONTEXT_LENGTH' });
    expect(server.bodies.length).toBeLessThanOrEqual(2);
    await engine.dispose();
    await server.stop();
  });
});

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
  [
    'tokens per minute (Groq)',
    413,
    openai(
      'Request too large for model `llama-3.1-8b-instant` in organization `org_1` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Requested 7000, please reduce your message size and try again.',
      { code: 'rate_limit_exceeded', type: 'tokens' },
    ),
  ],
  ['a limit of 0', 400, openai("Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.", { param: 'max_tokens' })],
  [
    'a long name',
    400,
    openai("Invalid 'messages[0].name': string too long. Expected a string with maximum length 64, but got a string with length 80 instead.", {
      code: 'string_above_max_length',
    }),
  ],
  ['too many images', 400, openai('Too many images: 12 > 10 maximum', { code: null })],
  [
    'a batch size (llama.cpp)',
    500,
    { error: { code: 500, message: 'input is too large to process. increase the physical batch size (current batch size: 512)', type: 'server_error' } },
  ],
  ['logit_bias', 400, openai('logit_bias has 400 entries, limit of 300', { code: null })],
  ['a rate limit on long contexts', 429, openai('Rate limit: context length requests limited to 3 per minute', { code: null })],
  ['too many choices', 400, flat('n must be at most 128, got 1000')],
  ['a time-out', 504, { error: 'the request took too long: 60000 ms > 30000 maximum' }],
  [
    'a limit of the model (Groq)',
    400,
    openai('max_tokens must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window` for this model', {
      code: null,
    }),
  ],
  ['a long stop string', 400, flat('stop: string too long. Expected at most 64 characters, got 80.')],
  ['a wrong key', 401, flat('Key for context length 8192 is 9000.')],
])('%s is none', async (_, status, body) => {
  expect(await errorFrom({ status, body })).toMatchObject({ code: 'LTTS_SERVER', status });
});
