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
  ...['eos', 'eos_token', 'end_turn', 'STOP', 'stop_sequence', 'COMPLETE', 'completed', 'tool_calls'].map(
    (word) => [`finish_reason ${word}`, [say(WHOLE), stop(word)]] as const,
  ),
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
