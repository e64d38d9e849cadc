/** The worker thread of the built package; the laws of engines run over it in `engine.test.ts`. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundledModels, ContextLengthError, Decoder, InvalidOptionError, loadModel, ModelLoadError, NoCandidateError, systemClock } from 'latency-tts';
import { ManualClock } from 'latency-tts/testing';
import { expect, onTestFinished, test } from 'vitest';

const PROMPT = 'Mia has 34 apples. She buys 7 boxes with 12 apples in each. How many apples does Mia have now?';
// One thread for the model, so that the main thread has a core to tick on.
const { target } = await bundledModels({ threads: 1 });

function open(thread: 'worker' | 'main'): Decoder {
  const engine = new Decoder({ model: target, thread });
  onTestFinished(() => engine.dispose());
  return engine;
}

test('errors keep their class and fields across the thread', async () => {
  const engine = open('worker');
  const tooLong = engine.open({ text: '1'.repeat(900) }, {});
  await expect(tooLong).rejects.toBeInstanceOf(ContextLengthError);
  await expect(tooLong).rejects.toMatchObject({ neededTokens: 900, contextTokens: engine.contextTokens, code: 'LTTS_CONTEXT_LENGTH' });
  const wrong = engine.open(PROMPT, { sampling: { topP: 7 } });
  await expect(wrong).rejects.toBeInstanceOf(InvalidOptionError);
  await expect(wrong).rejects.toHaveProperty('option', 'sampling.topP');
  const late = engine.open(PROMPT, { deadlineAt: systemClock.now() - 1_000 });
  await expect(late).rejects.toBeInstanceOf(NoCandidateError);
  await expect(late).rejects.toHaveProperty('stopReason', 'deadline');
});

test('a broken model file fails the first call by name, and every later one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'latency-tts-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await cp('models/target/config.json', join(directory, 'config.json'));
  await writeFile(join(directory, 'model.onnx'), 'no graph');
  const engine = new Decoder({ model: await loadModel(directory, { tokenizerPath: 'models/tokenizer' }) });
  onTestFinished(() => engine.dispose());
  for (const call of [engine.ready(), engine.open(PROMPT, {})]) {
    await expect(call).rejects.toBeInstanceOf(ModelLoadError);
    await expect(call).rejects.toThrow(/model\.onnx cannot be loaded/);
  }
});

test('branches that are advanced together take as many passes in a worker as in the calling thread', async () => {
  const passes = async (thread: 'worker' | 'main'): Promise<number[]> => {
    // So hot that no branch ends by itself.
    const session = await open(thread).open(PROMPT, { sampling: { temperature: 50 } });
    const branches = session.branch(8);
    const counts: number[] = [];
    for (let segment = 0; segment < 4; segment++) {
      const before = session.usage().forwardCount;
      await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 3 } })));
      counts.push(session.usage().forwardCount - before);
    }
    await session.dispose();
    return counts;
  };
  const main = await passes('main');
  expect(main).toEqual([2, 3, 3, 3]);
  expect(await passes('worker')).toEqual(main);
});

test('a clock of one’s own is refused', async () => {
  await expect(open('worker').open(PROMPT, { clock: new ManualClock() })).rejects.toThrow(/`clock`/);
});

test('the main thread’s timers go on while a worker decodes, and do not while the thread itself does', async () => {
  const ticksPerMs = async (thread: 'worker' | 'main'): Promise<number> => {
    const session = await open(thread).open(PROMPT, { sampling: { temperature: 20 } });
    const branches = session.branch(16);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const startedAt = performance.now();
    await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 40 } })));
    const elapsed = performance.now() - startedAt;
    clearInterval(timer);
    await session.dispose();
    return ticks / elapsed;
  };
  // The timer fires once a millisecond at best; in the decoding thread once a model step, which takes several. Others on the
  // machine only ever bring the two nearer to each other, so one clear case will do.
  const ratios: number[] = [];
  for (let attempt = 0; attempt < 6 && !ratios.some((ratio) => ratio > 1.5); attempt++) {
    const main = await ticksPerMs('main');
    ratios.push((await ticksPerMs('worker')) / main);
  }
  expect(Math.max(...ratios)).toBeGreaterThan(1.5);
});

test('a process ends by itself when its workers have nothing to do', async () => {
  const program = `
    import { bundledModels, Decoder } from 'latency-tts';
    const { target } = await bundledModels({ threads: 1 });
    const session = await new Decoder({ model: target }).open('How many?', {});
    const [branch] = session.branch(1);
    // Never sent, so never answered: nothing to stay alive for.
    await branch.advance({ until: { tokens: 3, hint: () => 1 } }).catch(() => undefined);
    const { tokens } = await branch.advance({ until: { tokens: 3 } });
    console.log(tokens.length);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { timeout: 60_000 });
  expect(stdout.trim()).toBe('3');
});
