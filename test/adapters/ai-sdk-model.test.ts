/** Strategies as models of the AI SDK, through the real `ai` package. */
import {
  createProviderRegistry,
  generateText,
  jsonSchema,
  Output,
  simulateStreamingMiddleware,
  streamText,
  wrapLanguageModel,
  type TextStreamPart,
  type ToolSet,
} from 'ai';
import { bundledModels, Decoder, SelfConsistency as PackagedSelfConsistency } from 'latency-tts';
import { latencyTts as packagedLatencyTts } from 'latency-tts/ai-sdk';
import { describe, expect, test } from 'vitest';
import { createLatencyTts, latencyTts, latencyTtsReport, type LatencyTtsOptions } from '../../src/adapters/ai-sdk/index.ts';
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { Strategy } from '../../src/contracts/strategy.ts';
import { FirstFinish } from '../../src/strategies/first-finish.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { openSolver, PLANS, solutionOf, type Plan, type SolverOptions } from '../strategies/solver.ts';

globalThis.AI_SDK_LOG_WARNINGS = false;

const PROMPT = 'how many?';
const VOTE = new SelfConsistency({ branches: 5 });
const SINGLE = new SelfConsistency({ branches: 1 });
const plain = { seed: 3, maxRetries: 0, prompt: PROMPT } as const;

/** A model over a fresh solver. */
async function openModel(options: Partial<LatencyTtsOptions> = {}, solverOptions: SolverOptions = {}) {
  const solver = await openSolver(solverOptions);
  return { ...solver, model: latencyTts({ engine: solver.engine, clock: solver.clock, strategy: VOTE, ...options }) };
}

/** What the strategy itself answers. */
async function expectedOf(
  strategy: SelfConsistency,
  solverOptions: SolverOptions = {},
  request: { readonly deadlineMs?: number; readonly seed?: number } = {},
) {
  const { engine, clock } = await openSolver(solverOptions);
  return strategy.run({ engine, clock, prompt: [{ role: 'user', content: PROMPT }], seed: plain.seed, ...request });
}

