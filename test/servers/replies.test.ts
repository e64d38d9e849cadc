/**
 * Replies of servers and gateways, one a row: streams whose text counts, whatever is odd about the rest, and streams that end
 * before the text does. A new odd reply is one more row.
 */
import { describe, expect, test } from 'vitest';
import type { Segment } from '../../src/contracts/engine.ts';
import { ServerError } from '../../src/errors.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { CannedServer, segmentFrom, streamOf } from './canned-server.ts';

const say = (content: unknown, more: object = {}, event: object = {}): object => ({
  choices: [{ index: 0, delta: { content }, finish_reason: null, ...more }],
  ...event,
});
const stop = (finish: unknown = 'stop', event: object = {}): object => ({ choices: [{ index: 0, delta: {}, finish_reason: finish }], ...event });
/** Two pieces and an end, with something odd about the first piece. */
const odd = (more: object, event: object = {}): object[] => [say('The answer', more, event), say(' is 42.'), stop()];

const WHOLE = 'The answer is 42.';

/** Each gives the whole text, and an end. */
const READABLE: readonly (readonly [string, string | readonly object[]])[] = [
  ['nothing odd', odd({})],
  ['logprobs: false', odd({ logprobs: false })],
  ['logprobs: a list', odd({ logprobs: [] })],
  ['logprobs: a number for each token', odd({ logprobs: { content: [-0.1, -0.2] } })],
  ['a token without a logprob', odd({ logprobs: { content: [{ token: 'The', logprob: null, top_logprobs: [] }] } })],
  ['nulls among the likeliest tokens', odd({ logprobs: { content: [{ token: 'The', logprob: -0.1, top_logprobs: [null, { token: null, logprob: null }] }] } })],
  ['likeliest tokens as an object', odd({ logprobs: { content: [{ token: 'The', logprob: -0.1, top_logprobs: { The: -0.1 } }] } })],
  ['a null in place of a token’s logprobs', odd({ logprobs: { content: [null] } })],
  ['token_logprobs: [null]', odd({ logprobs: { tokens: ['The'], token_logprobs: [null], top_logprobs: [null] } })],
  ['a logprob above 0', odd({ logprobs: { content: [{ token: 'The', logprob: 12 }] } })],
  ['a logprob as text', odd({ logprobs: { content: [{ token: 'The', logprob: '-0.1' }] } })],
  [
    'NaN and Infinity, as Python writes them',
    'data: {"choices":[{"delta":{"content":"The answer"},"logprobs":{"content":[{"token":"NaN","logprob":-Infinity}]}}],"usage":NaN}\n\ndata: {"choices":[{"delta":{"content":" is 42."},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
  ],
  ['usage as strings', odd({}, { usage: { prompt_tokens: '7', completion_tokens: '2', total_tokens: '9' } })],
  ['usage that is no usage', odd({}, { usage: 'none' })],
  ['usage with nulls', odd({}, { usage: { prompt_tokens: null, completion_tokens: null, prompt_tokens_details: [] } })],
  ['negative usage', odd({}, { usage: { prompt_tokens: -1, completion_tokens: 1.5 } })],
  ['usage of zeros', odd({}, { usage: { prompt_tokens: 0, completion_tokens: 0 } })],
  ['timings and metrics of another form', odd({}, { timings: [], metrics: 'none' })],
  ['token ids as text', odd({ token_ids: ['1', '2'] })],
  ['token ids with nulls', odd({ token_ids: [1, null] })],
  ['stop_reason as an object', odd({ stop_reason: {} })],
  ['an event that is null', [null as unknown as object, ...odd({})]],
  ['choices: null', [{ choices: null, usage: null }, ...odd({})]],
  ['a null choice', [{ choices: [null] }, ...odd({})]],
  ['no delta', [{ choices: [{ index: 0, finish_reason: null }] }, ...odd({})]],
  ['delta: null', [{ choices: [{ index: 0, delta: null }] }, ...odd({})]],
  ['content: null', [say(null), ...odd({})]],
  ['a refusal field', [say(null), ...odd({ delta: { content: 'The answer', refusal: null, tool_calls: [], function_call: null, role: 7 } })]],
  [
    'Azure’s first event',
    [
      { choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] },
      ...odd({ content_filter_results: { hate: { filtered: false } } }),
    ],
  ],
  ['error: null beside the text', odd({}, { error: null })],
  ['an empty error beside the text', odd({}, { error: {} })],
  ['error: false beside the text', odd({}, { error: false })],
  [
    'content parts',
    odd({
      delta: {
        content: [
          { type: 'text', text: 'The ' },
          { type: 'text', text: 'answer' },
        ],
      },
    }),
  ],
  ['a single content part', odd({ delta: { content: { type: 'text', text: 'The answer' } } })],
  ['content parts with a thought (Mistral)', [say([{ type: 'thinking', thinking: [{ type: 'text', text: 'six times seven' }] }]), ...odd({})]],
  ['reasoning as an array', odd({ delta: { content: 'The answer', reasoning: ['six', { text: ' times' }, { type: 'text', text: ' seven' }] } })],
  ['reasoning as an object', odd({ delta: { content: 'The answer', reasoning: { summary: 'six times seven' } } })],
  ['reasoning: false', odd({ delta: { content: 'The answer', reasoning: false, reasoning_content: 0 } })],
  [
    'reasoning_details (OpenRouter)',
    [
      say('', { delta: { content: '', reasoning: null, reasoning_details: [{ type: 'reasoning.text', text: 'six times seven', format: 'unknown' }] } }),
      ...odd({}),
    ],
  ],
  ['a message beside the delta', odd({ message: 'none', text: 7 })],
  ['an empty data line', `data:\n\ndata: \n\n${streamOf(odd({}))}`],
  ['comments, names, ids, retries', `: ping\n\nid: 7\nevent: message\nretry: 10\n${streamOf(odd({}))}`],
  ['CR LF', streamOf(odd({})).replaceAll('\n', '\r\n')],
  ['CR', streamOf(odd({})).replaceAll('\n', '\r')],
  ['a byte order mark', `\uFEFF${streamOf(odd({}))}`],
  ['no space behind data:', streamOf(odd({})).replaceAll('data: ', 'data:')],
  ['no [DONE]', streamOf(odd({})).replace('data: [DONE]\n\n', '')],
  ['no line behind the last event', streamOf(odd({})).replace('\n\ndata: [DONE]\n\n', '')],
  ['an unknown event', `event: metrics\ndata: {"object":"metrics","tps":3}\n\n${streamOf(odd({}))}`],
  ['finish_reason "" until the end', [say('The answer', { finish_reason: '' }), say(' is 42.', { finish_reason: '' }), stop()]],
  ['finish_reason as an object (SGLang)', [say('The answer'), say(' is 42.'), stop({ type: 'stop', matched: 151_645 })]],
  ['finish_reason as an object within the text', [say('The answer', { finish_reason: {} }), say(' is 42.'), stop()]],
  ['finish_reason as an object without a word', [say('The answer'), say(' is 42.'), stop({})]],
  ['finish_reason with the last text', [say('The answer'), say(' is 42.', { finish_reason: 'stop' })]],
  ...['eos', 'eos_token', 'EndOfText', 'eosFound', 'stopStringFound', 'end_turn', 'STOP', 'stop_sequence', 'COMPLETE', 'completed', 'tool_calls'].map(
    (word) => [`finish_reason ${word}`, [say(WHOLE), stop(word)]] as const,
  ),
  ['logprobs as text', odd({ logprobs: 'none' })],
  ['logprobs of texts', odd({ logprobs: { token_logprobs: ['-0.1'], top_logprobs: [[['a', -0.1]]] } })],
  ['delta: false', [{ choices: [{ index: 0, delta: false }] }, ...odd({})]],
  ['delta: []', [{ choices: [{ index: 0, delta: [] }] }, ...odd({})]],
  ['an index as text', odd({ index: '0' })],
  ['usage beyond all numbers', odd({}, { usage: { prompt_tokens: 1e300, completion_tokens: '99999999999999999999' } })],
  ['a content part without a type', odd({ delta: { content: { text: 'The answer' } } })],
  ['a content part with its text in a value', odd({ delta: { content: [{ type: 'text', text: { value: 'The answer', annotations: [] } }] } })],
  [
    'references among the content (Mistral)',
    odd({
      delta: {
        content: [
          { type: 'reference', reference_ids: [1] },
          { type: 'text', text: 'The answer' },
        ],
      },
    }),
  ],
  [
    'a content part without text',
    odd({
      delta: {
        content: [
          { type: 'text', text: null },
          { type: 'text', text: 'The answer' },
        ],
      },
    }),
  ],
  ['finish_reason: 0', odd({ finish_reason: 0 })],
  ['finish_reason: false', odd({ finish_reason: false })],
  ['finish_reason: []', odd({ finish_reason: [] })],
  ['finish_reason in a list', [say(WHOLE), stop(['stop'])]],
  ['finish_reason taken back', [say('The answer'), say(' is 42.'), stop(), stop(''), stop(null)]],
  ['an empty choice after the end', [say('The answer'), say(' is 42.'), stop(), { choices: [{}], usage: { prompt_tokens: 3, completion_tokens: 2 } }]],
  ['stop_reason as a number', odd({ stop_reason: 128_009 })],
  ['reasoning: true', odd({ delta: { content: 'The answer', reasoning: true, thinking: {} } })],
  ['text: null beside the delta', odd({ text: null, message: null })],
  ['an error of code 0', odd({}, { error: { code: 0, message: '' } })],
  ['an error of nulls', odd({}, { error: { code: null, message: null, type: null } })],
  ['empty lists of errors', odd({}, { errors: [], detail: null, message: null })],
  ['a word of success', [{ code: 0, message: 'Success', sid: 'x' }, ...odd({}, { code: 0, message: 'Success' })]],
  ['its place in a queue', [{ object: 'status', status: 'queued', message: 'You are third' }, ...odd({})]],
  [
    'how much of the prompt is read (llama.cpp)',
    [{ choices: [{ index: 0, delta: { content: null } }], prompt_progress: { total: 4, processed: 2 } }, ...odd({})],
  ],
  ['events in lists', odd({}).map((event) => [event])],
  ['[DONE] in quotes', streamOf(odd({})).replace('[DONE]', '"[DONE]"')],
  ['done without brackets', streamOf(odd({})).replace('[DONE]', 'done')],
  ['words that keep it alive', `data: ping\n\ndata: "ping"\n\ndata: 0\n\ndata: false\n\n${streamOf(odd({}))}`],
  ['a time that keeps it alive', `event: keepalive\ndata: 2026-11-30T00:00:00Z\n\n${streamOf(odd({}))}`],
  ['an event over several lines', 'data: {"choices":[{"delta":\ndata: {"content":"The answer is 42."},"finish_reason":"stop"}]}\n\n'],
  [
    'one object of JSON',
    JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: WHOLE }, finish_reason: 'stop' }], usage: { prompt_tokens: 3 } }),
  ],
  ['completions', [{ choices: [{ text: 'The answer', logprobs: null }] }, { choices: [{ text: ' is 42.', finish_reason: 'stop' }] }]],
];

