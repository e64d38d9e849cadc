/** Requests that servers refuse: what is left out for good, what is reported, what is tried again. */
import { describe, expect, test } from 'vitest';
import { ServerError } from '../../src/errors.ts';
import { CannedServer, type CannedReply } from './canned-server.ts';

const DONE: CannedReply = { body: [{ choices: [{ delta: { content: 'Done.' }, finish_reason: 'stop' }] }] };
const openai = (message: string, more: object = {}): object => ({ error: { message, type: 'invalid_request_error', param: null, code: null, ...more } });
const flat = (message: string): object => ({ object: 'error', message, type: 'BadRequestError', param: null, code: 400 });
const pydantic = (loc: string[], type: string, msg: string, input: unknown = 1): object => ({ detail: [{ type, loc: ['body', ...loc], msg, input }] });

type Fields = Readonly<Record<string, unknown>>;
/** Refuses every request that this says of, and answers the others. */
const refusing =
  (isRefused: (body: Fields) => boolean, body: object | string, status = 400) =>
  (sent: Fields): CannedReply =>
    isRefused(sent) ? { status, body } : DONE;
const has =
  (field: string) =>
  (body: Fields): boolean =>
    body[field] !== undefined;

/** The field that is refused, how, and what is left out from then on. */
const LEFT_OUT: readonly (readonly [string, string, object | string, number, string])[] = [
  [
    'OpenAI on max_tokens',
    'max_tokens',
    openai("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", {
      param: 'max_tokens',
      code: 'unsupported_parameter',
    }),
    400,
    'max_tokens',
  ],
  [
    'Azure on max_tokens',
    'max_tokens',
    openai("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", { code: 'invalid_request_body' }),
    400,
    'max_tokens',
  ],
  [
    'an older server on max_completion_tokens',
    'max_completion_tokens',
    openai('Unrecognized request argument supplied: max_completion_tokens'),
    400,
    'max_completion_tokens',
  ],
  [
    'pydantic on max_completion_tokens',
    'max_completion_tokens',
    pydantic(['max_completion_tokens'], 'extra_forbidden', 'Extra inputs are not permitted'),
    422,
    'max_completion_tokens',
  ],
  [
    'OpenAI on logprobs',
    'logprobs',
    openai("Unsupported parameter: 'logprobs' is not supported with this model.", { param: 'logprobs', code: 'unsupported_parameter' }),
    400,
    'logprobs',
  ],
  ['prose on log-probabilities', 'logprobs', openai('This model does not support log probabilities.'), 400, 'logprobs'],
  ['vLLM on too many logprobs', 'logprobs', flat('Requested sample logprobs of 20, which is greater than max allowed: 5'), 400, 'logprobs'],
  ['a plain text on logprobs', 'logprobs', 'logprobs not supported', 400, 'logprobs'],
  ['pydantic on seed', 'seed', pydantic(['seed'], 'extra_forbidden', 'Extra inputs are not permitted'), 422, 'seed'],
  [
    'vLLM’s pydantic on seed',
    'seed',
    flat("[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs are not permitted', 'input': 42}]"),
    400,
    'seed',
  ],
  ['a server on seed', 'seed', openai('property "seed" is unsupported, did you mean "speed"?'), 400, 'seed'],
  ['a server on stream_options', 'stream_options', openai('Unknown name "stream_options": Cannot find field.'), 400, 'usage'],
  [
    'pydantic on usage in streams',
    'stream_options',
    pydantic(['stream_options', 'include_usage'], 'extra_forbidden', 'Extra inputs are not permitted'),
    422,
    'usage',
  ],
  [
    'OpenAI on temperature as such',
    'temperature',
    openai("Unsupported parameter: 'temperature' is not supported with this model.", { param: 'temperature', code: 'unsupported_parameter' }),
    400,
    'sampling',
  ],
  [
    'serde expected list',
    'seed',
    {
      error:
        'Failed to deserialize the JSON body into the target type: unknown field `seed`, expected one of `messages`, `model`, `temperature`, `max_tokens`, `top_p`, `stream`, `stream_options`, `logprobs`, `top_logprobs` at line 1 column 9',
    },
    422,
    'seed',
  ],
  [
    'serde plain text',
    'seed',
    'Failed to deserialize the JSON body into the target type: unknown field `seed`, expected one of `messages`, `stream_options`, `max_tokens`',
    422,
    'seed',
  ],
  [
    'LiteLLM',
    'logprobs',
    {
      error: {
        message:
          "litellm.UnsupportedParamsError: openai does not support parameters: ['logprobs', 'top_logprobs'], for model=o1. To drop these, set `litellm.drop_params=True` or for proxy:\n\n`litellm_settings:\n drop_params: true`\n. \n If you want to use these params dynamically send allowed_openai_params=['logprobs', 'top_logprobs'] in your request.. Received Model Group=o1\nAvailable Model Group Fallbacks=None",
        type: 'None',
        param: null,
        code: '400',
      },
    },
    400,
    'logprobs',
  ],
  [
    'LiteLLM seed',
    'seed',
    {
      error: {
        message:
          "litellm.UnsupportedParamsError: anthropic does not support parameters: {'seed': 7}, for model=claude. To drop these, set `litellm.drop_params=True`",
        type: 'None',
        param: 'None',
        code: '400',
      },
    },
    400,
    'seed',
  ],
  [
    'Mistral wraps detail',
    'seed',
    {
      object: 'error',
      message: { detail: [{ type: 'extra_forbidden', loc: ['body', 'seed'], msg: 'Extra inputs are not permitted', input: 7 }] },
      type: 'invalid_request_error',
      param: null,
      code: null,
      raw_status_code: 422,
    },
    422,
    'seed',
  ],
  [
    'Mistral stream_options',
    'stream_options',
    {
      object: 'error',
      message: { detail: [{ type: 'extra_forbidden', loc: ['body', 'stream_options'], msg: 'Extra inputs are not permitted', input: {} }] },
      type: 'invalid_request_error',
    },
    422,
    'usage',
  ],
  ['Groq property', 'logprobs', openai("property 'logprobs' is unsupported", {}), 400, 'logprobs'],
  ['Groq model', 'logprobs', openai('`logprobs` is not supported with this model', { param: 'logprobs' }), 400, 'logprobs'],
  ['DeepSeek reasoner', 'logprobs', openai('deepseek-reasoner does not support the parameter `logprobs`'), 400, 'logprobs'],
  ['xAI', 'logprobs', { code: 'Client specified an invalid argument', error: 'Argument not supported on this model: logprobs' }, 400, 'logprobs'],
  ['xAI camel', 'logprobs', { code: 'Client specified an invalid argument', error: 'Model grok-4 does not support parameter topLogprobs.' }, 400, 'logprobs'],
  [
    'Bedrock',
    'seed',
    { message: 'Malformed input request: #: extraneous key [seed] is not permitted, please reformat your input and try again.' },
    400,
    'seed',
  ],
  ['Cerebras', 'stream_options', openai("'stream_options' is not a valid field"), 400, 'usage'],
  ['Ollama go', 'stream_options', openai('json: cannot unmarshal object into Go struct field ChatCompletionRequest.stream_options of type bool'), 400, 'usage'],
  [
    'zod',
    'seed',
    { error: { issues: [{ code: 'unrecognized_keys', keys: ['seed'], path: [], message: "Unrecognized key(s) in object: 'seed'" }], name: 'ZodError' } },
    400,
    'seed',
  ],
  ['Fireworks', 'seed', openai("Extra inputs are not permitted, field: 'seed', value: 42"), 400, 'seed'],
  [
    'Google',
    'seed',
    [
      {
        error: {
          code: 400,
          message: 'Invalid JSON payload received. Unknown name "seed": Cannot find field.',
          status: 'INVALID_ARGUMENT',
          details: [{ '@type': 'x', fieldViolations: [{ description: 'y' }] }],
        },
      },
    ],
    400,
    'seed',
  ],
  ['deprecated temperature', 'temperature', openai('`temperature` is deprecated for this model.', {}), 400, 'sampling'],
  [
    'ajv',
    'seed',
    { statusCode: 400, code: 'FST_ERR_VALIDATION', error: 'Bad Request', message: 'body/seed must NOT be present; additional properties' },
    400,
    'seed',
  ],
  ['dotted param', 'stream_options', openai('Unknown parameter', { param: 'stream_options.include_usage', code: 'unknown_parameter' }), 400, 'usage'],
  ['capital', 'seed', openai('Seed is not supported on this model.'), 400, 'seed'],
  ['per-request seed TPU', 'seed', flat('Per-request seed is not supported on this platform'), 400, 'seed'],
  ['max_tokens deprecated', 'max_tokens', openai('max_tokens is deprecated, please use max_completion_tokens'), 400, 'max_tokens'],
  [
    'max_tokens azure newer',
    'max_tokens',
    openai("'max_tokens' or model output limit could not be used with this model; use 'max_completion_tokens'", {
      param: 'max_tokens',
      code: 'unsupported_parameter',
    }),
    400,
    'max_tokens',
  ],
  [
    'max_completion_tokens unknown 422 HF',
    'max_completion_tokens',
    { error: ['Error in `max_completion_tokens`: unknown argument'], warnings: [] },
    422,
    'max_completion_tokens',
  ],
  ['status 501', 'logprobs', openai('logprobs is not supported yet'), 501, 'logprobs'],
  ['status 500 with unsupported', 'logprobs', { error: { message: 'logprobs is not supported', type: 'server_error' } }, 500, 'logprobs'],
  ['llama.cpp', 'logprobs', { error: { code: 500, message: 'logprobs is not supported with tools + stream', type: 'server_error' } }, 500, 'logprobs'],
];

