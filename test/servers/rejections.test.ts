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
