/** Replies of the handler on scripted engines and a virtual clock. */
import { describe, expect, test, vi } from 'vitest';
import { createHandler, type HandlerOptions, type ServeHandler } from '../../src/serve/handler.ts';
import type { StrategyCall } from '../../src/serve/served-model.ts';
import { standardStrategies } from '../../src/serve/standard-strategies.ts';
import { SelfConsistency } from '../../src/strategies/self-consistency.ts';
import type { EngineCapabilities } from '../../src/contracts/engine.ts';
import type { StepScorer } from '../../src/contracts/scorer.ts';
import { ChatTemplateError, ServerError } from '../../src/errors.ts';
import { characterTokenizer } from '../../src/testing/character-tokenizer.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { ScriptedStepScorer } from '../strategies/scripted-scorer.ts';
import { openSolver, PLANS, solutionOf, type Solver, type SolverOptions } from '../strategies/solver.ts';
import { CHAT, chat, errorOf, post, TEXT } from './calls.ts';
import { GatedEngine } from './gated-engine.ts';

const messages = [{ role: 'user', content: 'how many?' }];
const request = { model: 'solver', messages };
const SOLUTIONS = PLANS.map((_, index) => solutionOf(PLANS, index));
/** As the solver's own. */
const tokenizer = characterTokenizer('abcdefghijklmnopqrstuvwxyz\n #0123456789.?', '\n#### ');
const scorer = new ScriptedStepScorer({ steps: ({ text }) => [text.includes('256') ? 0.9 : 0.1] });

interface Subject extends Solver {
  readonly handler: ServeHandler;
}

async function serveSolver(options: Partial<HandlerOptions> = {}, solving: SolverOptions = {}): Promise<Subject> {
  const solver = await openSolver(solving);
  const models = { solver: { engine: solver.engine, tokenizer, strategies: standardStrategies({ scorer }) } };
  return { ...solver, handler: createHandler({ models, clock: solver.clock, newId: () => '1', ...options }) };
}