describe('a field that a server does not take', () => {
  test.each(LEFT_OUT)('%s is left out, and all else is sent', async (_, field, body, status, name) => {
    const server = await CannedServer.start(refusing(has(field), body, status));
    const engine = server.engine({ server: field === 'max_completion_tokens' ? 'openai' : 'ollama' });
    const session = await engine.open('Plant the seed: at which temperature? Give logprobs.', {});
    const segments = await Promise.all(session.branch(2).map((branch) => branch.advance({ until: { tokens: 9 } })));
    expect(segments.map(({ text }) => text)).toEqual(['Done.', 'Done.']);
    expect(engine.withoutFields).toEqual([name]);
    const last = server.bodies.at(-1)!;
    expect(last[field]).toBeUndefined();
    expect(last['max_tokens'] ?? last['max_completion_tokens']).toBe(9);
    expect(session.usage().server!.retryCount).toBe(0);
    await engine.dispose();
    await server.stop();
  });

  test('under either name is reported, not asked for for ever', async () => {
    const server = await CannedServer.start((sent) => {
      const field = has('max_tokens')(sent) ? 'max_tokens' : 'max_completion_tokens';
      return has(field)(sent) ? { status: 400, body: openai(`Unknown parameter: '${field}'.`, { param: field }) } : DONE;
    });
    const engine = server.engine();
    const branch = (await engine.open('Say it.', {})).branch(1)[0]!;
    expect((await branch.advance({ until: { tokens: 9 } })).text).toBe('Done.');
    expect(server.bodies).toHaveLength(3);
    await engine.dispose();
    await server.stop();
  });
});

