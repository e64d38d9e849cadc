/** Models of the AI SDK as engines, and strategies around them as middleware, through the real `ai` package. */
import { APICallError, generateText, jsonSchema, streamText, wrapLanguageModel, type ToolSet } from 'ai';
import { describe, expect, test } from 'vitest';
import type { LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { aiSdkEngine, latencyTts, latencyTtsMiddleware, latencyTtsReport, type AiSdkEngineOptions } from '../../src/adapters/ai-sdk/index.ts';
import type { Branch, Engine } from '../../src/contracts/engine.ts';
import { BeamSearch } from '../../src/strategies/beam-search.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { openSolver, PLANS, solutionOf } from '../strategies/solver.ts';
import { asV2, scriptedLanguageModel, type Reply, type ScriptedLanguageModel } from './scripted-language-model.ts';

globalThis.AI_SDK_LOG_WARNINGS = false;

const PROMPT = 'how many?';
const VOTE = new SelfConsistency({ branches: 5 });
const ANSWERS = ['42', '7', '42', '42', '13'];

const solving = (_: LanguageModelV4CallOptions, call: number): Reply => ({ pieces: ['so it ', 'is\n#### ', ANSWERS[call % ANSWERS.length]!] });

async function onBranch<Result>(
  model: ScriptedLanguageModel,
  use: (branch: Branch, engine: Engine) => Promise<Result>,
  options: Partial<AiSdkEngineOptions> = {},
): Promise<Result> {
  const engine = aiSdkEngine({ model, ...options });
  const session = await engine.open(PROMPT, {});
  try {
    return await use(session.branch(1)[0]!, engine);
  } finally {
    await session.dispose();
    await engine.dispose();
  }
}

const lastOf = ({ calls }: ScriptedLanguageModel): LanguageModelV4CallOptions => calls.at(-1)!;
const textsOf = ({ prompt }: LanguageModelV4CallOptions): string[] =>
  prompt.map(
    ({ role, content }) => `${role}: ${typeof content === 'string' ? content : content.map((part) => ('text' in part ? part.text : part.type)).join()}`,
  );

describe('aiSdkEngine', () => {
  test('makes one call a branch, with seeds of its own, and votes over the texts', async () => {
    const model = scriptedLanguageModel(solving);
    const engine = aiSdkEngine({ model });
    const { answer, votes, usage, branches } = await VOTE.run({ engine, prompt: PROMPT, seed: 1 });
    expect([answer, votes[0]!.votes]).toEqual(['42', 3]);
    expect(model.calls).toHaveLength(5);
    expect(new Set(model.calls.map(({ seed }) => seed)).size).toBe(5);
    expect(usage).toMatchObject({ promptTokens: 11, completionTokens: 15, server: { requestCount: 5, cachedPromptTokens: 35 } });
    expect(branches.map(({ tokenCount, meanLogprob }) => [tokenCount, meanLogprob])).toEqual(Array(5).fill([3, undefined]));
    expect(engine.capabilities).toEqual({ tokenIds: false, logprobs: false, topLogprobs: 0, topTokens: false, selfCertainty: false, tokenCounts: 'exact' });
    expect(engine.name).toBe('scripted-1');
    const seeds = model.calls.map(({ seed }) => seed);
    await VOTE.run({ engine, prompt: PROMPT, seed: 1 });
    expect(model.calls.slice(5).map(({ seed }) => seed)).toEqual(seeds);
    await engine.dispose();
  });

  test('passes on what a session and the engine say, and nothing that would change nothing', async () => {
    const model = scriptedLanguageModel(solving);
    const callOptions = { providerOptions: { scripted: { cache: true } }, headers: { 'x-team': 'a' } };
    const engine = aiSdkEngine({ model, callOptions });
    const messages = [
      { role: 'system', content: 'brief' },
      { role: 'user', content: PROMPT },
    ] as const;
    const session = await engine.open(messages, { sampling: { temperature: 0.5, topK: 9, topP: 0.8 } });
    await session.branch(1)[0]!.advance({ until: { tokens: 50 } });
    expect(lastOf(model)).toMatchObject({ temperature: 0.5, topK: 9, topP: 0.8, maxOutputTokens: 50, ...callOptions });
    expect(lastOf(model).prompt).toEqual([
      { role: 'system', content: 'brief' },
      { role: 'user', content: [{ type: 'text', text: PROMPT }] },
    ]);
    const plain = await engine.open(PROMPT, {});
    await plain.branch(1)[0]!.advance();
    expect(Object.keys(lastOf(model)).filter((key) => ['topK', 'topP', 'maxOutputTokens'].includes(key))).toEqual([]);
    await engine.dispose();
  });

  test('ends a call at a stop string, and continues behind it as declared', async () => {
    const reply = ({ prompt }: LanguageModelV4CallOptions): Reply => (prompt.length === 1 ? { pieces: ['one\n', 'two\n', 'three'] } : { pieces: [' more'] });
    for (const [continuation, expected] of [
      ['assistant-last', [`user: ${PROMPT}`, 'assistant: one\n']],
      ['asked', [`user: ${PROMPT}`, 'assistant: one\n', expect.stringMatching(/^user: Continue/)]],
    ] as const) {
      const model = scriptedLanguageModel(reply);
      await onBranch(
        model,
        async (branch) => {
          expect(await branch.advance({ until: { stop: ['\n'] } })).toMatchObject({ text: 'one\n', finish: 'stop', stop: '\n' });
          expect(await branch.advance()).toMatchObject({ text: ' more', finish: 'end' });
          expect(branch.text).toBe('one\n more');
        },
        { continuation },
      );
      expect(textsOf(lastOf(model))).toEqual(expected);
    }
  });

  test('refuses to continue where it was declared that the model cannot', async () => {
    const model = scriptedLanguageModel(() => ({ pieces: ['one\n', 'two'] }));
    await onBranch(
      model,
      async (branch) => {
        await branch.advance({ until: { stop: ['\n'] } });
        await expect(branch.advance()).rejects.toMatchObject({
          code: 'LTTS_SERVER',
          kind: 'request',
          message: expect.stringContaining('forcedAnswer: false') as string,
        });
        expect(branch.text).toBe('one\n');
      },
      { continuation: 'none' },
    );
    expect(model.calls).toHaveLength(1);
  });

  test.each(['v2', 'v4'])('reads finish and usage of specification %s', async (specification) => {
    const model = scriptedLanguageModel(() => ({ pieces: ['a', 'b', 'c'], finish: 'length' }));
    const engine = aiSdkEngine({ model: specification === 'v2' ? asV2(model) : model });
    const session = await engine.open(PROMPT, {});
    expect(await session.branch(1)[0]!.advance()).toMatchObject({ text: 'abc', tokenCount: 3, finish: 'length' });
    expect(session.promptTokens).toBe(11);
    await engine.dispose();
  });

  test('keeps reasoning out of the text and in the account', async () => {
    const model = scriptedLanguageModel(() => ({ reasoning: ['hm ', '99'], pieces: ['#### 4'] }));
    const engine = aiSdkEngine({ model });
    const { text, answer, usage } = await new SelfConsistency({ branches: 1 }).run({ engine, prompt: PROMPT });
    expect([text, answer]).toEqual(['#### 4', '4']);
    expect(usage.server!.reasoningTokens).toBe(2);
    await engine.dispose();
  });

  test('opens no more calls at once than allowed', async () => {
    const model = scriptedLanguageModel(solving);
    const engine = aiSdkEngine({ model, maxConcurrency: 2 });
    await VOTE.run({ engine, prompt: PROMPT });
    expect(model.open.most).toBeLessThanOrEqual(2);
    await engine.dispose();
  });

  test('an abort and a deadline end calls; what was written counts', async () => {
    const model = scriptedLanguageModel(() => ({ pieces: ['#### 5\n'], hangs: true }));
    const leaving = new AbortController();
    await onBranch(model, async (branch) => {
      const open = branch.advance({ signal: leaving.signal });
      setImmediate(() => setImmediate(() => leaving.abort(new Error('gone'))));
      await expect(open).rejects.toThrow('gone');
      await expect.poll(() => model.aborted.count).toBe(1);
    });
    const engine = aiSdkEngine({ model });
    const { answer, stopReason } = await new SelfConsistency({ branches: 2, forcedAnswer: false, earlyDecision: 'none' }).run({
      engine,
      prompt: PROMPT,
      deadlineMs: 300,
    });
    expect([answer, stopReason]).toEqual(['5', 'deadline']);
    await expect.poll(() => model.aborted.count).toBe(3);
    await engine.dispose();
  });

  test('a model that does not end its stream when it is aborted is left', async () => {
    let isCancelled = false;
    const scripted = scriptedLanguageModel(solving);
    const pieces: readonly LanguageModelV4StreamPart[] = [
      { type: 'text-start', id: '0' },
      { type: 'text-delta', id: '0', delta: 'so' },
    ];
    const stream = new ReadableStream<LanguageModelV4StreamPart>({
      start: (controller) => pieces.forEach((part) => controller.enqueue(part)),
      cancel: () => void (isCancelled = true),
    });
    const model: ScriptedLanguageModel = { ...scripted, doStream: () => Promise.resolve({ stream }) };
    await onBranch(model, async (branch) => {
      const open = branch.advance();
      setImmediate(() => setImmediate(() => branch.abort()));
      expect((await open).finish).toBe('aborted');
      await expect.poll(() => isCancelled).toBe(true);
    });
  });

  test('a failing call is made again where that helps, and else lowers the number of branches only', async () => {
    const failure = (statusCode: number, responseHeaders: Record<string, string> = {}): APICallError =>
      new APICallError({ message: `sorry ${statusCode}`, url: 'https://api.test', requestBodyValues: { key: 'sk-secret' }, statusCode, responseHeaders });
    const errors = [failure(503, { 'retry-after-ms': '1' }), failure(400), new Error('not of the SDK'), undefined];
    const model = scriptedLanguageModel((options, call) => ({ ...solving(options, call), ...(errors[call] && { error: errors[call] }) }));
    const engine = aiSdkEngine({ model });
    const { answer, branches, usage } = await VOTE.run({ engine, prompt: PROMPT });
    expect(answer).toBeDefined();
    const failed = branches.filter(({ finish }) => finish === 'failed').map(({ error }) => error as { kind: string; message: string; status?: number });
    expect(failed.map(({ kind, status }) => [kind, status])).toEqual([
      ['request', 400],
      ['stream', undefined],
    ]);
    expect(failed.map(({ message }) => message).join()).toMatch(/sorry 400.*not of the SDK/);
    expect(JSON.stringify(failed)).not.toContain('sk-secret');
    expect(usage.server!.retryCount).toBe(1);
    await engine.dispose();
  });

  test('a failure within the stream keeps what was written before it, where the call can go on', async () => {
    const broken = new APICallError({ message: 'cut off', url: '', requestBodyValues: {}, statusCode: 502 });
    const model = scriptedLanguageModel((_, call) => (call === 0 ? { pieces: ['one '], errorWithin: broken } : { pieces: ['two'] }));
    await onBranch(model, async (branch) => expect(await branch.advance()).toMatchObject({ text: 'one two', finish: 'end' }), {
      continuation: 'assistant-last',
    });
    expect(textsOf(lastOf(model))).toEqual([`user: ${PROMPT}`, 'assistant: one ']);
  });

  test('a stream that closes without saying why is no end', async () => {
    const model = scriptedLanguageModel((_, call) => (call === 0 ? { pieces: ['one '], breaksOff: true } : { pieces: ['two'] }));
    await onBranch(model, async (branch) => expect(await branch.advance()).toMatchObject({ text: 'one two', finish: 'end' }), {
      continuation: 'assistant-last',
    });
  });

  test('strategies that go step by step work on it', async () => {
    const scorer = {
      kind: 'step',
      name: 'even',
      score: async (_: unknown, texts: readonly unknown[]) => texts.map(() => [0.5]),
      dispose: async () => undefined,
    } as const;
    const model = scriptedLanguageModel(({ prompt }) => ({ pieces: prompt.length === 1 ? ['first\n', 'second\n'] : ['#### 42'] }));
    const engine = aiSdkEngine({ model, continuation: 'assistant-last' });
    const { answer } = await new BeamSearch({ scorer }).run({ engine, prompt: PROMPT });
    expect(answer).toBe('42');
    await engine.dispose();
  });

  test.each([
    [{ model: 'openai/gpt-5' }, 'model'],
    [{ model: undefined }, 'model'],
    [{ continuation: 'maybe' }, 'continuation'],
    [{ maxConcurrency: 0 }, 'maxConcurrency'],
    [{ sampling: { temperature: -1 } }, 'sampling.temperature'],
  ])('%j is refused', (wrong, option) => {
    const model = scriptedLanguageModel(solving);
    expect(() => aiSdkEngine({ model, ...wrong } as never)).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option }));
  });

  test('sampling and prompts that models of the SDK do not know are refused before any call', async () => {
    const model = scriptedLanguageModel(solving);
    const engine = aiSdkEngine({ model });
    await expect(engine.open(PROMPT, { sampling: { minP: 0.1 } })).rejects.toMatchObject({
      option: 'sampling.minP',
      message: expect.stringContaining('scripted.chat') as string,
    });
    await expect(engine.open({ text: PROMPT }, {})).rejects.toMatchObject({ option: 'prompt' });
    expect(model.calls).toEqual([]);
    await engine.dispose();
  });

  test('takes our own models, too: a strategy over strategies', async () => {
    const solver = await openSolver();
    const inner = latencyTts({ engine: solver.engine, clock: solver.clock, strategy: new SelfConsistency({ branches: 3 }) });
    const engine = aiSdkEngine({ model: inner });
    const { branches, answer } = await new SelfConsistency({ branches: 2 }).run({ engine, prompt: PROMPT });
    const known = PLANS.map((_, index) => solutionOf(PLANS, index));
    for (const { text } of branches) expect(known).toContain(text);
    expect(answer).toBeDefined();
    await engine.dispose();
  });
});