describe('plain sampling', () => {
  test('replies as OpenAI does, with what the library knows beside it', async () => {
    const { handler } = await serveSolver();
    const reply = await chat(handler, { ...request, seed: 7 });
    expect(reply).toMatchObject({ id: 'chatcmpl-1', object: 'chat.completion', model: 'solver' });
    expect(reply.choices).toHaveLength(1);
    const [choice] = reply.choices;
    expect(SOLUTIONS).toContain(choice!.message.content);
    expect(choice).toMatchObject({ index: 0, message: { role: 'assistant' }, logprobs: null, finish_reason: 'stop', stop_reason: null });
    const tokens = choice!.message.content.length + 1;
    expect(reply.usage).toEqual({
      prompt_tokens: 9,
      completion_tokens: tokens,
      total_tokens: 9 + tokens,
      prompt_tokens_details: { cached_tokens: 0 },
    });
    expect(reply.latency_tts).toMatchObject({ strategy: 'single', seed: 7, stop_reason: 'completed' });
    expect(reply.latency_tts.branches).toMatchObject([{ branch: 0, finish: 'end', token_count: tokens }]);
    expect(reply.latency_tts.timing).toMatchObject({ deadline_ms: null, queued_ms: 0 });
    expect(reply.latency_tts.timing.total_ms).toBeGreaterThan(0);
  });

  test('a scorer is loaded with the engine, and the standard strategies go by it', async () => {
    const solver = await openSolver();
    let loads = 0;
    const loading: StepScorer = {
      name: 'loading',
      kind: 'step',
      score: (...call) => scorer.score(...call),
      ready: async () => void loads++,
      dispose: () => scorer.dispose(),
    };
    const handler = createHandler({
      models: { solver: { engine: solver.engine, scorer: loading, defaultStrategy: { name: 'best-of-n' } } },
      clock: solver.clock,
    });
    await handler.ready();
    expect(loads).toBe(1);
    expect((await chat(handler, request)).latency_tts.strategy).toBe('best-of-n');
  });

  test('a seed fixes the text; without one each request has its own', async () => {
    const { handler } = await serveSolver({ seed: 5 });
    const seeds: number[] = [];
    const texts = new Set<string>();
    for (let count = 0; count < 12; count++) {
      const { choices, latency_tts } = await chat(handler, request);
      seeds.push(latency_tts.seed);
      texts.add(choices[0]!.message.content);
      expect((await chat(handler, { ...request, seed: latency_tts.seed })).choices[0]!.message.content).toBe(choices[0]!.message.content);
    }
    expect(seeds).toEqual(Array.from({ length: 12 }, (_, index) => 5 + index));
    expect(texts.size).toBeGreaterThan(2);
  });

  test('n choices are branches of one prompt, all counted', async () => {
    const { handler, promptTokens } = await serveSolver();
    const { choices, usage } = await chat(handler, { ...request, n: 4 });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(usage.completion_tokens).toBe(choices.reduce((sum, { message }) => sum + message.content.length + 1, 0));
    expect(promptTokens()).toBe(9);
  });

  test('a stop string ends the text and is left out, or kept where that is asked for', async () => {
    const { handler } = await serveSolver();
    const whole = (await chat(handler, { ...request, seed: 3 })).choices[0]!.message.content;
    const cut = await chat(handler, { ...request, seed: 3, stop: ['\n##', 'never'] });
    expect(cut.choices[0]).toMatchObject({ message: { content: whole.slice(0, whole.indexOf('\n')) }, finish_reason: 'stop', stop_reason: '\n##' });
    const kept = await chat(handler, { ...request, seed: 3, stop: '\n##', include_stop_str_in_output: true });
    expect(kept.choices[0]!.message.content).toBe(whole.slice(0, whole.indexOf('\n') + 3));
  });

  test.each(['max_tokens', 'max_completion_tokens'])('%s ends the text', async (field) => {
    const { handler } = await serveSolver();
    const { choices } = await chat(handler, { ...request, [field]: 3 });
    expect(choices[0]!.message.content).toHaveLength(3);
    expect(choices[0]!.finish_reason).toBe('length');
  });

  test('the host bounds tokens, also of requests that name no number', async () => {
    const { handler } = await serveSolver({ maxTokens: 4 });
    for (const asked of [{}, { max_tokens: 100 }]) {
      expect((await chat(handler, { ...request, ...asked })).choices[0]!.message.content).toHaveLength(4);
    }
  });

  test('sampling options reach the engine', async () => {
    const engine = new GatedEngine();
    const handler = createHandler({ models: { gated: { engine } } });
    const replying = chat(handler, { model: 'gated', messages, temperature: 0.5, top_p: 0.9, top_k: 5, min_p: 0.1, repetition_penalty: 1.2, seed: 4 });
    await engine.reached(1);
    engine.release();
    await replying;
    expect(engine.options[0]).toMatchObject({ seed: 4, sampling: { temperature: 0.5, topP: 0.9, topK: 5, minP: 0.1, repetitionPenalty: 1.2 } });
  });

  test('messages reach the engine as a prompt whose last message of the assistant is continued', async () => {
    const engine = new GatedEngine();
    const handler = createHandler({ models: { gated: { engine } } });
    const conversation = [
      { role: 'developer', content: 'be brief' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'how ' },
          { type: 'text', text: 'many?' },
        ],
      },
      { role: 'assistant', content: 'it is' },
    ];
    const replying = chat(handler, { model: 'gated', messages: conversation, continue_final_message: true, add_generation_prompt: false });
    await engine.reached(1);
    engine.release(' 4');
    expect((await replying).choices[0]!.message.content).toBe(' 4');
    expect(engine.prompts[0]).toEqual([
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'how many?' },
      { role: 'assistant', content: 'it is' },
    ]);
  });

  test('a choice that fails is left out, reported, and sinks no other', async () => {
    const engine = new GatedEngine();
    const handler = createHandler({ models: { gated: { engine } } });
    const replying = chat(handler, { model: 'gated', messages, n: 2 });
    await engine.reached(2);
    engine.release(new Error('as planned'));
    engine.release('fine');
    const { choices, latency_tts } = await replying;
    expect(choices).toMatchObject([{ index: 1, message: { content: 'fine' } }]);
    expect(latency_tts.branches).toMatchObject([{ finish: 'failed', error: 'as planned' }, { finish: 'end' }]);
    expect(latency_tts.warnings).toEqual(['1 of 2 branches failed: as planned.']);
  });

  test.each([[1, ['1 of 3 branches failed: as planned.']] as const, [0, undefined] as const])(
    'a strategy with %i branches that fail',
    async (failing, warnings) => {
      const engine = new GatedEngine();
      const handler = createHandler({ models: { gated: { engine, strategies: standardStrategies() } } });
      const strategy = { name: 'self-consistency', options: { branches: 3 } };
      const replying = chat(handler, { model: 'gated', messages, strategy });
      await engine.reached(3);
      for (let branch = 0; branch < 3; branch++) engine.release(branch < failing ? new Error('as planned') : 'It is 4.');
      const { latency_tts } = await replying;
      expect([latency_tts.answer, latency_tts.warnings]).toEqual(['4', warnings]);
    },
  );

  test('where all fail the client is told that, and not why where that is no message of this library', async () => {
    const engine = new GatedEngine();
    const records: unknown[] = [];
    const handler = createHandler({ models: { gated: { engine } }, onRequest: ({ error }) => records.push(error) });
    const replying = post(handler, CHAT, { model: 'gated', messages });
    await engine.reached(1);
    engine.release(new Error('secret path'));
    expect(await errorOf(await replying)).toMatchObject({ status: 500, type: 'server_error' });
    expect(records).toHaveLength(1);
    expect(engine.openSessions).toBe(0);
  });
});