const PROMPT = 'The seed of a max_tokens plant grew at a temperature of 30 degrees; its logprobs were unknown. Stop at top_p?';
/** What is reported as it is, though it names a field of the request. */
const REPORTED: readonly (readonly [string, object | string, RegExp])[] = [
  [
    'a temperature rejected for its value',
    openai("Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.", {
      param: 'temperature',
      code: 'unsupported_value',
    }),
    /does not support 0\.7/,
  ],
  ['a temperature out of range', flat('temperature must be non-negative, got -1.0.'), /non-negative/],
  [
    'pydantic on a temperature',
    pydantic(['temperature'], 'less_than_equal', 'Input should be less than or equal to 1', 1.5),
    /body\.temperature: Input should be less/,
  ],
  ['a top_p out of range', flat('top_p must be in (0, 1], got 0.0.'), /top_p must be/],
  ['TGI on a temperature', { error: 'Input validation error: `temperature` must be strictly positive', error_type: 'validation' }, /strictly positive/],
  [
    'a limit that is too large',
    openai('max_tokens is too large: 100000. This model supports at most 16384 completion tokens.', { param: 'max_tokens', code: 'invalid_value' }),
    /too large: 100000/,
  ],
  ['a prompt that mentions fields', openai(`Invalid prompt, which is not supported: '${PROMPT}'`), /Invalid prompt/],
  ['a prompt that is cut', openai(`Content not allowed: "${PROMPT.slice(0, 60)}…"`), /not allowed/],
  [
    'a prompt quoted by pydantic',
    { detail: [{ type: 'value_error', loc: ['body', 'messages'], msg: 'Value error, role is unknown', input: [{ role: 'user', content: PROMPT }] }] },
    /body\.messages/,
  ],
  ['a prompt in escapes', flat(`Unexpected message: {\\"role\\": \\"user\\", \\"content\\": \\"${PROMPT}\\"}`), /Unexpected message/],
  ['a model', openai('The model `seedling` does not exist', { code: 'model_not_found' }), /seedling/],
];

