/** What can go wrong between the two sides of a port; the laws of engines run over it in `engine.test.ts`. */
import { expect, test } from 'vitest';
import type { Branch } from '../../../src/contracts/engine.ts';
import { DisposedError, InvalidOptionError, ModelError } from '../../../src/errors.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { complete, tokensOf, withSession } from '../engine-laws.ts';
import { portDecoder, portPair, scriptedModel, YieldingTokenModel } from '../scripted-engines.ts';

const PROMPT = 'abba 12';

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

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