describe('a server behind the engine', () => {
  test.each([
    [new ServerError('rate-limit', 'Too many.', { retryAfterMs: 2500 }), 503, '3'],
    [new ServerError('timeout', 'No token.'), 504, null],
    [new ServerError('authentication', 'Another key.', { status: 401 }), 502, null],
    [new ServerError('connect', 'Nobody there.'), 502, null],
  ])('has its trouble told as such: %s', async (failure, status, retryAfter) => {
    const engine = new GatedEngine();
    const handler = createHandler({ models: { gated: { engine } } });
    const replying = post(handler, CHAT, { model: 'gated', messages });
    await engine.reached(1);
    engine.release(failure);
    const response = await replying;
    expect(response.headers.get('retry-after')).toBe(retryAfter);
    expect(await errorOf(response)).toMatchObject({ status, code: 'upstream_failed', message: failure.message });
  });
});

describe('close', () => {
  test('waits for work, and a shorter grace of a later call counts', async () => {
    const engine = new GatedEngine();
    const clock = new ManualClock();
    const handler = createHandler({ models: { gated: { engine } }, clock });
    const replying = post(handler, CHAT, { model: 'gated', messages });
    await engine.reached(1);
    const patient = handler.close({ graceMs: 1000 });
    expect(await errorOf(await post(handler, CHAT, { model: 'gated', messages }))).toMatchObject({ status: 503, code: 'shutting_down' });
    const hasty = handler.close({ graceMs: 10 });
    clock.advance(10);
    await hasty;
    expect(await errorOf(await replying)).toMatchObject({ status: 503, code: 'shutting_down' });
    await patient;
    expect(engine.openSessions).toBe(0);
    await expect(handler.close({ graceMs: -1 })).rejects.toThrow('graceMs');
  });
});