const QUOTED = 'My seed is unknown and max_tokens not supported; "logprobs" must be removed. Is temperature unsupported? stream_options: extra field.';
/** Refusals that quote the prompt, or are about the value of a field. */
const QUOTING: readonly (readonly [string, object])[] = [
  ['moderation', openai(`Your request was rejected: {"role":"user","content":${JSON.stringify(QUOTED)}} is not allowed`)],
  ['head', openai(`Invalid value for 'content': "My seed is unknown and max..." is not supported`)],
  ['tail', openai(`messages[0].content "...stream_options: extra field." not permitted`)],
  ['python repr', flat(`[{'type': 'missing', 'loc': ('body', 'messages', 0, 'role'), 'msg': 'Field required', 'input': {'content': '${QUOTED}'}}]`)],
  ['upper', openai(`Unsupported input: ${QUOTED.toUpperCase()}`)],
  ['short quote', openai(`The words "seed is unknown" are not allowed`)],
  ['one word', openai(`The prompt may not contain the words: seed, max_tokens`)],
  ['escaped twice', openai(JSON.stringify(JSON.stringify({ error: `unknown thing in ${JSON.stringify(QUOTED)}` })))],
  ['html', openai(`Unexpected content &quot;${QUOTED.replaceAll('"', '&quot;')}&quot;`)],
  ['temperature anthropic', openai('`temperature` and `top_p` cannot both be specified for this model. Please use only one.')],
  ['kimi', openai('invalid temperature: only 1 is allowed for this model')],
  ['thinking', openai('`temperature` may only be set to 1 when thinking is enabled.')],
  [
    'temperature param 0',
    openai("Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.", {
      param: 'temperature',
      code: 'decimal_above_max_value',
    }),
  ],
  ['temperature number', flat('temperature=0.7 is not supported by speculative decoding; use 0')],
  ['top_p 1', openai('top_p: only 0.95 is supported for this model', { param: 'top_p' })],
  [
    'max tokens min',
    openai("Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 9 instead.", {
      param: 'max_tokens',
      code: 'integer_below_min_value',
    }),
  ],
  [
    'max tokens model',
    openai('max_tokens must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window` for this model'),
  ],
  ['credits', openai('This request requires more credits, or fewer max_tokens. You requested up to 9 tokens, but can only afford 3.')],
];