function read(body: string | readonly object[]): Promise<Segment> {
  const isJson = typeof body === 'string' && body.startsWith('{');
  return segmentFrom({ body, ...(isJson && { headers: { 'content-type': 'application/json' } }) });
}

const AS_JSON = JSON.stringify({ choices: [{ index: 0, message: { content: WHOLE }, finish_reason: 'stop' }] }, undefined, 2);

/** What a reply is called and what it is. */
const CALLED: readonly (readonly [string, string, string])[] = [
  ['a stream', 'application/json', streamOf(odd({}))],
  ['a stream', 'text/plain', streamOf(odd({}))],
  ['a stream', '', streamOf(odd({}))],
  ['a stream that begins with a comment', 'application/octet-stream', `\n: ping\n\n${streamOf(odd({}))}`],
  ['JSON', 'text/event-stream', AS_JSON],
  ['JSON', 'text/plain; charset=utf-8', AS_JSON],
  ['JSON with a byte order mark', 'application/json', `\uFEFF${AS_JSON}\n`],
  ['JSON after empty lines', 'application/json', `\n \n${AS_JSON}`],
  ['JSON in a list', 'application/json', `[${AS_JSON}]`],
  [
    'a line of JSON for each event',
    'application/x-ndjson',
    odd({})
      .map((event) => JSON.stringify(event))
      .join('\n'),
  ],
];