describe('log-probabilities', () => {
  test('name every token of a chat reply', async () => {
    const { handler } = await serveSolver();
    const { choices } = await chat(handler, { ...request, logprobs: true, stop: '#' });
    const { message, logprobs } = choices[0]!;
    expect(logprobs!.content.map(({ token }) => token).join('')).toBe(message.content);
    expect(logprobs!.content[0]!.logprob).toBeCloseTo(Math.log(1 / PLANS.length), 5);
    expect(logprobs!.content[0]!.bytes).toEqual([message.content.charCodeAt(0)]);
  });

  test('name every token of a completion, with its place', async () => {
    const { handler } = await serveSolver();
    const response = await post(handler, TEXT, { model: 'solver', prompt: 'how many?', logprobs: 0 });
    const { choices, object } = (await response.json()) as {
      object: string;
      choices: { text: string; logprobs: { tokens: string[]; token_logprobs: number[]; text_offset: number[] } }[];
    };
    expect(object).toBe('text_completion');
    const { text, logprobs } = choices[0]!;
    expect(SOLUTIONS).toContain(text);
    expect(logprobs.tokens.join('')).toBe(text);
    expect(logprobs.text_offset).toEqual(logprobs.tokens.map((_, index) => index));
    expect(logprobs.token_logprobs).toHaveLength(text.length);
  });

  test('have ids beside them where those are asked for', async () => {
    const { handler } = await serveSolver();
    const { choices } = await chat(handler, { ...request, return_token_ids: true, stop: '#' });
    const { message, logprobs, token_ids } = choices[0]! as (typeof choices)[0] & { readonly token_ids: readonly number[] };
    expect(logprobs).toBeNull();
    expect(tokenizer.decode(token_ids)).toBe(message.content);
    expect((await chat(handler, request)).choices[0]).not.toHaveProperty('token_ids');
  });

  test('have the likeliest tokens beside them where those are asked for, by text or by id', async () => {
    const { handler } = await serveSolver();
    const { choices } = await chat(handler, { ...request, logprobs: true, top_logprobs: 3, stop: '#' });
    const { content } = choices[0]!.logprobs!;
    for (const { top_logprobs: top } of content) {
      expect(top).toHaveLength(3);
      expect(top.map(({ logprob }) => logprob)).toEqual(top.map(({ logprob }) => logprob).sort((left, right) => right - left));
    }
    // The plans begin with several words, each as likely as the others.
    const [first] = content;
    expect(first!.top_logprobs[0]!.logprob).toBeCloseTo(first!.logprob, 5);
    const byId = (await chat(handler, { ...request, seed: 0, logprobs: true, top_logprobs: 3, stop: '#', return_tokens_as_token_ids: true })).choices[0]!
      .logprobs!;
    for (const [index, { token, bytes, top_logprobs: top }] of byId.content.entries()) {
      const idOf = (name: string): number => Number(/^token_id:(\d+)$/.exec(name)![1]);
      expect(tokenizer.decode([idOf(token)])).toBe(content[index]!.token);
      expect(bytes).toEqual(content[index]!.bytes);
      expect(top.map((one) => tokenizer.decode([idOf(one.token)]))).toEqual(content[index]!.top_logprobs.map((one) => one.token));
    }
  });

  test('of a completion hold the token that was drawn beside the likeliest', async () => {
    const { handler } = await serveSolver();
    const response = await post(handler, TEXT, { model: 'solver', prompt: 'how many?', logprobs: 1 });
    const { choices } = (await response.json()) as {
      choices: { logprobs: { tokens: string[]; token_logprobs: number[]; top_logprobs: Record<string, number>[] } }[];
    };
    const { tokens, token_logprobs, top_logprobs } = choices[0]!.logprobs;
    for (const [index, likeliest] of top_logprobs.entries()) {
      expect(Object.keys(likeliest).length).toBeLessThanOrEqual(2);
      expect(likeliest[tokens[index]!]).toBe(token_logprobs[index]);
      expect(Math.max(...Object.values(likeliest))).toBeGreaterThanOrEqual(token_logprobs[index]!);
    }
  });

  test.each<[EngineCapabilities, number]>([
    [{ tokenIds: true, logprobs: true, topLogprobs: 5, topTokens: true, selfCertainty: false, tokenCounts: 'exact' }, 5],
    [{ tokenIds: true, logprobs: true, topLogprobs: 5, topTokens: false, selfCertainty: false, tokenCounts: 'exact' }, 0],
    [{ tokenIds: true, logprobs: false, topLogprobs: 0, topTokens: false, selfCertainty: false, tokenCounts: 'exact' }, 0],
  ])('tell as many of the likeliest as the engine has names for: %j', async (capabilities, most) => {
    const engine = Object.assign(new GatedEngine(), { capabilities });
    const handler = createHandler({ models: { solver: { engine, tokenizer } } });
    const model = (await (await handler.fetch(new Request('http://localhost/v1/models/solver'))).json()) as object;
    expect(model).toMatchObject({ latency_tts: { logprobs: capabilities.logprobs, top_logprobs: most } });
    const refused = await errorOf(await post(handler, CHAT, { ...request, logprobs: true, top_logprobs: most + 1 }));
    expect(refused).toMatchObject({ status: 400, param: capabilities.logprobs ? 'top_logprobs' : 'logprobs', code: 'unsupported_parameter' });
  });

  test('are refused where nothing names tokens', async () => {
    const { engine } = await openSolver();
    const handler = createHandler({ models: { solver: { engine } } });
    expect(await errorOf(await post(handler, CHAT, { ...request, logprobs: true }))).toMatchObject({
      status: 400,
      param: 'logprobs',
      code: 'unsupported_parameter',
    });
  });
});

