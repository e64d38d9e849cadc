/** Models that think: where servers put their thoughts, what becomes of them, and how long they may be. */
import { HumanMessage } from '@langchain/core/messages';
import { describe, expect, test } from 'vitest';
import { latencyTts } from '../../src/adapters/ai-sdk/index.ts';
import { ChatLatencyTts } from '../../src/adapters/langchain/index.ts';
import type { ServerName } from '../../src/servers/dialects.ts';
import { createHandler } from '../../src/serve/handler.ts';
import { standardStrategies } from '../../src/serve/standard-strategies.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { CHAT, post } from '../serve/calls.ts';
import { impatientClock } from '../engines/remote/impatient-clock.ts';
import { CannedServer, segmentFrom, type CannedReply } from './canned-server.ts';

const event = (delta: object, finish: string | null = null, more: object = {}): object => ({ choices: [{ index: 0, delta, finish_reason: finish, ...more }] });
const answer = event({ content: 'The answer is 42.' }, 'stop');
const THOUGHT = 'six times seven';

/** Who keeps thoughts where. */
const APART: readonly (readonly [string, readonly object[]])[] = [
  ['vLLM', [event({ reasoning: 'six ' }), event({ reasoning: 'times seven' })]],
  ['vLLM, between two names', [event({ reasoning: 'six ', reasoning_content: 'six ' }), event({ reasoning: 'times seven', reasoning_content: 'times seven' })]],
  ['SGLang', [event({ content: null, reasoning_content: 'six ' }), event({ content: null, reasoning_content: 'times seven' })]],
  ['llama.cpp', [event({ role: 'assistant', content: null }), event({ reasoning_content: THOUGHT })]],
  ['Ollama', [event({ role: 'assistant', content: '', reasoning: THOUGHT })]],
  ['Ollama, natively', [event({ role: 'assistant', content: '', thinking: THOUGHT })]],
  ['DeepSeek', [event({ content: null, reasoning_content: THOUGHT })]],
  ['OpenRouter', [event({ content: '', reasoning: THOUGHT, reasoning_details: [{ type: 'reasoning.text', text: THOUGHT }] })]],
  [
    'OpenRouter, details alone',
    [
      event({
        content: '',
        reasoning_details: [
          { type: 'reasoning.summary', summary: THOUGHT },
          { type: 'reasoning.encrypted', data: 'xyz' },
        ],
      }),
    ],
  ],
  ['Mistral', [event({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: THOUGHT }] }] })]],
];

describe.each(APART)('thoughts as %s keeps them', (_, thoughts) => {
  test('are told apart from the text', async () => {
    expect(await segmentFrom({ body: [...thoughts, answer] })).toMatchObject({ text: 'The answer is 42.', reasoning: THOUGHT, finish: 'end' });
  });

  test('do not vote while they are unfinished', async () => {
    const cut = thoughts.map((one) => JSON.parse(JSON.stringify(one).replaceAll(THOUGHT, 'The answer is 7.')) as object);
    const server = await CannedServer.start((__, index) => ({ body: index < 2 ? [...cut, event({}, 'length')] : [...thoughts, answer] }));
    const engine = server.engine();
    const result = await new SelfConsistency({ branches: 3, earlyDecision: 'none', forcedAnswer: false }).run({ engine, prompt: 'What is 6 · 7?' });
    expect(result.answer).toBe('42');
    expect(result.branches.map(({ answer: one }) => one)).toEqual([undefined, undefined, '42']);
    await engine.dispose();
    await server.stop();
  });
});

test('a block of thought within the text does not vote while it is open', async () => {
  const server = await CannedServer.start((_, index) => ({
    body:
      index < 2
        ? [event({ content: '<think>Perhaps the answer is \\boxed{7}. #### 7' }, 'length')]
        : [event({ content: '<think>Not 7.</think>The answer is 42.' }, 'stop')],
  }));
  const engine = server.engine();
  const result = await new SelfConsistency({ branches: 3, earlyDecision: 'none', forcedAnswer: false }).run({ engine, prompt: 'What is 6 · 7?' });
  expect(result.answer).toBe('42');
  await engine.dispose();
  await server.stop();
});

test('where the template opens the thought and nothing takes it out, one text tells, and unfinished ones do not vote', async () => {
  const whole = event({ content: 'Perhaps \\boxed{7}? No.</think>The answer is 42.' }, 'stop');
  const cut = event({ content: 'Perhaps \\boxed{7}? #### 7' }, 'length');
  const server = await CannedServer.start((_, index) => ({ body: [index === 0 || index > 2 ? whole : cut] }));
  const engine = server.engine();
  const solve = new SelfConsistency({ branches: 1, forcedAnswer: false });
  expect((await solve.run({ engine, prompt: 'What is 6 · 7?' })).answer).toBe('42');
  const result = await new SelfConsistency({ branches: 3, earlyDecision: 'none', forcedAnswer: false }).run({ engine, prompt: 'What is 6 · 7?' });
  expect(result.branches.map(({ answer: one }) => one)).toEqual([undefined, undefined, '42']);
  await engine.dispose();
  await server.stop();
});