test.each(CALLED)('%s called %j is read as what it is', async (_, type, body) => {
  expect(await segmentFrom({ body, headers: { 'content-type': type } })).toMatchObject({ text: WHOLE, finish: 'end' });
});

test.each([
  ['a page', 'text/html', '<!doctype html><title>Welcome</title>'],
  ['prose', 'text/plain', 'Welcome to the server'],
])('%s is no reply', async (_, type, body) => {
  await expect(segmentFrom({ body, headers: { 'content-type': type } })).rejects.toMatchObject({
    kind: 'protocol',
    message: expect.stringContaining(type) as unknown,
  });
});

describe('a reply with', () => {
  test.each(READABLE)('%s keeps its text', async (_, body) => {
    const { text, finish, logprobs } = await read(body);
    expect({ text, finish }).toEqual({ text: WHOLE, finish: 'end' });
    for (const logprob of logprobs) expect(logprob).toBeLessThan(0);
  });

  test('a logprob of null is never certainty, and its neighbours do not stand in for it', async () => {
    const place = (logprob: number | null): object => ({ logprobs: { content: [{ token: 'x', logprob }] } });
    const told = await segmentFrom({ body: [say('The answer', place(-0.5)), say(' is 42.', place(-0.25)), stop()] });
    expect([told.tokenCount, told.logprobs]).toEqual([2, [-0.5, -0.25]]);
    const untold = await segmentFrom({ body: [say('The answer', place(-0.5)), say(' is 42.', place(null)), stop()] });
    expect([untold.tokenCount, untold.logprobs]).toEqual([2, []]);
  });

  test('usage is counted with where it can be right', async () => {
    const count = async (usage: object): Promise<number> =>
      (await segmentFrom({ body: [say('The answer'), say(' is 42.'), stop('stop', { usage })] })).tokenCount;
    expect(await count({ prompt_tokens: '3', completion_tokens: '9' })).toBe(9);
    expect(await count({ completion_tokens: 9, completion_tokens_details: null })).toBe(9);
    // What the server does not say is counted by the pieces.
    expect(await count({ prompt_tokens: 3 })).toBe(2);
    expect(await count({ prompt_tokens: 3, completion_tokens: 0 })).toBe(2);
    expect(await count({ completion_tokens: 'nine' })).toBe(2);
  });

  test('text that cannot be read fails, rather than going on without it', async () => {
    for (const content of [7, true, [7]]) {
      await expect(segmentFrom({ body: [say('The answer'), say(content), stop()] })).rejects.toMatchObject({ kind: 'protocol', isRetryable: true });
    }
  });
});