describe('strategies', () => {
  test('self-consistency replies with the winner, and with every vote and branch', async () => {
    const { handler } = await serveSolver();
    const { choices, usage, latency_tts } = await chat(handler, {
      ...request,
      strategy: { name: 'self-consistency', options: { branches: 12, earlyDecision: 'none' } },
    });
    const { votes, branches, answer } = latency_tts;
    expect(branches).toHaveLength(12);
    expect(answer).toBe(votes![0]!.answer);
    expect(choices[0]!.message.content.endsWith(answer!)).toBe(true);
    expect(votes!.flatMap(({ voters }) => voters).sort((left, right) => left - right)).toEqual(branches.map(({ branch }) => branch));
    expect(usage.completion_tokens).toBe(branches.reduce((sum, { token_count }) => sum + token_count, 0));
    expect(latency_tts.confidence).toBeCloseTo(votes![0]!.voters.length / 12, 10);
  });

  test('those that need a reward model have it', async () => {
    const { handler } = await serveSolver();
    const { latency_tts } = await chat(handler, { ...request, strategy: { name: 'best-of-n', options: { branches: 32 } } });
    expect(latency_tts).toMatchObject({ strategy: 'best-of-n', answer: '256' });
    const search = await chat(handler, { ...request, strategy: { name: 'beam-search', options: { beams: 4, width: 2 } } });
    expect(search.latency_tts.strategy).toBe('beam-search');
  });

  test('and are not offered without one', async () => {
    const { engine } = await openSolver();
    const handler = createHandler({ models: { solver: { engine } } });
    const error = await errorOf(await post(handler, CHAT, { ...request, strategy: 'beam-search' }));
    expect(error).toMatchObject({ status: 400, param: 'strategy' });
    expect(error.message).toContain('self-consistency');
  });

  test('the body goes before the header, the header before the default', async () => {
    const { engine, clock } = await openSolver();
    const strategies = standardStrategies();
    const handler = createHandler({ models: { solver: { engine, strategies, defaultStrategy: { name: 'first-finish', options: { branches: 2 } } } }, clock });
    const strategyOf = async (body: object, headers: Record<string, string>): Promise<string> =>
      (await chat(handler, { ...request, ...body }, { headers })).latency_tts.strategy;
    expect(await strategyOf({}, {})).toBe('first-finish');
    expect(await strategyOf({}, { 'x-strategy': 'single' })).toBe('single');
    expect(await strategyOf({ strategy: 'self-consistency' }, { 'x-strategy': 'single' })).toBe('self-consistency');
  });

  test('a strategy of the host runs as it is, and takes no options', async () => {
    const { engine, clock } = await openSolver();
    const handler = createHandler({ models: { solver: { engine, strategies: { careful: new SelfConsistency({ branches: 3 }) } } }, clock });
    expect((await chat(handler, { ...request, strategy: 'careful' })).latency_tts.branches).toHaveLength(3);
    for (const body of [{ strategy: { name: 'careful', options: { branches: 4 } } }, { strategy: 'careful', temperature: 0.3 }]) {
      expect(await errorOf(await post(handler, CHAT, { ...request, ...body }))).toMatchObject({ status: 400, code: 'unsupported_parameter' });
    }
  });

  test('a maker of the host is told what the request asks', async () => {
    const { engine, clock } = await openSolver();
    const calls: StrategyCall[] = [];
    const create = (call: StrategyCall): SelfConsistency => {
      calls.push(call);
      return new SelfConsistency({ branches: 2 });
    };
    const handler = createHandler({ models: { solver: { engine, strategies: { planned: { create } } } }, clock });
    await chat(handler, { ...request, strategy: { name: 'planned', options: { any: 1 } }, deadline_ms: 900, max_tokens: 50, temperature: 0.5 });
    await chat(handler, { ...request, strategy: 'planned' });
    expect(calls).toEqual([
      { options: { any: 1 }, maxTokens: 50, sampling: { temperature: 0.5 }, deadlineMs: 900 },
      { options: {}, maxTokens: undefined, sampling: {}, deadlineMs: Infinity },
    ]);
  });

  test('texts of all branches come where they are asked for', async () => {
    const { handler } = await serveSolver();
    const body = { ...request, strategy: { name: 'self-consistency', options: { branches: 2 } } };
    expect((await chat(handler, body)).latency_tts.branches[0]).not.toHaveProperty('text');
    const { branches } = (await chat(handler, { ...body, include_branch_text: true })).latency_tts;
    for (const { text } of branches) expect(SOLUTIONS.some((solution) => solution.startsWith(text!))).toBe(true);
  });
});

