/** What can go wrong between the two sides of a port; the laws of engines run over it in `engine.test.ts`. */
import { describe, expect, test } from 'vitest';
import type { Branch, Engine } from '../../../src/contracts/engine.ts';
import type { EngineAnatomy, PassMeter } from '../../../src/contracts/profile.ts';
import { hostEngine } from '../../../src/engines/port/host-engine.ts';
import { PortEngine } from '../../../src/engines/port/port-engine.ts';
import { DisposedError, InvalidOptionError, ModelError } from '../../../src/errors.ts';
import { SelfConsistency } from '../../../src/strategies/self-consistency.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { complete, tokensOf, withSession } from '../engine-laws.ts';
import { portPair, type PortPair } from '../../port/port-pair.ts';
import { mainDecoder, portDecoder, scriptedModel, YieldingTokenModel } from '../scripted-engines.ts';

const PROMPT = 'abba 12';

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Ports that note the kinds of messages that are sent together. */
function watchedPorts(): PortPair & { readonly sent: readonly (readonly string[])[] } {
  const { near, far, close } = portPair();
  const sent: string[][] = [];
  const watched = (port: PortPair['near']): PortPair['near'] => ({
    ...port,
    post(messages) {
      port.post(messages);
      sent.push((messages as { type: string }[]).map(({ type }) => type));
    },
  });
  return { near: watched(near), far: watched(far), close, sent };
}

describe('messages of one turn', () => {
  test('travel together, there and back', async () => {
    const ports = watchedPorts();
    const session = await portDecoder(scriptedModel({}, YieldingTokenModel), ports).open({ text: PROMPT }, {});
    const before = ports.sent.length;
    await Promise.all(session.branch(3).map((branch) => branch.advance({ until: { tokens: 4 } })));
    expect(ports.sent.slice(before)).toEqual([
      ['branch', 'advance', 'advance', 'advance'],
      ['result', 'result', 'result'],
    ]);
  });

  test('keep their order', async () => {
    const engine = portDecoder(scriptedModel({}, YieldingTokenModel));
    const [expected] = await tokensOf(engine, PROMPT, {}, 1);
    await withSession(engine, PROMPT, {}, async (session) => {
      const [branch, aborted] = session.branch(2) as [Branch, Branch];
      const fork = branch.fork();
      const calls = [branch.advance(), aborted.advance(), fork.advance()] as const;
      aborted.abort();
      const [whole, none, forked] = await Promise.all(calls);
      expect(whole.tokens).toEqual(expected);
      expect(none.finish).toBe('aborted');
      expect(forked.tokens).not.toEqual(expected);
    });
  });

  test('a call that is given up in the turn it was made in costs no pass', async () => {
    const engine = portDecoder(scriptedModel({}, YieldingTokenModel));
    await withSession(engine, PROMPT, {}, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      const controller = new AbortController();
      const { forwardCount } = session.usage();
      const call = branch.advance({ signal: controller.signal });
      controller.abort('enough');
      await expect(call).rejects.toBe('enough');
      await branch.force('');
      expect(session.usage().forwardCount).toBe(forwardCount);
    });
  });

  test('one that cannot be sent fails alone', async () => {
    const engine = portDecoder(scriptedModel({}, YieldingTokenModel));
    const expected = await tokensOf(engine, PROMPT, {}, 3);
    await withSession(engine, PROMPT, {}, async (session) => {
      const branches = session.branch(3) as [Branch, Branch, Branch];
      const uncloneable = { until: { tokens: 60, stop: Object.assign(['~~'], { hint: () => 1 }) } };
      const [first, second, third] = await Promise.allSettled(branches.map((branch, index) => (index === 1 ? branch.advance(uncloneable) : branch.advance())));
      expect(second).toMatchObject({ status: 'rejected', reason: { name: 'DataCloneError' } });
      expect([first, third]).toMatchObject([{ value: { tokens: expected[0] } }, { value: { tokens: expected[2] } }]);
      expect((await complete(branches[1])).tokens).toEqual(expected[1]);
    });
  });

  test('an answer that cannot be sent fails its call alone', async () => {
    const ports = portPair();
    const model = mainDecoder(scriptedModel());
    const anatomy = { parts: [], target: { hint: (): number => 1 } } as unknown as EngineAnatomy;
    const passes: PassMeter = { anatomy: async () => anatomy, measure: async () => [[1]] };
    hostEngine(
      { name: 'meter', contextTokens: 9, passes, ready: () => model.ready(), open: (...request) => model.open(...request), dispose: () => model.dispose() },
      ports.far,
    );
    const engine = new PortEngine(ports.near, async () => undefined);
    await engine.ready();
    const [unsent, sent] = await Promise.allSettled([engine.passes!.anatomy(), engine.passes!.measure('target', [], { repetitions: 1, warmUp: 0 })]);
    expect(unsent).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(/could not be cloned/) as string } });
    expect(sent).toMatchObject({ value: [[1]] });
  });

  test('branches that are advanced together take as many passes as in the thread itself, segment for segment', async () => {
    const passes = async (engine: Engine): Promise<number[]> =>
      withSession(engine, PROMPT, {}, async (session) => {
        const branches = session.branch(5);
        const counts: number[] = [];
        for (let segment = 0; segment < 3; segment++) {
          const before = session.usage().forwardCount;
          await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 4 } })));
          counts.push(session.usage().forwardCount - before);
        }
        return counts;
      });
    const expected = await passes(mainDecoder(scriptedModel({}, YieldingTokenModel)));
    // The first token comes from the logits of the prompt.
    expect(expected).toEqual([3, 4, 4]);
    expect(await passes(portDecoder(scriptedModel({}, YieldingTokenModel)))).toEqual(expected);
  });
});

