import { afterEach, describe, expect, test } from 'vitest';
import { openaiCompatibleEngine } from '../../../src/engines/remote/openai-compatible-engine.ts';
import { probeCancellation } from '../../../src/engines/remote/probe-cancellation.ts';
import { profileEndpoint } from '../../../src/engines/remote/profile-endpoint.ts';
import { EndpointLatency } from '../../../src/engines/remote/endpoint-latency.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { ALPHABET } from '../scripted-engines.ts';
import { ConformanceServer, type ConformanceOptions, type SeenRequest } from './conformance-server.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(options: ConformanceOptions) {
  const server = await ConformanceServer.start({ contextTokens: 4_000, logits: () => [...ALPHABET].map((_, id) => id).concat(-100), ...options });
  const engine = openaiCompatibleEngine({ baseURL: server.url, model: 'scripted', maxRetries: 0 });
  stops.push(async () => {
    await engine.dispose();
    await server.stop();
  });
  return { server, engine };
}

describe('EndpointLatency', () => {
  test('draws C1 + B · C2 through requests at different loads', () => {
    const clock = new ManualClock();
    const latency = new EndpointLatency();
    for (const load of [1, 2, 4, 8]) {
      const timings = Array.from({ length: load }, () => latency.start(clock, 100 * load));
      clock.advance(30 + 5 * load + 0.2 * 100 * load);
      for (const timing of timings) timing.tell(1);
      for (let token = 2; token <= 11; token++) {
        clock.advance(10 + 2 * load);
        for (const timing of timings) timing.tell(token);
      }
      for (const timing of timings) {
        timing.end(11);
        timing.close();
        timing.close();
      }
    }
    expect(latency.sampleCount).toBe(15);
    expect(latency.tokenCosts!.fixedMs).toBeCloseTo(10, 6);
    expect(latency.tokenCosts!.perRequestMs).toBeCloseTo(2, 6);
    expect(latency.tokenMs(16)).toBeCloseTo(42, 6);
    const profile = latency.profile('a server');
    expect(profile.passMs('target', { rows: 4, newTokens: 1, contextTokens: 50 })).toBeCloseTo(18, 6);
    expect(profile.spread('target', 0.5)).toBe(1);
    expect(() => profile.passMs('draft', { rows: 1, newTokens: 1, contextTokens: 0 })).toThrow(/'target' or 'prefill'/);
  });

  test('has nothing to say before any request', () => {
    const latency = new EndpointLatency();
    expect([latency.tokenMs(1), latency.firstTokenMs(), latency.tokenCosts, latency.firstTokenCosts]).toEqual([undefined, undefined, undefined, undefined]);
    expect(() => latency.profile('a server')).toThrow(/Call `profileEndpoint` first/);
  });

  test('forgets the oldest requests, and all when it is told to', () => {
    const clock = new ManualClock();
    const latency = new EndpointLatency();
    for (let request = 0; request < 600; request++) {
      const timing = latency.start(clock, 10);
      clock.advance(request < 300 ? 1_000 : 20);
      timing.tell(1);
      timing.close();
    }
    expect(latency.firstTokenMs(1)).toBe(20);
    latency.forget();
    expect(latency.sampleCount).toBe(0);
  });
});

describe('profileEndpoint', () => {
  /** A server whose tokens take 10 ms and 3 ms more for each request beside, on the clock that the client reads. */
  function paced(clock: ManualClock): NonNullable<ConformanceOptions['pace']> {
    const open = new Set<SeenRequest>();
    let tick: Promise<void> | undefined;
    return (request) => {
      open.add(request);
      tick ??= new Promise((resolve) =>
        setImmediate(() => {
          tick = undefined;
          clock.advance(10 + 3 * open.size);
          open.clear();
          resolve();
        }),
      );
      return tick;
    };
  }

  test('plans are made with what it measured', async () => {
    const clock = new ManualClock();
    const { engine, server } = await start({ pace: paced(clock) });
    const profile = await profileEndpoint(engine, { clock, inFlight: [1, 3], tokens: 6, rounds: 2, prompts: ['abc'] });
    const one = profile.passMs('target', { rows: 1, newTokens: 1, contextTokens: 10 });
    const three = profile.passMs('target', { rows: 3, newTokens: 1, contextTokens: 10 });
    expect(profile.label).toBe('scripted on vLLM');
    expect(profile.parts).toEqual(['target', 'prefill']);
    expect(three).toBeGreaterThanOrEqual(one);
    expect(one).toBeGreaterThan(0);
    expect(server.completions).toHaveLength(1 + 2 * (1 + 3));
    expect(new Set(server.completions.map(({ body }) => JSON.stringify(body['messages']))).size).toBe(5);
  });

  test('refuses what measures nothing, and throws what every request fails with', async () => {
    const { engine } = await start({ fault: () => ({ kind: 'status', status: 500 }) });
    await expect(profileEndpoint(engine, { inFlight: [] })).rejects.toMatchObject({ option: 'inFlight' });
    await expect(profileEndpoint(engine, { tokens: 1 })).rejects.toMatchObject({ option: 'tokens' });
    await expect(profileEndpoint(engine)).rejects.toMatchObject({ code: 'LTTS_SERVER', status: 500 });
  });
});

describe('probeCancellation', () => {
  /** A server with one slot: a token at a time, on the clock that the client reads. */
  function oneSlot(clock: ManualClock, goesOn: boolean): ConformanceOptions {
    let slot = Promise.resolve();
    const holding = new Map<SeenRequest, () => void>();
    return {
      ...(goesOn && { fault: () => ({ kind: 'keeps-generating' as const }) }),
      pace: async (request) => {
        if (!holding.has(request)) {
          const before = slot;
          let release!: () => void;
          slot = new Promise((resolve) => (release = resolve));
          holding.set(request, release);
          await before;
        }
        await new Promise((resolve) => setImmediate(resolve));
        const isLeft = request.isCancelled && !goesOn;
        if (!isLeft) clock.advance(10);
        if (isLeft || request.tokens + 1 >= Number(request.body['max_completion_tokens'] ?? request.body['max_tokens'])) holding.get(request)!();
      },
    };
  }

  test.each([
    ['cancels', false],
    ['keeps-generating', true],
  ] as const)('says that a server %s', async (verdict, goesOn) => {
    const clock = new ManualClock();
    const { engine, server } = await start(oneSlot(clock, goesOn));
    const probe = await probeCancellation(engine, { clock, tokens: 64, prompt: 'abc' });
    expect(probe).toMatchObject({ verdict });
    expect(probe.leftMs).toBeGreaterThan(300);
    expect(server.completions).toHaveLength(5);
  });
});