describe('what no other request would mend', () => {
  test.each(REPORTED)('%s is reported at once, and nothing is left out', async (_, body, message) => {
    const server = await CannedServer.start({ status: 400, body });
    const engine = server.engine({ server: 'ollama', maxRetries: 3 });
    const error = await (
      await engine.open(PROMPT, {})
    )
      .branch(1)[0]!
      .advance({ until: { tokens: 9 } })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({ kind: 'request', isRetryable: false, message: expect.stringMatching(message) as unknown });
    expect(engine.withoutFields).toEqual([]);
    expect(server.bodies).toHaveLength(1);
    await engine.dispose();
    await server.stop();
  });
});

test.each(QUOTING)('a refusal that is not of a field is reported: %s', async (_, body) => {
  const server = await CannedServer.start({ status: 400, body });
  const engine = server.engine({ server: 'ollama', maxRetries: 3 });
  const branch = (await engine.open(QUOTED, { topLogprobs: 2 })).branch(1)[0]!;
  await expect(branch.advance({ until: { tokens: 9 } })).rejects.toMatchObject({ kind: 'request' });
  expect([engine.withoutFields, server.bodies.length]).toEqual([[], 1]);
  await engine.dispose();
  await server.stop();
});

/** Failures within a stream, or with status 200: the message, and whether another request may do better. */
const IN_STREAM: readonly (readonly [string, string | object, RegExp, boolean])[] = [
  ['an object with a number', { error: { message: 'CUDA out of memory', code: 500 } }, /CUDA out of memory/, true],
  ['an object with a number as text', { error: { message: 'CUDA out of memory', code: '500' } }, /CUDA out of memory/, true],
  ['a text', { error: 'the engine died' }, /the engine died/, true],
  ['TGI', { error: 'Request failed during generation: Server error', error_type: 'generation' }, /failed during generation/, true],
  ['TGI, overloaded', { error: 'Model is overloaded', error_type: 'overloaded' }, /overloaded/, true],
  ['TGI, validation', { error: 'Input validation error: `stop` is empty', error_type: 'validation' }, /`stop` is empty/, false],
  ['a code in words', { error: { message: 'The server had an error', type: 'server_error', code: 'server_error' } }, /had an error/, true],
  ['a rate limit in words', { error: { message: 'Rate limit reached', type: 'requests', code: 'rate_limit_exceeded' } }, /Rate limit reached/, true],
  ['a quota', { error: { message: 'You exceeded your current quota', type: 'insufficient_quota', code: 'insufficient_quota' } }, /quota/, false],
  ['a bad request in words', { error: { message: 'No such tool', type: 'invalid_request_error', code: 'invalid_value' } }, /No such tool/, false],
  ['a key in words', { error: { message: 'No', code: 'invalid_api_key' } }, /No\./, false],
  ['a filter in words', { error: { message: 'The response was filtered', code: 'content_filter' } }, /filtered/, false],
  ['a bare object (vLLM, SGLang)', { object: 'error', message: 'Internal error', type: 'InternalServerError', param: null, code: 500 }, /Internal error/, true],
  ['a bare object that blames the request', { object: 'error', message: 'Bad grammar', type: 'BadRequestError', param: null, code: 400 }, /Bad grammar/, false],
  ['a bare message', { message: 'upstream went away', status: 502 }, /upstream went away/, true],
  ['detail', { detail: 'Worker restarted' }, /Worker restarted/, true],
  ['detail with places', { detail: [{ loc: ['body', 'stop'], msg: 'Too many', type: 'too_long' }], status: 422 }, /body\.stop: Too many/, false],
  ['a list of errors', { errors: [{ message: 'Lost a shard' }] }, /Lost a shard/, true],
  ['a list (Google)', [{ error: { code: 503, message: 'Overloaded', status: 'UNAVAILABLE' } }], /Overloaded/, true],
  [
    'in the choice (OpenRouter)',
    { choices: [{ delta: { content: '' }, finish_reason: 'error', error: { code: 502, message: 'Provider disconnected' } }] },
    /Provider disconnected/,
    true,
  ],
  [
    'wrapped (OpenRouter)',
    {
      error: { code: 502, message: 'Provider returned error', metadata: { raw: '{"error":{"message":"GPU fell off"}}' } },
      choices: [{ delta: { content: '' } }],
    },
    /GPU fell off/,
    true,
  ],
  ['Anthropic', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, /Overloaded/, true],
  ['an event named error (LM Studio)', 'event: error\ndata: {"error":{"message":"Model unloaded"},"message":"Model unloaded"}\n\n', /Model unloaded/, true],
  ['an event named error with a text', 'event: error\ndata: Model unloaded\n\n', /Model unloaded/, true],
  ['an event named error with a bare object', 'event: error\ndata: {"message":"Model unloaded"}\n\n', /Model unloaded/, true],
  ['a line named error (llama.cpp, older)', 'error: {"code":500,"message":"failed to decode","type":"server_error"}\n\n', /failed to decode/, true],
  ['nothing but a number', { error: { code: 500 } }, /500/, true],
  ['overload code', { error: { message: 'Busy', type: 'server_error', code: 'engine_overloaded' } }, /Busy/, true],
  ['overload text', { error: 'overloaded_error' }, /overloaded_error/, true],
  ['Anthropic', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, /Overloaded/, true],
  ['Anthropic auth', { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } }, /x-api-key/, false],
  ['429 text', { error: { code: '429', message: 'Slow down' } }, /Slow down/, true],
  ['null message', { error: { type: 'internal_error', message: null } }, /internal_error/, true],
  ['detail error', { detail: { error: { message: 'X happened', code: 400 } } }, /X happened/, false],
  ['detail message', { detail: { message: 'X happened' } }, /X happened/, true],
  ['DashScope', { code: 'InvalidParameter', message: 'Bad thing', request_id: 'x' }, /Bad thing/, false],
  ['DashScope inspection', { code: 'DataInspectionFailed', message: 'Input data may contain inappropriate content.', request_id: 'x' }, /inappropriate/, false],
  ['Baidu', { error_code: 336000, error_msg: 'Internal error, please retry' }, /Internal error/, true],
  ['Baidu quota', { error_code: 17, error_msg: 'Open api daily request limit reached' }, /daily request limit/, true],
  ['Cloudflare', { success: false, errors: [{ code: 3040, message: 'Capacity temporarily exceeded' }], messages: [] }, /Capacity/, true],
  ['status error', { status: 'error', message: 'Oops' }, /Oops/, true],
  ['error true', { error: true, message: 'Oops' }, /Oops/, true],
  ['legacy code', { object: 'error', message: 'Bad', type: 'BadRequestError', param: null, code: 40303 }, /Bad/, false],
  ['deep', { error: { error: { error: { error: { message: 'deep thing' } } } } }, /deep thing/, true],
  ['list of text', { error: ['one thing', 'another'] }, /one thing; another/, true],
  ['402', { error: { code: 402, message: 'Pay first' } }, /Pay first/, false],
  ['503', { error: { code: 503, message: 'Loading model' } }, /Loading model/, true],
  ['529', { error: { code: 529, message: 'Overloaded' } }, /Overloaded/, true],
  ['403 text', { error: { code: 'forbidden', message: 'No' } }, /No/, false],
  ['deactivated', { error: { code: 'account_deactivated', message: 'Gone' } }, /Gone/, false],
  ['policy', { error: { code: 'ResponsibleAIPolicyViolation', message: 'Filtered' } }, /Filtered/, false],
  ['safety', { error: { code: 'prompt_blocked', message: 'Blocked' } }, /Blocked/, false],
  ['terminated', { error: { type: 'access_terminated_error', message: 'Terminated' } }, /Terminated/, false],
  ['unknown param', { error: { code: 'unknown_parameter', message: 'Foo' } }, /Foo/, false],
  ['balance', { error: { message: 'Insufficient Balance', type: 'unknown_error', param: null, code: 'invalid_request_error' } }, /Balance/, false],
  ['balance 2', { error: { message: 'Your credit balance is too low', code: 'x' } }, /credit balance/, false],
  ['message object', { object: 'error', message: { detail: [{ loc: ['body', 'x'], msg: 'Bad' }] }, code: 422 }, /body\.x: Bad/, false],
  ['reason', { error: { reason: 'Worker died' } }, /Worker died/, true],
  ['title problem+json', { type: 'about:blank', title: 'Bad Gateway', status: 502, detail: 'upstream reset' }, /upstream reset/, true],
  ['title problem+json 403', { type: 'about:blank', title: 'Forbidden', status: 403 }, /Forbidden/, false],
  ['string JSON in error', { error: '{"message":"inner thing","code":401}' }, /inner thing/, false],
  ['string JSON in message', { error: { message: '{"error":{"message":"inner thing","code":"invalid_api_key"}}' } }, /inner thing/, false],
  ['bare text event', 'data: Internal Server Error\n\n', /Internal Server Error/, true],
  ['bare text error line', 'data: error: CUDA out of memory\n\n', /CUDA out of memory/, true],
  ['html', { error: '<html><head><title>502 Bad Gateway</title></head><body>x</body></html>' }, /502 Bad Gateway/, true],
  ['error event JSON string', 'event: error\ndata: "it broke"\n\n', /it broke/, true],
  ['event exception', 'event: exception\ndata: {"internalServerException":{"message":"it broke"}}\n\n', /it broke/, true],
  ['choice error text', { choices: [{ index: 0, delta: {}, error: 'broke down' }] }, /broke down/, true],
  ['second choice?', { choices: [], error: { message: 'gone' } }, /gone/, true],
];

