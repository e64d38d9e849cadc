/** Scorers in the worker thread of the built package; what can go wrong on the way is in `port/port-scoring.test.ts`. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  bundledModels,
  CausalPrmScorer,
  ClassifierPrmScorer,
  InvalidOptionError,
  loadModel,
  loadOnnxClassifier,
  ModelLoadError,
  OrmScorer,
  PrmScorer,
  type OutcomeScorer,
  type ScoredText,
  type StepScorer,
  type ThreadChoice,
} from 'latency-tts';
import { ManualClock } from 'latency-tts/testing';
import { expect, onTestFinished, test } from 'vitest';

type Thread = NonNullable<ThreadChoice['thread']>;

const PROBLEM = 'mia has 34 apples. she buys 7 boxes with 12 apples in each. how many apples does mia have now?';
// One thread for the model, so that the main thread has a core to tick on.
const { prm, target } = await bundledModels({ threads: 1 });
const [head, reward] = await Promise.all(
  ['prm-tokens', 'orm-last'].map((name) => loadOnnxClassifier(`test/fixtures/reward/${name}`, { localFilesOnly: true, threads: 1 })),
);

const SCORERS: Readonly<Record<string, (thread: Thread | undefined) => StepScorer | OutcomeScorer>> = {
  PrmScorer: (thread) => new PrmScorer({ model: prm, ...(thread && { thread }) }),
  CausalPrmScorer: (thread) => new CausalPrmScorer({ model: target, layout: { kind: 'turns' }, separator: '\n', maxRows: 2, ...(thread && { thread }) }),
  ClassifierPrmScorer: (thread) => new ClassifierPrmScorer({ model: head!, separator: '\n', good: 0, ...(thread && { thread }) }),
  OrmScorer: (thread) => new OrmScorer({ model: reward!, scale: 'raw', maxRows: 2, ...(thread && { thread }) }),
};

function open(name: string, thread?: Thread): StepScorer | OutcomeScorer {
  const scorer = SCORERS[name]!(thread);
  onTestFinished(() => scorer.dispose());
  return scorer;
}

const finished = (text: string): ScoredText => ({ text, isFinished: true });

test.each(Object.keys(SCORERS))('%s gives in a worker, by default, what it gives in the calling thread, to the bit', async (name) => {
  const [worker, main] = [open(name), open(name, 'main')];
  const solutions = ['7*12=84\n34+84=118\n#### 118', '7*12=85\n34+85=119\n#### 119', '34+7=41\n41*12=492\n#### 492'];
  for (let length = 1; length <= 3; length++) {
    const texts = solutions.map((solution) => {
      const lines = solution.split('\n').slice(0, length);
      return { text: length === 3 ? solution : `${lines.join('\n')}\n`, isFinished: length === 3 };
    });
    const expected = await main.score(PROBLEM, texts);
    expect(expected.flat().filter((score) => typeof score === 'number').length).toBeGreaterThanOrEqual(3);
    expect(await worker.score(PROBLEM, texts)).toEqual(expected);
  }
  expect(worker.estimateMs!(3)).toBeGreaterThan(0);
});

test('the main thread’s timers go on while a worker scores, and do not while the thread itself does', async () => {
  const texts = Array.from({ length: 64 }, (_, index) => finished(`${'12*24+1\n'.repeat(20)}${index}`));
  const ticksPerMs = async (thread: Thread): Promise<number> => {
    const scorer = open('PrmScorer', thread);
    await scorer.ready!();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const startedAt = performance.now();
    await scorer.score(PROBLEM, texts);
    const elapsed = performance.now() - startedAt;
    clearInterval(timer);
    return ticks / elapsed;
  };
  const [main, worker] = [await ticksPerMs('main'), await ticksPerMs('worker')];
  // The timer fires once a millisecond at best; in the scoring thread once a pass, which takes many.
  expect(worker).toBeGreaterThan(2 * main);
});

test('an abort rejects with its reason while passes go on, and the scorer with it', async () => {
  const scorer = open('PrmScorer');
  const controller = new AbortController();
  const reason = { why: 'the caller has left' };
  const texts = Array.from({ length: 64 }, (_, index) => finished(`${'12*24+1\n'.repeat(10)}${index}`));
  await scorer.ready!();
  const call = scorer.score(PROBLEM, texts, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 1);
  await expect(call).rejects.toBe(reason);
  expect(await scorer.score(PROBLEM, [finished('#### 118')])).toEqual([[expect.any(Number)]]);
});

test('a deadline crosses: what is not reached by then has no score', async () => {
  const scorer = open('PrmScorer');
  await scorer.ready!();
  const now = performance.timeOrigin + performance.now();
  expect(await scorer.score(PROBLEM, [finished('1')], { deadlineAt: now - 1 })).toEqual([undefined]);
  expect(await scorer.score(PROBLEM, [finished('1')], { deadlineAt: now + 600_000 })).toEqual([[expect.any(Number)]]);
});

test('once ready it can tell what scoring takes', async () => {
  const scorer = open('PrmScorer');
  expect(scorer.estimateMs!(1)).toBeUndefined();
  await scorer.ready!();
  expect(scorer.estimateMs!(40)).toBeGreaterThan(scorer.estimateMs!(1)!);
});

test('a broken model file fails calls by name', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'latency-tts-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await cp('models/prm/config.json', join(directory, 'config.json'));
  await writeFile(join(directory, 'model.onnx'), 'no graph');
  const scorer = new PrmScorer({ model: await loadModel(directory, { tokenizerPath: 'models/tokenizer' }) });
  onTestFinished(() => scorer.dispose());
  for (const call of [scorer.ready(), scorer.score(PROBLEM, [finished('1')])]) {
    await expect(call).rejects.toBeInstanceOf(ModelLoadError);
    await expect(call).rejects.toThrow(/model\.onnx cannot be loaded/);
  }
});

test('a model of the wrong kind, and a clock of one’s own, are refused across the thread', async () => {
  const scorer = new OrmScorer({ model: head! });
  onTestFinished(() => scorer.dispose());
  await expect(scorer.score(PROBLEM, [finished('1')])).rejects.toBeInstanceOf(ModelLoadError);
  await expect(scorer.score(PROBLEM, [finished('1')], { clock: new ManualClock() })).rejects.toBeInstanceOf(InvalidOptionError);
});

test('scores and decodes at once, each in its worker, and a process ends by itself when they have nothing to do', async () => {
  const program = `
    import { bundledModels, Decoder, PrmScorer } from 'latency-tts';
    const { target, prm } = await bundledModels({ threads: 1 });
    const [session, [scores]] = await Promise.all([
      new Decoder({ model: target }).open('How many?', {}),
      new PrmScorer({ model: prm }).score('How many?', [{ text: '1', isFinished: true }]),
    ]);
    const { tokens } = await session.branch(1)[0].advance({ until: { tokens: 3 } });
    console.log(tokens.length, scores.length);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { timeout: 60_000 });
  expect(stdout.trim()).toBe('3 1');
});

test('can be disposed while its model loads', async () => {
  const scorer = open('PrmScorer');
  const call = scorer.score(PROBLEM, [finished('1')]);
  const failure = expect(call).rejects.toMatchObject({ code: 'LTTS_DISPOSED' });
  await scorer.dispose();
  await failure;
});

test('a reward model in a worker reads ahead, and scores as one that has not', async () => {
  const scorers = [true, false].map((readAhead) => new PrmScorer({ model: prm, readAhead }));
  onTestFinished(async () => void (await Promise.all(scorers.map((scorer) => scorer.dispose()))));
  const [ahead, plain] = scorers as [PrmScorer, PrmScorer];
  expect(plain.readAhead).toBeUndefined();
  ahead.readAhead!(PROBLEM, []);
  ahead.readAhead!(PROBLEM, ['7*12=84\n34', '7*12=85\n']);
  const texts = [finished('7*12=84\n34+84=118\n#### 118'), finished('7*12=85\n34+85=119\n#### 119')];
  const [scores, expected] = await Promise.all([ahead.score(PROBLEM, texts), plain.score(PROBLEM, texts)]);
  for (const [index, steps] of expected.entries()) for (const [step, score] of steps!.entries()) expect(scores[index]![step]).toBeCloseTo(score, 5);
});

test('models that read whole texts only take no hints', () => {
  expect([open('ClassifierPrmScorer').readAhead, open('OrmScorer').readAhead]).toEqual([undefined, undefined]);
});