test('such a thought is closed before its branch is asked for the answer', async () => {
  const server = await CannedServer.start(({ messages }, index) => {
    const last = (messages as { content: string }[]).at(-1)!.content;
    if (index === 0) return { body: [event({ content: 'Hm.</think>It is 42.' }, 'stop')] };
    return { body: [last.includes('</think>') ? event({ content: '42}' }, 'stop') : event({ content: 'Perhaps 7' }, 'length')] };
  });
  const engine = server.engine({ server: 'ollama' });
  const vote = new SelfConsistency({ branches: 1, maxTokens: 5 });
  await vote.run({ engine, prompt: 'What is 6 · 7?' });
  const { answer: said, text } = await vote.run({ engine, prompt: 'What is 6 · 7?' });
  expect([said, text.includes('Perhaps 7\n</think>\n\n')]).toEqual(['42', true]);
  await engine.dispose();
  await server.stop();
});

describe('stop strings and thoughts', () => {
  test('a stop string met in a thought is none: the text is asked for without it, and looked through here', async () => {
    const replies: CannedReply[] = [
      { body: [event({ reasoning: 'six times seven\n\n' }), event({}, 'stop', { stop_reason: '\n\n' })] },
      { body: [event({ reasoning: 'six times seven\n\nyes' }), event({ content: 'It is 42.\n\n' }), event({ content: 'More.' }, 'stop')] },
    ];
    const server = await CannedServer.start((_, index) => replies[index]!);
    const engine = server.engine({ server: 'vllm' });
    const branch = (await engine.open('What is 6 · 7?', {})).branch(1)[0]!;
    expect(await branch.advance({ until: { stop: ['\n\n'] } })).toMatchObject({ text: 'It is 42.\n\n', finish: 'stop', stop: '\n\n' });
    expect(server.bodies.map(({ stop }) => stop)).toEqual([['\n\n'], undefined]);
    await engine.dispose();
    await server.stop();
  });

  test('a stop string in the text ends it as ever', async () => {
    const segment = await segmentFrom(
      { body: [event({ reasoning: THOUGHT }), event({ content: 'It is 42.\n\n' }), event({}, 'stop', { stop_reason: '\n\n' })] },
      { server: 'vllm' },
      { stop: ['\n\n'] },
    );
    expect(segment).toMatchObject({ text: 'It is 42.\n\n', finish: 'stop' });
  });
});

describe('how long a model may think', () => {
  /** Bodies of two requests: the model is known to think at the second. */
  async function bodies(
    server: ServerName,
    deadlineMs = Infinity,
    tokens = Infinity,
    options: object = {},
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const canned = await CannedServer.start({ body: [event({ reasoning: 'six ' }), event({ content: 'It is ' }), event({ content: '42.' }, 'stop')] });
    const engine = canned.engine({ server, ...options });
    for (let run = 0; run < 2; run++) {
      const clock = impatientClock();
      const session = await engine.open('What is 6 · 7?', { clock, progressIntervalMs: 0, onProgress: () => clock.advance(10) });
      await session.branch(1)[0]!.advance({ deadlineAt: clock.now() + deadlineMs, ...(tokens < Infinity && { until: { tokens } }) });
    }
    await engine.dispose();
    await canned.stop();
    return canned.bodies;
  }

  test.each([
    ['vllm', (body: Readonly<Record<string, unknown>>) => body['thinking_token_budget']],
    ['llama.cpp', (body: Readonly<Record<string, unknown>>) => body['reasoning_budget_tokens']],
    ['openrouter', (body: Readonly<Record<string, unknown>>) => (body['reasoning'] as { max_tokens: number } | undefined)?.max_tokens],
  ] as const)('comes of the deadline on %s, once it is known to think', async (server, budgetOf) => {
    const [first, second] = await bodies(server, 10_000);
    expect(budgetOf(first!)).toBeUndefined();
    // Ten milliseconds a token: a thousand tokens, a quarter of them for the answer.
    expect(budgetOf(second!)).toBeGreaterThan(300);
    expect(budgetOf(second!)).toBeLessThanOrEqual(1_500);
  });

  test('comes of the limit of tokens', async () => {
    expect((await bodies('vllm', Infinity, 400))[1]).toMatchObject({ max_tokens: 400, thinking_token_budget: 300 });
  });

  test.each(['openai', 'ollama'] as const)('is an effort on %s', async (server) => {
    expect((await bodies(server, 10_000))[1]).toMatchObject({ reasoning_effort: 'low' });
  });

  test('is what was asked for', async () => {
    expect((await bodies('vllm', Infinity, Infinity, { thinking: { maxTokens: 64 } }))[0]).toMatchObject({ thinking_token_budget: 64 });
    expect((await bodies('openai', Infinity, Infinity, { thinking: { effort: 'high' } }))[0]).toMatchObject({ reasoning_effort: 'high' });
    await expect(bodies('openai', Infinity, Infinity, { thinking: { effort: 'maximal' } })).rejects.toMatchObject({ option: 'thinking.effort' });
  });

  test('is left out where the server was not set up for it', async () => {
    const canned = await CannedServer.start(({ thinking_token_budget: budget }) =>
      budget === undefined
        ? { body: [answer] }
        : { status: 400, body: { error: { message: 'thinking_token_budget is set but reasoning_config is not configured', code: 400 } } },
    );
    const engine = canned.engine({ server: 'vllm', thinking: { maxTokens: 64 } });
    expect((await (await engine.open('What is 6 · 7?', {})).branch(1)[0]!.advance()).text).toBe('The answer is 42.');
    expect(engine.withoutFields).toEqual(['thinking']);
    await engine.dispose();
    await canned.stop();
  });
});