describe('latencyTtsMiddleware', () => {
  const around = (model: ScriptedLanguageModel, options = {}) => wrapLanguageModel({ model, middleware: latencyTtsMiddleware({ strategy: VOTE, ...options }) });

  test('makes a vote of a call', async () => {
    const model = scriptedLanguageModel(solving);
    const { text, providerMetadata, response, warnings } = await generateText({ model: around(model), prompt: PROMPT, seed: 1 });
    expect(text).toBe('so it is\n#### 42');
    expect(latencyTtsReport(providerMetadata)).toMatchObject({ answer: '42', votes: [{ answer: '42', votes: 3 }, {}] });
    expect(model.calls).toHaveLength(5);
    expect(response.modelId).toBe('scripted-1');
    expect(warnings ?? []).toEqual([]);
  });

  test('streams', async () => {
    const model = scriptedLanguageModel(solving);
    expect(await streamText({ model: around(model), prompt: PROMPT }).text).toBe('so it is\n#### 42');
    const single = around(model, { strategy: new SelfConsistency({ branches: 1 }) });
    expect(await streamText({ model: single, prompt: PROMPT }).text).toMatch(/^so it is/);
  });

  test('carries the call’s settings and messages into every branch, images included', async () => {
    const model = scriptedLanguageModel(solving);
    const image = { type: 'file', mediaType: 'image/png', data: new Uint8Array([137, 80, 78, 71]) } as const;
    await generateText({
      model: around(model),
      temperature: 0.3,
      maxOutputTokens: 40,
      presencePenalty: 0.5,
      headers: { 'x-team': 'a' },
      providerOptions: { scripted: { cache: true } },
      messages: [{ role: 'user', content: [image, { type: 'text', text: PROMPT }] }],
    });
    expect(model.calls).toHaveLength(5);
    for (const call of model.calls) {
      expect(call).toMatchObject({ temperature: 0.3, maxOutputTokens: 40, presencePenalty: 0.5, providerOptions: { scripted: { cache: true } } });
      expect(call.headers).toMatchObject({ 'x-team': 'a' });
      expect(call.prompt[0]!.content).toEqual([expect.objectContaining({ type: 'file', mediaType: 'image/png' }), expect.objectContaining({ text: PROMPT })]);
    }
  });

  test('passes calls with tools on, with a warning', async () => {
    const model = scriptedLanguageModel(solving);
    const tools: ToolSet = { add: { description: 'adds', inputSchema: jsonSchema({ type: 'object', properties: {} }) } };
    const result = streamText({ model: around(model), prompt: PROMPT, tools });
    expect(await result.text).toMatch(/^so it is/);
    expect(await result.warnings).toEqual([expect.objectContaining({ feature: 'tools' })]);
    expect(model.calls).toHaveLength(1);
    expect(model.calls[0]!.tools).toHaveLength(1);
  });

  test('takes options of a call, and ends with its signal', async () => {
    const model = scriptedLanguageModel(() => ({ pieces: ['#### 5\n'], hangs: true }));
    const wrapped = around(model, { strategy: new SelfConsistency({ branches: 2, forcedAnswer: false, earlyDecision: 'none' }) });
    const { providerMetadata } = await generateText({ model: wrapped, prompt: PROMPT, providerOptions: { latencyTts: { deadlineMs: 200 } } });
    expect(latencyTtsReport(providerMetadata)).toMatchObject({ answer: '5', stopReason: 'deadline', timing: { deadlineMs: 200 } });
    const leaving = new AbortController();
    setImmediate(() => leaving.abort(new Error('gone')));
    await expect(generateText({ model: wrapped, prompt: PROMPT, abortSignal: leaving.signal, maxRetries: 0 })).rejects.toThrow('gone');
  });
});