describe('deadlines', () => {
  const voting = { strategy: { name: 'self-consistency', options: { branches: 8, earlyDecision: 'none' } } };

  test('end a run with what there is', async () => {
    const { handler } = await serveSolver({ maxTokens: 60 });
    const { latency_tts } = await chat(handler, { ...request, ...voting, deadline_ms: 220, seed: 1 });
    expect(latency_tts.stop_reason).toBe('deadline');
    expect(latency_tts.answer).not.toBeNull();
    expect(latency_tts.timing.total_ms).toBeLessThanOrEqual(220);
    expect(latency_tts.timing.deadline_ms).toBe(220);
  });

  test('cut plain sampling, which says so', async () => {
    const { handler } = await serveSolver();
    const { choices, latency_tts } = await chat(handler, { ...request, deadline_ms: 55 });
    expect(choices[0]!.finish_reason).toBe('length');
    expect(latency_tts.stop_reason).toBe('deadline');
    expect(choices[0]!.message.content.length).toBeGreaterThan(0);
  });

  test('come from the body, else the header, else the host, and are bounded by it', async () => {
    const { handler } = await serveSolver({ defaultDeadlineMs: 4000, maxDeadlineMs: 5000 });
    const deadlineOf = async (body: object, headers: Record<string, string> = {}): Promise<number | null> =>
      (await chat(handler, { ...request, ...body }, { headers })).latency_tts.timing.deadline_ms;
    expect(await deadlineOf({})).toBe(4000);
    expect(await deadlineOf({}, { 'x-deadline-ms': '3000' })).toBe(3000);
    expect(await deadlineOf({ deadline_ms: 2000 }, { 'x-deadline-ms': '3000' })).toBe(2000);
    expect(await deadlineOf({ deadline_ms: 1e9 })).toBe(5000);
  });

  test.each(['0', '-1', 'soon', ''])('a header of %j is refused', async (header) => {
    const { handler } = await serveSolver();
    const response = await post(handler, CHAT, request, { headers: { 'x-deadline-ms': header } });
    expect(await errorOf(response)).toMatchObject({ status: 400, param: 'X-Deadline-Ms' });
  });

  test('that leave no time for anything get an error of their own', async () => {
    const { handler } = await serveSolver({}, { stepMs: () => 500 });
    const response = await post(handler, CHAT, { ...request, ...voting, deadline_ms: 100 });
    expect(await errorOf(response)).toMatchObject({ status: 504, code: 'deadline_exceeded' });
  });
});

