/** Strategies as chat models of LangChain.js, through the real package. */
import { AIMessage, type AIMessageChunk, ChatMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { StringOutputParser } from '@langchain/core/output_parsers';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { describe, expect, test } from 'vitest';
import { ChatLatencyTts, type ChatLatencyTtsMetadata, type ChatLatencyTtsOptions } from '../../src/adapters/langchain/index.ts';
import { FirstFinish } from '../../src/strategies/first-finish.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import { openSolver, PLANS, solutionOf, type SolverOptions } from '../strategies/solver.ts';

const PROMPT = 'how many?';
const VOTE = new SelfConsistency({ branches: 5 });
const SINGLE = new SelfConsistency({ branches: 1 });
/** Deltas of one branch come at most every 50 ms. */
const SLOW: SolverOptions = { stepMs: () => 60 };

async function openModel(options: Partial<ChatLatencyTtsOptions> = {}, solverOptions: SolverOptions = {}) {
  const solver = await openSolver(solverOptions);
  return { ...solver, model: new ChatLatencyTts({ engine: solver.engine, clock: solver.clock, strategy: VOTE, seed: 3, maxRetries: 0, ...options }) };
}

async function expectedOf(strategy: SelfConsistency | FirstFinish, seed = 3) {
  const { engine, clock } = await openSolver();
  return strategy.run({ engine, clock, prompt: PROMPT, seed });
}

const reportOf = (message: AIMessage | AIMessageChunk): ChatLatencyTtsMetadata['latencyTts'] =>
  (message.response_metadata as ChatLatencyTtsMetadata).latencyTts;

describe('invoke', () => {
  test('returns the strategy’s text, with its report', async () => {
    const expected = await expectedOf(VOTE);
    const { model } = await openModel();
    const message = await model.invoke(PROMPT);
    expect(message.content).toBe(expected.text);
    expect(message.usage_metadata).toMatchObject({ input_tokens: expected.usage.promptTokens, output_tokens: expected.usage.completionTokens });
    expect(message.response_metadata).toMatchObject({ model_name: 'scripted', finish_reason: 'end' });
    expect(reportOf(message)).toMatchObject({ strategy: 'self-consistency', answer: expected.answer, confidence: expected.confidence });
    expect(reportOf(message).branches).toHaveLength(expected.branches.length);
  });

  test('works in a chain', async () => {
    const expected = await expectedOf(VOTE);
    const { model } = await openModel();
    const chain = ChatPromptTemplate.fromMessages([['human', 'how {what}?']])
      .pipe(model)
      .pipe(new StringOutputParser());
    expect(await chain.invoke({ what: 'many' })).toBe(expected.text);
    expect(await chain.batch([{ what: 'many' }, { what: 'many' }])).toEqual([expected.text, expected.text]);
  });

  test('options of the call take the place of the model’s', async () => {
    const first = new FirstFinish({ branches: 3 });
    const expected = await expectedOf(first, 5);
    const { model } = await openModel();
    const message = await model.invoke(PROMPT, { strategy: first, seed: 5, deadlineMs: 5_000 });
    expect(message.content).toBe(expected.text);
    expect(reportOf(message)).toMatchObject({ strategy: 'first-finish', timing: { deadlineMs: 5_000 } });
    const bound = model.withConfig({ strategy: SINGLE, sampling: { temperature: 0 }, stop: ['####'] });
    expect((await bound.invoke(PROMPT)).content).toBe(solutionOf(PLANS, 0).split('####')[0]);
    const cut = await model.invoke(PROMPT, { strategy: new SelfConsistency({ branches: 1, forcedAnswer: false }), sampling: { topK: 1 }, maxTokens: 3 });
    expect([cut.content, cut.response_metadata['finish_reason']]).toEqual([solutionOf(PLANS, 0).slice(0, 3), 'length']);
  });

  test('passes a conversation on as text, and refuses what is not', async () => {
    const prompts: unknown[] = [];
    const { model, engine, passes } = await openModel();
    const open = engine.open.bind(engine);
    engine.open = (prompt, options) => {
      prompts.push(prompt);
      return open(prompt, options);
    };
    await model.invoke([
      new SystemMessage('brief'),
      new HumanMessage([{ type: 'text', text: 'one' }]),
      new AIMessage('two'),
      new ChatMessage('three?', 'user'),
    ]);
    expect(prompts).toEqual([
      [
        { role: 'system', content: 'brief' },
        { role: 'user', content: 'one' },
        { role: 'assistant', content: 'two' },
        { role: 'user', content: 'three?' },
      ],
    ]);
    const before = passes();
    const image = new HumanMessage([{ type: 'image_url', image_url: { url: 'data:' } }]);
    for (const message of [image, new ToolMessage({ content: '4', tool_call_id: '1' })]) {
      await expect(model.invoke([message])).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION', option: 'messages' });
    }
    expect(passes()).toBe(before);
  });

  test('an abort ends the run', async () => {
    const leaving = new AbortController();
    const { model, passes } = await openModel(
      {},
      { plans: [{ steps: 300, answer: '1' }], onPass: (pass) => void (pass === 4 && leaving.abort(new Error('gone'))) },
    );
    await expect(model.invoke(PROMPT, { signal: leaving.signal })).rejects.toThrow('gone');
    expect(passes()).toBeLessThan(20);
  });

  test('wrong options are refused', async () => {
    const { model, engine, passes } = await openModel();
    for (const wrong of [{ deadlineMs: 0 }, { seed: 0.5 }, { maxTokens: 0 }, { sampling: { temperature: -1 } }]) {
      await expect(model.invoke(PROMPT, wrong)).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION' });
    }
    expect(passes()).toBe(0);
    expect(() => new ChatLatencyTts({ engine, deadlineMs: -1 })).toThrow(expect.objectContaining({ option: 'deadlineMs' }));
  });
});

describe('stream', () => {
  test('gives the text of a single branch while it grows, then the report', async () => {
    const expected = await expectedOf(SINGLE);
    const { model } = await openModel({ strategy: SINGLE }, SLOW);
    const chunks: AIMessageChunk[] = [];
    for await (const chunk of await model.stream(PROMPT)) chunks.push(chunk);
    expect(chunks.filter(({ content }) => content !== '').length).toBeGreaterThan(3);
    const whole = chunks.reduce((left, right) => left.concat(right));
    expect(whole.content).toBe(expected.text);
    expect(whole.usage_metadata).toMatchObject({ output_tokens: expected.usage.completionTokens });
    expect(reportOf(whole)).toMatchObject({ answer: expected.answer });
  });

  test('gives the text of several branches in one piece', async () => {
    const expected = await expectedOf(VOTE);
    const { model } = await openModel({}, SLOW);
    const texts: unknown[] = [];
    for await (const { content } of await model.stream(PROMPT)) if (content !== '') texts.push(content);
    expect(texts).toEqual([expected.text]);
  });

  test('a reader that leaves ends the run', async () => {
    const { model, passes } = await openModel({ strategy: SINGLE }, { ...SLOW, plans: [{ steps: 300, answer: '1' }] });
    for await (const { content } of await model.stream(PROMPT)) if (content !== '') break;
    const left = passes();
    await new Promise((resolve) => setImmediate(resolve));
    expect(passes()).toBeLessThanOrEqual(left + 2);
    expect(left).toBeLessThan(300);
  });

  test('a failing run rejects the reader', async () => {
    const { model } = await openModel({}, { fault: (solution) => (solution === '' ? undefined : new Error('broken')) });
    await expect(model.stream(PROMPT).then((stream) => stream.getReader().read())).rejects.toMatchObject({ code: 'LTTS_NO_CANDIDATE' });
  });
});

test('it binds no tools, and says so', async () => {
  const { model } = await openModel();
  expect(model.bindTools).toBeUndefined();
});