async function partsOf<Tools extends ToolSet>(stream: AsyncIterable<TextStreamPart<Tools>>): Promise<TextStreamPart<Tools>[]> {
  const parts: TextStreamPart<Tools>[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

const callOf = (options: Partial<LanguageModelV4CallOptions> = {}): LanguageModelV4CallOptions => ({
  prompt: [{ role: 'user', content: [{ type: 'text', text: PROMPT }] }],
  ...options,
});

describe('generateText', () => {
  test('returns the strategy’s text, with its report as provider metadata', async () => {
    const expected = await expectedOf(VOTE);
    const { model } = await openModel();
    const { text, finishReason, usage, providerMetadata, warnings, response } = await generateText({ model, ...plain });
    expect(text).toBe(expected.text);
    expect(finishReason).toBe('stop');
    expect(warnings ?? []).toEqual([]);
    expect(response.modelId).toBe('scripted');
    expect(usage).toMatchObject({ inputTokens: expected.usage.promptTokens, outputTokens: expected.usage.completionTokens });
    const report = providerMetadata!['latencyTts']!;
    expect(report).toMatchObject({ strategy: 'self-consistency', answer: expected.answer, confidence: expected.confidence, stopReason: expected.stopReason });
    expect(report['votes']).toEqual(expected.votes.map(({ answer, votes }) => ({ answer, votes })));
    expect(report['timing']).toEqual({ ...expected.timing, deadlineMs: null });
    expect(report['branches']).toEqual(
      expected.branches.map(({ branch, answer = null, finish, isForced, tokenCount, meanLogprob = null, startMs, endMs }) => ({
        ...{ branch, answer, finish, isForced, tokenCount, meanLogprob, startMs, endMs },
      })),
    );
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  test('keeps the deadline, and tells of it', async () => {
    const expected = await expectedOf(VOTE, {}, { deadlineMs: 260 });
    const { model, clock } = await openModel({ deadlineMs: 260 });
    const { text, providerMetadata } = await generateText({ model, ...plain });
    expect(expected.stopReason).toBe('deadline');
    expect(text).toBe(expected.text);
    expect(providerMetadata!['latencyTts']).toMatchObject({ stopReason: 'deadline', timing: { deadlineMs: 260 } });
    expect(clock.now()).toBeLessThanOrEqual(260);
  });

  test('a seed of the call counts, else that of the model', async () => {
    const [third, eighth] = [await expectedOf(SINGLE, {}, { seed: 3 }), await expectedOf(SINGLE, {}, { seed: 8 })];
    expect(third.text).not.toBe(eighth.text);
    const { model } = await openModel({ strategy: SINGLE, seed: 8 });
    expect((await generateText({ model, maxRetries: 0, prompt: PROMPT })).text).toBe(eighth.text);
    expect((await generateText({ model, ...plain })).text).toBe(third.text);
  });

  test('provider options of a call take the place of what the model was made with', async () => {
    const { model } = await openModel({ strategies: { first: new FirstFinish({ branches: 3 }) } });
    const { providerMetadata } = await generateText({
      model,
      ...plain,
      providerOptions: { latencyTts: { strategy: 'first', deadlineMs: 900, branchTexts: true, seed: 5 } },
    });
    const { engine, clock } = await openSolver();
    const expected = await new FirstFinish({ branches: 3 }).run({ engine, clock, prompt: PROMPT, seed: 5 });
    const report = latencyTtsReport(providerMetadata)!;
    expect(report).toMatchObject({ strategy: 'first-finish', answer: expected.answer, timing: { deadlineMs: 900 } });
    expect(report.branches.map(({ text }) => text)).toEqual(expected.branches.map(({ text }) => text));
  });

  test.each([
    [{ deadlineMs: 0 }, 'providerOptions.latencyTts.deadlineMs'],
    [{ deadlineMs: '2s' }, 'providerOptions.latencyTts.deadlineMs'],
    [{ seed: 1.5 }, 'providerOptions.latencyTts.seed'],
    [{ strategy: 'careful' }, 'providerOptions.latencyTts.strategy'],
    [{ strategy: 'toString' }, 'providerOptions.latencyTts.strategy'],
    [{ deadline: 3 }, 'providerOptions.latencyTts.deadline'],
  ])('provider options %j are refused before any work', async (latencyTtsOptions, option) => {
    const { model, passes } = await openModel({ strategies: { fast: SINGLE } });
    const answer = generateText({ model, ...plain, providerOptions: { latencyTts: latencyTtsOptions } });
    await expect(answer).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION', option });
    expect(passes()).toBe(0);
  });

  test('call settings reach the branches', async () => {
    const { model } = await openModel({ strategy: new SelfConsistency({ branches: 1, forcedAnswer: false, sampling: { temperature: 30 } }) });
    const { text, finishReason } = await generateText({ model, ...plain, temperature: 0, maxOutputTokens: 4 });
    expect([text, finishReason]).toEqual([solutionOf(PLANS, 0).slice(0, 4), 'length']);
    const stopped = await generateText({ model, ...plain, topK: 1, stopSequences: ['####'] });
    expect([stopped.text, stopped.finishReason]).toEqual([solutionOf(PLANS, 0).split('####')[0], 'stop']);
    const nucleus = await generateText({ model, ...plain, topP: 0.01 });
    expect(nucleus.text).toBe(solutionOf(PLANS, 0));
  });

  test('what is not supported is a warning, and what cannot be left out an error', async () => {
    const { model } = await openModel();
    const { warnings } = await model.doGenerate(
      callOf({
        tools: [{ type: 'function', name: 'add', inputSchema: {} }],
        responseFormat: { type: 'json' },
        presencePenalty: 0.5,
        frequencyPenalty: 0,
        reasoning: 'high',
      }),
    );
    expect(warnings.map((warning) => 'feature' in warning && warning.feature)).toEqual(['tools', 'responseFormat', 'presencePenalty', 'reasoning']);
    await expect(model.doGenerate(callOf({ toolChoice: { type: 'required' } }))).rejects.toMatchObject({ option: 'toolChoice' });
  });

  test('JSON that the text happens to be is an object', async () => {
    const strategy = { name: 'fixed', run: async () => ({ ...(await expectedOf(SINGLE)), text: '{"total": 42}' }) };
    const { model } = await openModel({ strategy });
    const schema = jsonSchema<{ total: number }>({ type: 'object', properties: { total: { type: 'number' } }, required: ['total'] });
    const { output, warnings } = await generateText({ model, output: Output.object({ schema }), ...plain });
    expect(output).toEqual({ total: 42 });
    expect(warnings).toEqual([expect.objectContaining({ feature: 'responseFormat' })]);
  });

  test('a conversation is passed on as text', async () => {
    const prompts: unknown[] = [];
    const { model, engine } = await openModel();
    const open = engine.open.bind(engine);
    engine.open = (prompt, options) => {
      prompts.push(prompt);
      return open(prompt, options);
    };
    await generateText({
      model,
      maxRetries: 0,
      instructions: 'be brief',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'one ' },
            { type: 'text', text: 'two' },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', text: 'hm' },
            { type: 'text', text: 'three' },
          ],
        },
        { role: 'user', content: 'four?' },
      ],
    });
    expect(prompts).toEqual([
      [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'one two' },
        { role: 'assistant', content: 'three' },
        { role: 'user', content: 'four?' },
      ],
    ]);
  });

  test('an image is refused', async () => {
    const { model } = await openModel();
    const image = { type: 'file', mediaType: 'image/png', data: new Uint8Array(4) } as const;
    await expect(generateText({ model, maxRetries: 0, messages: [{ role: 'user', content: [image] }] })).rejects.toMatchObject({
      code: 'LTTS_INVALID_OPTION',
      option: 'prompt',
      message: expect.stringContaining('image/png') as string,
    });
  });

  test('an abort ends the run with its reason', async () => {
    const leaving = new AbortController();
    const reason = new Error('gone');
    const { model, model: tts, passes } = await openModel({}, { onPass: (pass) => void (pass === 4 && leaving.abort(reason)) });
    await expect(generateText({ model, ...plain, abortSignal: leaving.signal })).rejects.toBe(reason);
    expect(passes()).toBeLessThan(8);
    await expect(tts.doGenerate(callOf({ abortSignal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
  });

  test('a failing branch is reported, and failing ones all are an error', async () => {
    const expected = await expectedOf(VOTE, { fault: (solution) => (solution.startsWith('a..') ? new Error('this one') : undefined) });
    const { model } = await openModel({}, { fault: (solution) => (solution.startsWith('a..') ? new Error('this one') : undefined) });
    const { text, providerMetadata } = await generateText({ model, ...plain });
    expect(text).toBe(expected.text);
    const failed = latencyTtsReport(providerMetadata)!.branches.filter(({ finish }) => finish === 'failed');
    expect(failed).toHaveLength(expected.branches.filter(({ finish }) => finish === 'failed').length);
    expect(failed.length).toBeGreaterThan(0);
    for (const { error } of failed) expect(error).toMatchObject({ message: expect.stringContaining('this one') as string });

    const { model: broken } = await openModel({}, { fault: (solution) => (solution === '' ? undefined : new Error('all of them')) });
    await expect(generateText({ model: broken, ...plain, maxRetries: 2 })).rejects.toMatchObject({ code: 'LTTS_NO_CANDIDATE' });
  });

  test('runs can be watched', async () => {
    const answers: string[] = [];
    const { model } = await openModel({ onRun: (events) => events.on('vote-change', ({ answer }) => answers.push(answer)) });
    await generateText({ model, ...plain });
    expect(answers.length).toBeGreaterThan(0);
  });
});

describe('streamText', () => {
  /** Deltas of one branch come at most every 50 ms; a pass takes 60. */
  const slow: SolverOptions = { stepMs: () => 60 };

  test('streams the text of a single branch while it grows', async () => {
    const expected = await expectedOf(SINGLE, slow);
    const { model } = await openModel({ strategy: SINGLE }, slow);
    const result = streamText({ model, ...plain });
    const parts = await partsOf(result.stream);
    const deltas = parts.flatMap((part) => (part.type === 'text-delta' ? [part.text] : []));
    expect(deltas.length).toBeGreaterThan(3);
    expect(deltas.join('')).toBe(expected.text);
    const types = parts.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);
    expect(types).toEqual(['start', 'start-step', 'text-start', 'text-delta', 'text-end', 'finish-step', 'finish']);
    expect(await result.text).toBe(expected.text);
    expect(await result.finishReason).toBe('stop');
    expect((await result.usage).outputTokens).toBe(expected.usage.completionTokens);
    expect((await result.providerMetadata)!['latencyTts']).toMatchObject({ answer: expected.answer });
  });

  test('holds back what may become a stop sequence', async () => {
    const { model } = await openModel({ strategy: SINGLE }, slow);
    const result = streamText({ model, ...plain, temperature: 0, stopSequences: ['.\n#', '## 99'] });
    const deltas = (await partsOf(result.stream)).flatMap((part) => (part.type === 'text-delta' ? [part.text] : []));
    expect(deltas.length).toBeGreaterThan(1);
    const [whole] = solutionOf(PLANS, 0).split('.\n#') as [string];
    expect(deltas.join('')).toBe(whole);
    expect(await result.text).toBe(whole);
  });

  test('gives the answer of several branches at the end, in one piece', async () => {
    const expected = await expectedOf(VOTE, slow);
    const { model } = await openModel({}, slow);
    const parts = await partsOf(streamText({ model, ...plain }).stream);
    expect(parts.flatMap((part) => (part.type === 'text-delta' ? [part.text] : []))).toEqual([expected.text]);
  });

  test('tells of the votes in raw parts where they are asked for', async () => {
    const { model } = await openModel();
    const parts = await partsOf(streamText({ model, ...plain, include: { rawChunks: true } }).stream);
    const raw = parts.flatMap((part) => (part.type === 'raw' ? [part.rawValue as { event: string }] : []));
    expect(new Set(raw.map(({ event }) => event))).toEqual(new Set(['vote-change', 'branch-end']));
  });

  test('an abort ends the stream and the run', async () => {
    const leaving = new AbortController();
    const { model, passes } = await openModel(
      { strategy: SINGLE },
      { ...slow, plans: [{ steps: 200, answer: '1' }], onPass: (pass) => void (pass === 20 && leaving.abort(new Error('gone'))) },
    );
    const result = streamText({ model, ...plain, abortSignal: leaving.signal, onError: () => undefined });
    const parts = await partsOf(result.stream);
    expect(parts.at(-1)!.type).toBe('abort');
    expect(passes()).toBeLessThan(40);
  });

  test('an abort in the moment the run ends leaves no stream open', async () => {
    const leaving = new AbortController();
    const strategy: Strategy = {
      name: 'late',
      async run(request) {
        const result = await SINGLE.run(request);
        leaving.abort(new Error('gone'));
        return result;
      },
    };
    const { model: tts } = await openModel({ strategy });
    const { stream } = await tts.doStream(callOf({ abortSignal: leaving.signal }));
    const reader = stream.getReader();
    const readAll = async (): Promise<void> => {
      while (!(await reader.read()).done);
    };
    await expect(readAll()).rejects.toThrow('gone');
  });

  test('a reader that leaves ends the run', async () => {
    const plans: readonly Plan[] = [{ steps: 300, answer: '1' }];
    const ended: unknown[] = [];
    const {
      model,
      passes,
      model: tts,
    } = await openModel({ strategy: SINGLE, onRun: (events) => events.on('run-end', () => ended.push('run-end')) }, { ...slow, plans });
    const { stream } = await model.doStream(callOf());
    const reader = stream.getReader();
    while ((await reader.read()).value?.type !== 'text-delta');
    await reader.cancel();
    await new Promise((resolve) => setImmediate(resolve));
    const after = passes();
    await tts.doGenerate(callOf({ maxOutputTokens: 1 }));
    expect(after).toBeLessThan(300);
    expect(ended).toEqual(['run-end']);
  });

  test('bad input rejects the call; a failing run is an error part', async () => {
    const { model, passes } = await openModel({ strategy: SINGLE }, { fault: (solution) => (solution === '' ? undefined : new Error('broken')) });
    for (const wrong of [{ seed: -1 }, { temperature: -1 }, { maxOutputTokens: 0 }, { stopSequences: [''] }]) {
      await expect(model.doStream(callOf(wrong))).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION' });
    }
    expect(passes()).toBe(0);
    const errors: unknown[] = [];
    const result = streamText({ model, ...plain, onError: ({ error }) => void errors.push(error) });
    const parts = await partsOf(result.stream);
    expect(errors).toEqual([expect.objectContaining({ code: 'LTTS_NO_CANDIDATE' })]);
    expect(parts.map(({ type }) => type)).toContain('error');
  });
});

describe('the model', () => {
  test('can be wrapped', async () => {
    const expected = await expectedOf(VOTE);
    const { model } = await openModel();
    const wrapped = wrapLanguageModel({ model, middleware: simulateStreamingMiddleware() });
    expect((await generateText({ model: wrapped, ...plain })).text).toBe(expected.text);
    expect(await streamText({ model: wrapped, ...plain }).text).toBe(expected.text);
  });

  test('is of specification v3 where asked for', async () => {
    const expected = await expectedOf(VOTE);
    const { engine, clock } = await openSolver();
    const model = latencyTts({ engine, clock, strategy: VOTE, specification: 'v3' });
    expect(model.specificationVersion).toBe('v3');
    const { text, usage } = await generateText({ model, ...plain });
    expect([text, usage.outputTokens]).toEqual([expected.text, expected.usage.completionTokens]);
  });

  test.each([
    [{ engine: undefined }, 'engine'],
    [{ strategy: {} }, 'strategy'],
    [{ deadlineMs: -1 }, 'deadlineMs'],
    [{ specification: 'v2' }, 'specification'],
  ])('made of %j is refused', async (wrong, option) => {
    const { engine } = await openSolver();
    expect(() => latencyTts({ engine, ...wrong } as LatencyTtsOptions)).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option }));
  });

  test('is made by name by a provider, also in a registry', async () => {
    const expected = await expectedOf(VOTE);
    const { engine, clock } = await openSolver();
    const tts = createLatencyTts({ engine, clock, strategies: { careful: VOTE, fast: SINGLE } });
    const { text, response } = await generateText({ model: tts('careful'), ...plain });
    expect([text, response.modelId]).toEqual([expected.text, 'careful']);
    const registry = createProviderRegistry({ tts });
    expect((await generateText({ model: registry.languageModel('tts:careful'), ...plain })).text).toBe(expected.text);
    expect(() => tts('careless')).toThrow(expect.objectContaining({ option: 'modelId' }));
    expect(() => tts.imageModel('careful')).toThrow(expect.objectContaining({ option: 'modelId' }));
  });

  test('answers on the bundled model', async () => {
    const { target } = await bundledModels();
    const engine = new Decoder({ model: target });
    const model = packagedLatencyTts({ engine, strategy: new PackagedSelfConsistency({ branches: 4 }) });
    const prompt = 'Ben has 12 coins. He finds 30 coins. How many coins does Ben have now?';
    const { providerMetadata, text } = await generateText({ model, prompt });
    expect(providerMetadata!['latencyTts']).toMatchObject({ answer: '42' });
    const streamed = streamText({ model: packagedLatencyTts({ engine, strategy: new PackagedSelfConsistency({ branches: 1 }) }), prompt, temperature: 0 });
    expect(await streamed.text).toContain('42');
    expect(text).toContain('42');
    await engine.dispose();
  });
});