/** What the branch comes to; `isRetryable` where another request may do better. */
const ENDINGS: readonly (readonly [unknown, { readonly finish: Segment['finish'] } | { readonly isRetryable: boolean }])[] = [
  ['', { isRetryable: true }],
  ['null', { isRetryable: true }],
  ['None', { isRetryable: true }],
  ['length', { finish: 'length' }],
  ['max_tokens', { finish: 'length' }],
  ['MAX_TOKENS', { finish: 'length' }],
  ['max_output_tokens', { finish: 'length' }],
  [{ type: 'length', length: 2 }, { finish: 'length' }],
  ['model_length', { finish: 'context' }],
  ['model_context_window_exceeded', { finish: 'context' }],
  ['content_filter', { isRetryable: false }],
  ['SAFETY', { isRetryable: false }],
  ['RECITATION', { isRetryable: false }],
  ['sensitive', { isRetryable: false }],
  ['PROHIBITED_CONTENT', { isRetryable: false }],
  ['refusal', { isRetryable: false }],
  ['insufficient_system_resource', { isRetryable: true }],
  ['network_error', { isRetryable: true }],
  ['abort', { isRetryable: true }],
  ['cancelled', { isRetryable: true }],
  ['error', { isRetryable: true }],
  ['timeout', { isRetryable: true }],
  [{ type: 'abort', message: 'Aborted by the scheduler' }, { isRetryable: true }],
  ['MALFORMED_RESPONSE', { isRetryable: true }],
  ...['truncated', 'incomplete', 'partial', 'pause_turn', 'repetition_truncation', 'max_time', 'maxPredictedTokensReached', 'MaxTokens'].map(
    (word) => [word, { finish: 'length' }] as const,
  ),
  [{ name: 'length' }, { finish: 'length' }],
  [['length'], { finish: 'length' }],
  ...['contextLengthReached', 'kv_cache_full', 'MAX_CONTEXT', 'context_overflow'].map((word) => [word, { finish: 'context' }] as const),
  ...['contentFilter', 'CONTENT_FILTERED', 'MODEL_ARMOR', 'ERROR_TOXIC', 'guardrail_intervened', 'LANGUAGE', 'SPII'].map(
    (word) => [word, { isRetryable: false }] as const,
  ),
  ...['OTHER', 'unknown', 'exception', 'killed', 'expired', 'stalled', 'modelUnloaded', 'userStopped', 'USER_CANCEL', 'load', 'engine_overloaded'].map(
    (word) => [word, { isRetryable: true }] as const,
  ),
];

describe('a text that ends by', () => {
  test.each(ENDINGS)('%j has not ended', async (finish, outcome) => {
    const segment = segmentFrom({ body: [say('The answer is 4'), stop(finish)] }).catch((error: unknown) => error);
    if ('finish' in outcome) return expect(await segment).toMatchObject({ ...outcome, text: 'The answer is 4' });
    expect(await segment).toBeInstanceOf(ServerError);
    expect(await segment).toMatchObject({ kind: 'stream', ...outcome });
  });

  test.each(ENDINGS)('%j does not outvote one that is whole', async (finish) => {
    const server = await CannedServer.start((_, index) => ({ body: index < 3 ? [say('The answer is 4'), stop(finish)] : [say('The answer is 42.'), stop()] }));
    const engine = server.engine();
    const vote = new SelfConsistency({ branches: 4, earlyDecision: 'none', forcedAnswer: false, extractUnfinished: () => undefined });
    const result = await vote.run({ engine, prompt: 'Say it.' });
    expect(result.answer).toBe('42');
    await engine.dispose();
    await server.stop();
  });
});
