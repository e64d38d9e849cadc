/** Whatever is done to the fields that need not be there, no text is lost. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readDelta } from '../../src/servers/completion-delta.ts';
import { CannedServer } from './canned-server.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A piece as the most talkative servers send it. */
const chunk = (content: string): { [key: string]: Json } => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_764_000_000,
  model: 'canned',
  system_fingerprint: 'fp',
  service_tier: null,
  choices: [
    {
      index: 0,
      delta: {
        role: 'assistant',
        content,
        reasoning: 'so',
        reasoning_content: 'so',
        refusal: null,
        tool_calls: [],
        reasoning_details: [{ type: 'reasoning.text', text: 'so' }],
      },
      logprobs: { content: [{ token: content, logprob: -0.25, bytes: [65], top_logprobs: [{ token: content, logprob: -0.25, bytes: [65] }] }], refusal: null },
      token_ids: [7],
      stop_reason: null,
      matched_stop: null,
      meta_info: { spec_accept_token_num: 1, spec_draft_token_num: 2 },
      content_filter_results: { hate: { filtered: false, severity: 'safe' } },
    },
  ],
  usage: {
    prompt_tokens: 5,
    completion_tokens: 1,
    total_tokens: 6,
    prompt_tokens_details: { cached_tokens: 2 },
    completion_tokens_details: { reasoning_tokens: 1 },
  },
  timings: { draft_n: 2, draft_n_accepted: 1, predicted_ms: 3.5 },
  metrics: { speculative_decoding: { num_draft_tokens: 2, num_accepted_tokens: 1 } },
});

/** Fields without which there is no text. */
const isNeeded = (path: string): boolean => ['choices', 'choices.0', 'choices.0.delta', 'choices.0.delta.content'].includes(path);

function pathsOf(value: Json, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const own = path === '' ? key : `${path}.${key}`;
    return [own, ...pathsOf(inner, own)];
  });
}

const PATHS = pathsOf(chunk('x')).filter((path) => !isNeeded(path));

function changed(value: Json, path: string, put: Json | undefined): void {
  const keys = path.split('.');
  const last = keys.pop()!;
  let at: Json | undefined = value;
  for (const key of keys) at = typeof at === 'object' && at !== null ? (at as { [key: string]: Json })[key] : undefined;
  // An earlier change may have taken it away.
  if (typeof at !== 'object' || at === null) return;
  if (put !== undefined) (at as { [key: string]: Json })[last] = put;
  else if (Array.isArray(at)) at.splice(Number(last), 1);
  else delete at[last];
}

/** Names a server says a failure with: with them it is one. */
const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;
const change = fc.tuple(fc.constantFrom(...PATHS), fc.option(json, { nil: undefined }));
const added = fc.tuple(fc.constantFrom('finish_reason', 'extra', 'message_id', 'citations'), json);

test('one event with fields deleted, emptied and of any other type keeps its text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.array(change, { maxLength: 12 }), fc.array(added, { maxLength: 2 }), (content, changes, additions) => {
      const value = chunk(content);
      for (const [path, put] of changes) changed(value, path, put);
      const [choice] = value['choices'] as [{ [key: string]: Json }];
      for (const [name, put] of additions) choice[name] = put;
      const { text, logprobs, usage, tokenIds } = readDelta(value, (words) => words);
      expect(text).toBe(content);
      for (const logprob of logprobs) expect(logprob === undefined || (logprob <= 0 && logprob > -Infinity)).toBe(true);
      for (const count of Object.values(usage ?? {})) expect(count === undefined || (Number.isSafeInteger(count) && count >= 0)).toBe(true);
      for (const id of tokenIds) expect(id).toBeTypeOf('number');
    }),
    { numRuns: 3_000 },
  );
});

test('a whole answer over HTTP keeps its text, cut into packets anywhere', async () => {
  let body = '';
  const server = await CannedServer.start(() => ({ body }));
  const engine = server.engine();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.array(change, { maxLength: 8 })), { minLength: 1, maxLength: 6 }), async (pieces) => {
      const events = pieces.map(([content, changes]) => {
        const value = chunk(content);
        for (const [path, put] of changes) changed(value, path, put);
        return value;
      });
      const end = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
      body = `${[...events, end].map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`;
      const session = await engine.open('Say it.', {});
      const segment = await session.branch(1)[0]!.advance();
      expect(segment).toMatchObject({ text: pieces.map(([content]) => content).join(''), finish: 'end' });
      expect(segment.tokenCount).toBeGreaterThan(0);
      expect([0, segment.tokenCount]).toContain(segment.logprobs.length);
      expect([0, segment.tokenCount]).toContain(segment.tokens.length);
      await session.dispose();
    }),
    { numRuns: 100 },
  );
  await engine.dispose();
  await server.stop();
});