describe('a failure within an answer', () => {
  test.each(IN_STREAM)('%s keeps its message, and is tried again only where that can help', async (_, event, message, isRetryable) => {
    const reply: CannedReply = { body: typeof event === 'string' ? event : [event] };
    const server = await CannedServer.start((_body, index) => (index === 0 ? reply : DONE));
    const engine = server.engine({ maxRetries: 1 });
    const branch = (await engine.open('Say it.', {})).branch(1)[0]!;
    const outcome = await branch.advance().catch((error: unknown) => error);
    if (isRetryable) expect(outcome).toMatchObject({ text: 'Done.' });
    else expect(outcome).toMatchObject({ kind: 'stream', isRetryable: false, message: expect.stringMatching(message) as unknown });
    server.script = reply;
    const told = await (
      await server.engine().open('Say it.', {})
    )
      .branch(1)[0]!
      .advance()
      .catch((error: unknown) => error);
    expect(told).toMatchObject({ kind: 'stream', isRetryable, message: expect.stringMatching(message) as unknown });
    await engine.dispose();
    await server.stop();
  });

  test('as one object of JSON with status 200 is the same', async () => {
    const server = await CannedServer.start({ status: 200, body: { error: { message: 'No such tool', code: 400 } } });
    const outcome = await (
      await server.engine().open('Say it.', {})
    )
      .branch(1)[0]!
      .advance()
      .catch((error: unknown) => error);
    expect(outcome).toMatchObject({ kind: 'stream', status: 400, isRetryable: false, message: expect.stringMatching(/No such tool/) as unknown });
    await server.stop();
  });

  test('a quota with status 429 is not asked for again', async () => {
    const server = await CannedServer.start({
      status: 429,
      body: { error: { message: 'You exceeded your current quota, please check your plan.', code: 'insufficient_quota' } },
    });
    const outcome = await (
      await server.engine({ maxRetries: 3 }).open('Say it.', {})
    )
      .branch(1)[0]!
      .advance()
      .catch((error: unknown) => error);
    expect(outcome).toMatchObject({ kind: 'rate-limit', isRetryable: false });
    expect(server.bodies).toHaveLength(1);
    await server.stop();
  });
});