test('branches that go on one by one while others decode miss no pass more than in the thread itself', async () => {
  const passes = async (engine: Engine): Promise<number> =>
    withSession(engine, PROMPT, {}, async (session) => {
      const goOn = async (branch: Branch): Promise<void> => {
        // Out of step with each other.
        if (branch.number > 0) await branch.advance({ until: { tokens: branch.number } });
        for (let segment = 0; segment < 4; segment++) await branch.advance({ until: { tokens: 4 } });
      };
      await Promise.all(session.branch(3).map(goOn));
      return session.usage().forwardCount;
    });
  const [main, port] = [await passes(mainDecoder(scriptedModel({}, YieldingTokenModel))), await passes(portDecoder(scriptedModel({}, YieldingTokenModel)))];
  expect(port).toBeLessThanOrEqual(main);
});

test('an opening given up at any moment leaves no sequence behind', async () => {
  const model = scriptedModel({}, YieldingTokenModel);
  const engine = portDecoder(model);
  await engine.ready();
  for (let moment = 0; moment < 12; moment++) {
    const controller = new AbortController();
    const opening = engine.open({ text: 'ab'.repeat(40) }, { signal: controller.signal }).then(
      (session) => session.dispose(),
      (error: unknown) => expect(error).toBe('enough'),
    );
    await turns(moment);
    controller.abort('enough');
    await opening;
    await turns(8);
    expect(model.openSequences).toBe(0);
  }
});

test('a call given up at any moment leaves a branch that goes on, or one that refuses to be forked while it winds down', async () => {
  const engine = portDecoder(scriptedModel({}, YieldingTokenModel));
  const [expected] = await tokensOf(engine, PROMPT, {}, 1);
  for (let moment = 0; moment < 12; moment++) {
    await withSession(engine, PROMPT, {}, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      const controller = new AbortController();
      const call = branch.advance({ signal: controller.signal, until: { tokens: 60 } });
      await turns(moment);
      controller.abort('enough');
      await expect(call).rejects.toBe('enough');
      expect(() => branch.fork()).toThrow(InvalidOptionError);
      expect((await complete(branch)).tokens).toEqual(expected);
    });
  }
});