describe('thoughts are passed on', () => {
  async function withEngine<Result>(work: (engine: ReturnType<CannedServer['engine']>) => Promise<Result>): Promise<Result> {
    const server = await CannedServer.start({ body: [event({ reasoning: 'six ' }), event({ reasoning: 'times seven' }), answer] });
    const engine = server.engine();
    try {
      return await work(engine);
    } finally {
      await engine.dispose();
      await server.stop();
    }
  }

  test.each(['single', 'self-consistency'])('by serve, whole and streamed: %s', (strategy) =>
    withEngine(async (engine) => {
      const handler = createHandler({ models: { canned: { engine, strategies: standardStrategies() } } });
      const body = { model: 'canned', messages: [{ role: 'user', content: 'What is 6 · 7?' }], strategy };
      const whole = (await (await post(handler, CHAT, body)).json()) as { choices: { message: object }[] };
      expect(whole.choices[0]!.message).toMatchObject({ content: 'The answer is 42.', reasoning_content: THOUGHT });
      const streamed = await (await post(handler, CHAT, { ...body, stream: true })).text();
      const deltas = [...streamed.matchAll(/^data: (\{.*)$/gm)].flatMap(
        ([, json]) => (JSON.parse(json!) as { choices: { delta: { content?: string; reasoning_content?: string } }[] }).choices,
      );
      expect(deltas.map(({ delta }) => delta.reasoning_content ?? '').join('')).toBe(THOUGHT);
      expect(deltas.map(({ delta }) => delta.content ?? '').join('')).toBe('The answer is 42.');
    }),
  );

  test.each([1, 3])('by models of the AI SDK, whole and streamed: %i branches', (branches) =>
    withEngine(async (engine) => {
      const model = latencyTts({ engine, strategy: new SelfConsistency({ branches }) });
      const call = { prompt: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'What is 6 · 7?' }] }] };
      const { content, usage } = await model.doGenerate(call);
      expect(content).toEqual([
        { type: 'reasoning', text: THOUGHT },
        { type: 'text', text: 'The answer is 42.' },
      ]);
      expect(usage.outputTokens.reasoning).toBeGreaterThan(0);
      const { stream } = await model.doStream(call);
      const parts = await partsOf(stream);
      expect(parts.map(({ type }) => type).filter((type) => /^(?:reasoning|text)-(?:start|end)$/.test(type))).toEqual([
        'reasoning-start',
        'reasoning-end',
        'text-start',
        'text-end',
      ]);
      expect(parts.flatMap(({ type, delta }) => (type === 'reasoning-delta' ? [delta] : [])).join('')).toBe(THOUGHT);
    }),
  );

  test.each([1, 3])('by models of LangChain, whole and streamed: %i branches', (branches) =>
    withEngine(async (engine) => {
      const model = new ChatLatencyTts({ engine, strategy: new SelfConsistency({ branches }) });
      const message = await model.invoke([new HumanMessage('What is 6 · 7?')]);
      expect(message.content).toBe('The answer is 42.');
      expect(message.additional_kwargs['reasoning_content']).toBe(THOUGHT);
      let whole;
      for await (const chunk of await model.stream([new HumanMessage('What is 6 · 7?')])) whole = whole === undefined ? chunk : whole.concat(chunk);
      expect([whole!.content, whole!.additional_kwargs['reasoning_content']]).toEqual(['The answer is 42.', THOUGHT]);
    }),
  );
});

async function partsOf(stream: ReadableStream<unknown>): Promise<{ readonly type: string; readonly delta?: string }[]> {
  const parts = [];
  for await (const part of stream as unknown as AsyncIterable<{ readonly type: string; readonly delta?: string }>) parts.push(part);
  return parts;
}