describe('bad requests', () => {
  test.each<[string, object, string, string?]>([
    ['no model', { model: undefined }, 'model'],
    ['no messages', { messages: undefined }, 'messages'],
    ['an empty conversation', { messages: [] }, 'messages'],
    ['an unknown role', { messages: [{ role: 'tool', content: 'x' }] }, 'messages.0.role'],
    ['a picture', { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] }, 'messages.0.content.0.type'],
    ['a content of null', { messages: [{ role: 'user', content: null }] }, 'messages.0.content'],
    ['empty messages', { messages: [{ role: 'user', content: ' ' }], strategy: 'self-consistency' }, 'prompt'],
    ['a temperature above 2', { temperature: 3 }, 'temperature'],
    ['a top_p of 0', { top_p: 0 }, 'top_p'],
    ['no choice', { n: 0 }, 'n'],
    ['half a choice', { n: 1.5 }, 'n'],
    ['too many choices', { n: 100 }, 'n'],
    ['a negative seed', { seed: -1 }, 'seed'],
    ['no tokens', { max_tokens: 0 }, 'max_tokens'],
    ['an empty stop string', { stop: ['x', ''] }, 'stop.1'],
    ['a stop that is no text', { stop: 5 }, 'stop'],
    ['a deadline of 0', { deadline_ms: 0 }, 'deadline_ms'],
    ['a deadline that is text', { deadline_ms: '5' }, 'deadline_ms'],
    ['an unknown strategy', { strategy: 'luck' }, 'strategy'],
    ['a strategy without a name', { strategy: { options: {} } }, 'strategy.name'],
    ['a strategy that is a name of Object', { strategy: 'toString' }, 'strategy'],
    ['an unknown option', { strategy: { name: 'self-consistency', options: { branchs: 4 } } }, 'strategy.options.branchs'],
    ['an option of another type', { strategy: { name: 'self-consistency', options: { branches: '4' } } }, 'strategy.options.branches'],
    ['an option out of range', { strategy: { name: 'self-consistency', options: { branches: 0 } } }, 'strategy.options.branches'],
    ['more branches than are offered', { strategy: { name: 'self-consistency', options: { branches: 65 } } }, 'strategy.options.branches'],
    ['options of plain sampling', { strategy: { name: 'single', options: { branches: 2 } } }, 'strategy.options'],
    ['a penalty', { presence_penalty: 1 }, 'presence_penalty', 'unsupported_parameter'],
    ['biases', { logit_bias: { 5: 1 } }, 'logit_bias', 'unsupported_parameter'],
    ['tools', { tools: [{}] }, 'tools', 'unsupported_parameter'],
    ['JSON mode', { response_format: { type: 'json_object' } }, 'response_format', 'unsupported_parameter'],
    ['likeliest tokens without log-probabilities', { top_logprobs: 2 }, 'top_logprobs'],
    ['more of the likeliest tokens than are told', { logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
    ['several choices of a vote', { n: 2, strategy: 'self-consistency' }, 'n', 'unsupported_parameter'],
    ['likeliest tokens of a vote', { logprobs: true, top_logprobs: 2, strategy: 'self-consistency' }, 'logprobs', 'unsupported_parameter'],
    ['ids of a vote', { return_token_ids: true, strategy: 'self-consistency' }, 'return_token_ids', 'unsupported_parameter'],
    ['log-probabilities of a vote', { logprobs: true, strategy: 'self-consistency' }, 'logprobs', 'unsupported_parameter'],
    ['a continuation of the user', { continue_final_message: true }, 'continue_final_message'],
  ])('%s is refused by name', async (_, fields, param, code = 'invalid_value') => {
    const { handler, passes } = await serveSolver();
    const error = await errorOf(await post(handler, CHAT, { ...request, ...fields }));
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param, code });
    expect(error.message).toMatch(/^[A-Z`].*[.?]$/s);
    expect(passes()).toBe(0);
  });

  test('a prompt of several texts is refused', async () => {
    const { handler } = await serveSolver();
    expect(await errorOf(await post(handler, TEXT, { model: 'solver', prompt: ['a', 'b'] }))).toMatchObject({ status: 400, param: 'prompt' });
    expect((await post(handler, TEXT, { model: 'solver', prompt: ['a?'] })).status).toBe(200);
  });

  test.each([{}, { strategy: 'self-consistency' }])('messages that the chat template refuses are a bad request: %o', async (fields) => {
    const { handler, engine } = await serveSolver();
    vi.spyOn(engine, 'open').mockRejectedValue(new ChatTemplateError('System role not supported'));
    const error = await errorOf(await post(handler, CHAT, { ...request, ...fields }));
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param: 'messages', code: 'invalid_value' });
    expect(error.message).toContain('System role not supported');
  });

  test('a prompt beyond the context says how long it is', async () => {
    const { handler } = await serveSolver();
    const error = await errorOf(await post(handler, CHAT, { model: 'solver', messages: [{ role: 'user', content: `${'a'.repeat(500)}?` }] }));
    expect(error).toMatchObject({ status: 400, code: 'context_length_exceeded' });
    expect(error.message).toContain('501');
  });

  test('an unknown model names those there are', async () => {
    const { handler } = await serveSolver();
    const error = await errorOf(await post(handler, CHAT, { ...request, model: 'gpt' }));
    expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    expect(error.message).toContain('solver');
  });

  test('a body that is no JSON, or says it is none, is refused', async () => {
    const { handler } = await serveSolver();
    expect(await errorOf(await post(handler, CHAT, '{'))).toMatchObject({ status: 400, code: 'invalid_json' });
    expect(await errorOf(await post(handler, CHAT, '[]'))).toMatchObject({ status: 400 });
    expect(await errorOf(await post(handler, CHAT, request, { headers: { 'content-type': 'text/plain' } }))).toMatchObject({ status: 415 });
  });

  test('what asks for nothing is taken, and what nobody knows is reported', async () => {
    const { handler } = await serveSolver();
    const harmless = { presence_penalty: 0, logit_bias: {}, tools: [], response_format: { type: 'text' }, user: 'me', stop: null, n: null };
    expect((await chat(handler, { ...request, ...harmless })).latency_tts).not.toHaveProperty('ignored');
    expect((await chat(handler, { ...request, cache_prompt: true })).latency_tts.ignored).toEqual(['cache_prompt']);
  });
});

describe('models', () => {
  test('are listed and described, also with slashes in their names', async () => {
    const { engine } = await openSolver();
    const handler = createHandler({ models: { 'org/solver': { engine, tokenizer, ownedBy: 'us' } } });
    const get = async (path: string): Promise<Response> => handler.fetch(new Request(`http://localhost${path}`));
    const one = (await (await get('/v1/models/org/solver')).json()) as object;
    expect(one).toMatchObject({ id: 'org/solver', object: 'model', owned_by: 'us', max_model_len: 400 });
    expect(one).toMatchObject({
      latency_tts: {
        logprobs: true,
        top_logprobs: 20,
        default_strategy: 'single',
        strategies: expect.arrayContaining(['single', 'self-consistency']) as unknown,
      },
    });
    expect(await (await get('/v1/models')).json()).toEqual({ object: 'list', data: [one] });
    expect(await errorOf(await get('/v1/models/other'))).toMatchObject({ status: 404, code: 'model_not_found' });
    expect(await errorOf(await get('/v1/nothing'))).toMatchObject({ status: 404, code: 'not_found' });
    expect(await errorOf(await get(CHAT))).toMatchObject({ status: 405, code: 'method_not_allowed' });
  });
});

describe('createHandler', () => {
  const engine = new GatedEngine();
  test.each<[string, object]>([
    ['models', { models: {} }],
    ['models.m.engine', { models: { m: {} } }],
    ['models.m.defaultStrategy.name', { models: { m: { engine, defaultStrategy: { name: 'luck' } } } }],
    ['models.m.strategies', { models: { m: { engine, strategies: { single: new SelfConsistency() } } } }],
    ['maxRunning', { maxRunning: 0 }],
    ['maxQueued', { maxQueued: -1 }],
    ['maxBodyBytes', { maxBodyBytes: 0.5 }],
    ['maxChoices', { maxChoices: 0 }],
    ['maxTokens', { maxTokens: 0 }],
    ['defaultDeadlineMs', { defaultDeadlineMs: 0 }],
    ['maxDeadlineMs', { maxDeadlineMs: -1 }],
    ['replyReserveMs', { replyReserveMs: -1 }],
    ['seed', { seed: 0.5 }],
    ['apiKey', { apiKey: ' ' }],
  ])('refuses a bad %s', (option, options) => {
    expect(() => createHandler({ models: { m: { engine } }, ...options })).toThrow(expect.objectContaining({ code: 'LTTS_INVALID_OPTION', option }) as Error);
  });
});