test('a call that waits for one given up can be given up itself', async () => {
  const engine = portDecoder(scriptedModel({}, YieldingTokenModel));
  await withSession(engine, PROMPT, {}, async (session) => {
    const [branch] = session.branch(1) as [Branch];
    const [first, second] = [new AbortController(), new AbortController()];
    const given = branch.advance({ signal: first.signal });
    await turns(4);
    first.abort('first');
    await expect(given).rejects.toBe('first');
    const waiting = branch.advance({ signal: second.signal });
    second.abort('second');
    await expect(waiting).rejects.toBe('second');
    expect(branch.tokenCount).toBe(0);
  });
});

test('an abort that crosses the last segment still ends the branch', async () => {
  const engine = portDecoder(scriptedModel({}, YieldingTokenModel));
  for (let moment = 0; moment < 8; moment++) {
    await withSession(engine, PROMPT, {}, async (session) => {
      const [branch] = session.branch(1) as [Branch];
      const call = branch.advance({ until: { tokens: 2 } });
      await turns(moment);
      branch.abort();
      await call;
      expect(branch.ended).toBe('aborted');
      await turns(4);
      expect(branch.ended).toBe('aborted');
    });
  }
});

test('when the other side dies, open calls and later ones fail and disposal does not', async () => {
  const ports = portPair();
  const engine = portDecoder(scriptedModel({}, YieldingTokenModel), ports);
  const session = await engine.open({ text: PROMPT }, {});
  const branches = session.branch(2) as [Branch, Branch];
  const calls = branches.map((branch) => branch.advance());
  await turns(3);
  ports.close(new Error('exit code 1'));
  for (const call of calls) {
    await expect(call).rejects.toBeInstanceOf(ModelError);
    await expect(call).rejects.toMatchObject({ cause: { message: 'exit code 1' } });
  }
  await expect(branches[0].advance()).rejects.toBeInstanceOf(ModelError);
  await expect(engine.open({ text: PROMPT }, {})).rejects.toBeInstanceOf(ModelError);
  expect(() => session.branch(1)).toThrow(ModelError);
  branches[0].abort();
  expect(branches[0].ended).toBe('aborted');
  await session.dispose();
  await engine.dispose();
  await expect(engine.ready()).rejects.toBeInstanceOf(ModelError);
});

test('calls on a disposed engine fail as disposed and its sessions can be disposed', async () => {
  const engine = portDecoder(scriptedModel({}, YieldingTokenModel));
  const session = await engine.open({ text: PROMPT }, {});
  const [branch] = session.branch(1) as [Branch];
  await engine.dispose();
  await expect(branch.advance()).rejects.toBeInstanceOf(DisposedError);
  branch.abort();
  await session.dispose();
});

test('a clock of one’s own cannot cross', async () => {
  const engine = portDecoder(scriptedModel({}, YieldingTokenModel));
  const opening = engine.open({ text: PROMPT }, { clock: new ManualClock() });
  await expect(opening).rejects.toBeInstanceOf(InvalidOptionError);
  await expect(opening).rejects.toHaveProperty('option', 'clock');
});

test('branches that a decided vote ends between two of their calls have not failed', async () => {
  const engine = portDecoder(scriptedModel({}, YieldingTokenModel));
  const open = engine.open.bind(engine);
  engine.open = async (...options) => {
    const session = await open(...options);
    const branch = session.branch.bind(session);
    session.branch = (...wanted) =>
      branch(...wanted).map((opened) => {
        const force = opened.force.bind(opened);
        // The vote is decided while these wait.
        if (opened.number > 4) opened.force = async (text) => force(text).then(() => turns(200));
        return opened;
      });
    return session;
  };
  const vote = new SelfConsistency({ branches: 8, maxTokens: 4, extract: () => '4', forcedAnswer: { suffix: '#4=' } });
  const { branches, warnings } = await vote.run({ engine, prompt: PROMPT, seed: 3 });
  expect(branches.slice(5).map(({ finish }) => finish)).toEqual(['aborted', 'aborted', 'aborted']);
  expect(warnings).toEqual([]);
  await engine.dispose();
});
