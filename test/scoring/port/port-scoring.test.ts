/** Scorers whose models compute on the other side of a port; those of the built package run in `../worker.test.ts`. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../../src/contracts/clock.ts';
import type { ScoredText, ScoreOptions, StepScorer } from '../../../src/contracts/scorer.ts';
import type { ForwardRow, Logits } from '../../../src/contracts/token-model.ts';
import { ContextLengthError, DisposedError, InvalidOptionError, ModelError, ModelLoadError } from '../../../src/errors.ts';
import type { LocalModel, WorkerPort } from '../../../src/models/local-model.ts';
import { hostOnDemand } from '../../../src/port/host-on-demand.ts';
import { systemClock } from '../../../src/runtime/system-clock.ts';
import { CausalPrmScorer } from '../../../src/scoring/causal-prm-scorer.ts';
import { ClassifierPrmScorer } from '../../../src/scoring/classifier-prm-scorer.ts';
import { OrmScorer } from '../../../src/scoring/orm-scorer.ts';
import { hostLocalScorer } from '../../../src/scoring/hosted-scorer.ts';
import { hostScoring } from '../../../src/scoring/port/host-scoring.ts';
import { PrmScorer, prmScoring, type PrmScorerOptions } from '../../../src/scoring/prm-scorer.ts';
import type { Scoring } from '../../../src/scoring/scoring.ts';
import { localModelOf } from '../../../src/testing/local-model-of.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { portPair, type PortPair } from '../../port/port-pair.ts';
import { countedSubject, CountingModel, countingModel, cut, END, finished, PROMPT, storyLogits, tokenizer } from '../counting-model.ts';
import { scorerLaws } from '../scorer-laws.ts';

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets messages in before every pass, as the runtime does. */
class YieldingModel extends CountingModel {
  override async forward(rows: readonly ForwardRow[]): Promise<Logits> {
    await turns(1);
    return super.forward(rows);
  }
}

interface Behind {
  readonly scorer: PrmScorer;
  readonly pair: PortPair;
  /** Calls without an answer, workers started and ended. */
  readonly counts: { unanswered: number; started: number; ended: number };
}

/** A scorer whose worker is the far end of a pair of ports. @param host - What the worker's script does. */
function behindPort(host: (far: WorkerPort) => void, options: Partial<PrmScorerOptions> = {}, facts: Partial<LocalModel> = {}): Behind {
  const pair = portPair();
  const counts = { unanswered: 0, started: 0, ended: 0 };
  const callsIn = (message: unknown): number => (Array.isArray(message) ? message.filter((part: object) => 'call' in part).length : 0);
  const near: WorkerPort = {
    post(message) {
      pair.near.post(message);
      counts.unanswered += callsIn(message);
    },
    onMessage: (listener) =>
      pair.near.onMessage((message) => {
        counts.unanswered -= callsIn(message);
        listener(message);
      }),
    onClose: (listener) => pair.near.onClose(listener),
  };
  const nothingHere = async (): Promise<never> => {
    throw new Error('The model was loaded in the calling thread.');
  };
  const model: LocalModel = {
    name: 'scripted',
    contextTokens: 200,
    description: { kind: 'scripted' },
    load: nothingHere,
    loadTokenizer: nothingHere,
    startWorker() {
      counts.started++;
      host(pair.far);
      return { port: near, terminate: async () => void counts.ended++ };
    },
    ...facts,
  };
  const scorer = new PrmScorer({ model, ...options });
  onTestFinished(() => scorer.dispose());
  return { scorer, pair, counts };
}

/** The script of a worker that knows one model. */
const script =
  (model = yieldingModel()) =>
  (far: WorkerPort): void =>
    hostOnDemand(far, {
      engine: () => expect.unreachable(),
      scorer: (start) => hostLocalScorer(start, far, async () => localModelOf(model, tokenizer)),
    });

function yieldingModel(): YieldingModel {
  return new YieldingModel({
    vocabularySize: END + 1,
    endTokens: [END],
    contextTokens: 200,
    logits: storyLogits,
  });
}

/** The laws go by virtual time, which does not cross: each side is given it by itself. */
function withClock(scoring: Scoring<readonly number[]>, clock: Clock): Scoring<readonly number[]> {
  return {
    ready: (options) => scoring.ready({ ...options, clock }),
    score: (prompt, texts, options) => scoring.score(prompt, texts, { ...options, clock }),
    get costs() {
      return scoring.costs;
    },
    dispose: () => scoring.dispose(),
  };
}

function withoutClock(scorer: StepScorer): StepScorer {
  return {
    name: scorer.name,
    kind: scorer.kind,
    ready: (options = {}) => scorer.ready!(onSystemClock(options)),
    score: (prompt, texts, options = {}) => scorer.score(prompt, texts, onSystemClock(options)),
    estimateMs: (texts) => scorer.estimateMs!(texts),
    dispose: () => scorer.dispose(),
  };
}

function onSystemClock(options: ScoreOptions): ScoreOptions {
  return options && { ...options, clock: systemClock };
}

describe('PrmScorer behind a port', () => {
  const subject = countedSubject((model, clock, onError) => {
    const options = { maxRows: 2, ...(onError && { onError }) };
    const host = (far: WorkerPort): void =>
      far.onMessage(() => hostScoring(far, () => withClock(prmScoring({ maxRows: 2, model: localModelOf(model, tokenizer) }), clock)));
    return withoutClock(behindPort(host, options).scorer);
  });
  for (const law of scorerLaws) test(law.name, () => law.check(subject));

  test('feeds only what is new of a text that goes on: the caches stay on the other side', async () => {
    const model = countingModel();
    const { scorer } = behindPort(script(model));
    const [first] = await scorer.score(PROMPT, [cut('a 1\n')]);
    const before = model.fed;
    const [second] = await scorer.score(PROMPT, [cut('a 1\nb 2\n')]);
    expect(model.fed - before).toBe(4);
    expect(second![0]).toBe(first![0]);
  });

  test('a call given up at any moment is answered, leaves the scorer usable and no sequence behind', async () => {
    const model = yieldingModel();
    const { scorer, counts } = behindPort(script(model), { maxRows: 1, cachedTexts: 1 });
    const texts = ['a 1\nb', 'c 1\n', 'd 2\nd\n', 'ab', 'b', 'c', 'd', 'aa', 'bb', 'cc', 'dd', '1', '2', '3'].map(finished);
    const expected = await scorer.score(PROMPT, texts);
    for (let moment = 0; moment < 14; moment++) {
      const controller = new AbortController();
      const call = scorer.score({ text: `dd ${'1'.repeat(moment)}` }, texts, { signal: controller.signal });
      await turns(moment);
      controller.abort('enough');
      await expect(call).rejects.toBe('enough');
      await turns(12);
      expect(counts.unanswered).toBe(0);
      expect(model.openSequences).toBeLessThanOrEqual(1);
    }
    expect(await scorer.score(PROMPT, texts)).toEqual(expected);
    await scorer.dispose();
    expect(model.openSequences).toBe(0);
  });

  test('an abort ends the passes of the other side, too', async () => {
    const model = yieldingModel();
    const { scorer, counts } = behindPort(script(model), { maxRows: 1 });
    const controller = new AbortController();
    let passes = 0;
    model.onForward = () => ++passes === 2 && controller.abort('enough');
    const texts = Array.from({ length: 40 }, (_, index) => finished(`${index}`.replaceAll(/[4-9]/g, 'a') + 'b'.repeat(index % 7)));
    await expect(scorer.score(PROMPT, texts, { signal: controller.signal })).rejects.toBe('enough');
    await turns(6);
    expect(counts.unanswered).toBe(0);
    expect(passes).toBeLessThanOrEqual(3);
  });

  test('what the scoring of a text fails with keeps its class and fields, and the listener may throw', async () => {
    const failures: [unknown, ScoredText][] = [];
    const { scorer } = behindPort(script(), {
      onError(error, text) {
        failures.push([error, text]);
        throw new Error('a listener that throws');
      },
    });
    const long = finished('a'.repeat(300));
    expect(await scorer.score(PROMPT, [long, finished('a')])).toEqual([undefined, [expect.any(Number)]]);
    expect(failures).toEqual([[expect.any(ContextLengthError), long]]);
    expect(failures[0]![0]).toMatchObject({ neededTokens: 304, contextTokens: 200 });
    await expect(scorer.score({ text: 'a'.repeat(201) }, [finished('a')])).rejects.toBeInstanceOf(ContextLengthError);
    await expect(scorer.score({ text: '' }, [finished('a')])).rejects.toBeInstanceOf(InvalidOptionError);
  });

  test('a model that cannot be described fails the call, and the next one tries again', async () => {
    const told: unknown[] = [];
    let tries = 0;
    const host = (far: WorkerPort): void =>
      hostOnDemand(far, {
        engine: () => expect.unreachable(),
        scorer: (start) =>
          hostLocalScorer(start, far, async (description, onLoadProgress) => {
            expect(description).toEqual({ kind: 'scripted' });
            if (++tries === 1) throw new ModelLoadError('somewhere', 'There is no file.');
            onLoadProgress({ loaded: 1 });
            return localModelOf(countingModel(), tokenizer);
          }),
      });
    const { scorer } = behindPort(host, {}, { onLoadProgress: (progress) => told.push(progress) });
    await expect(scorer.score(PROMPT, [cut('a\n')])).rejects.toBeInstanceOf(ModelLoadError);
    expect(await scorer.score(PROMPT, [cut('a\n')])).toEqual([[expect.any(Number)]]);
    expect(told).toEqual([{ loaded: 1 }]);
  });

  test('when the other side dies, open calls and later ones fail and disposal does not', async () => {
    const { scorer, pair } = behindPort(script());
    await scorer.score(PROMPT, [finished('b')]);
    const call = scorer.score(PROMPT, [finished('a')]);
    await turns(1);
    pair.close(new Error('exit code 1'));
    await expect(call).rejects.toBeInstanceOf(ModelError);
    await expect(call).rejects.toMatchObject({ cause: { message: 'exit code 1' } });
    await expect(scorer.ready()).rejects.toBeInstanceOf(ModelError);
    expect(scorer.estimateMs(1)).toEqual(expect.any(Number));
    await scorer.dispose();
  });

  test('disposal waits for the pass under way, fails open calls and ends the worker once', async () => {
    const model = yieldingModel();
    const { scorer, counts } = behindPort(script(model), { maxRows: 1 });
    const call = scorer.score(PROMPT, ['a', 'b', 'c', 'd', 'ab', 'cd'].map(finished));
    const failure = expect(call).rejects.toBeInstanceOf(DisposedError);
    await turns(4);
    await Promise.all([scorer.dispose(), scorer.dispose()]);
    await failure;
    expect(counts).toMatchObject({ started: 1, ended: 1 });
    expect(model.openSequences).toBe(0);
    await expect(scorer.ready()).rejects.toBeInstanceOf(DisposedError);
  });

  test('starts its worker on first use, and none when it is disposed before', async () => {
    const { scorer, counts } = behindPort(script());
    await scorer.dispose();
    await expect(scorer.score(PROMPT, [finished('a')])).rejects.toBeInstanceOf(DisposedError);
    expect(counts.started).toBe(0);
  });

  test('a clock of one’s own cannot cross', async () => {
    const { scorer } = behindPort(script());
    for (const call of [scorer.ready({ clock: new ManualClock() }), scorer.score(PROMPT, [finished('a')], { clock: new ManualClock() })]) {
      await expect(call).rejects.toBeInstanceOf(InvalidOptionError);
      await expect(call).rejects.toHaveProperty('option', 'clock');
    }
  });

  test('texts may carry what cannot cross', async () => {
    const { scorer } = behindPort(script());
    const text = { ...finished('a'), onScored: () => undefined };
    expect(await scorer.score(PROMPT, [text])).toEqual([[expect.any(Number)]]);
  });
});

test.each([undefined, 'models/prm', Promise.resolve(localModelOf(countingModel(), tokenizer))])('what is no model is refused by name: %s', (model) => {
  const scorers = [
    () => new PrmScorer({ model: model as never }),
    () => new CausalPrmScorer({ model: model as never, layout: { kind: 'turns' } }),
    () => new ClassifierPrmScorer({ model: model as never }),
    () => new OrmScorer({ model: model as never }),
  ];
  for (const make of scorers) {
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(/`model`.*await load/);
  }
});

describe('where a scorer computes', () => {
  test('a model that exists in this thread alone is scored here', async () => {
    const scorer = new PrmScorer({ model: localModelOf(countingModel(), tokenizer) });
    expect(await scorer.score(PROMPT, [finished('a')])).toEqual([[expect.any(Number)]]);
    await scorer.dispose();
  });

  test('`main` starts no worker', async () => {
    const here = localModelOf(countingModel(), tokenizer);
    const { scorer, counts } = behindPort(script(), { thread: 'main' }, { load: () => here.load(), loadTokenizer: () => here.loadTokenizer() });
    expect(await scorer.score(PROMPT, [finished('a')])).toEqual([[expect.any(Number)]]);
    expect(counts.started).toBe(0);
  });

  test.each([
    ['thread', { thread: 'other' as 'main' }],
    ['thread', { thread: 'worker' as const }],
    ['worker', { worker: 'worker.js' as never }],
    ['worker', { worker: () => expect.unreachable() }],
  ])('refuses `%s` in %j', (option, options) => {
    const make = (): PrmScorer => new PrmScorer({ model: localModelOf(countingModel(), tokenizer), ...options });
    expect(make).toThrow(InvalidOptionError);
    expect(make).toThrow(`\`${option}\``);
  });
});

test('hints are read one text at a time, the latest ones, and not again by calls', async () => {
  const model = yieldingModel();
  const read: string[][] = [];
  const watched = (scoring: Scoring<readonly number[]>): Scoring<readonly number[]> => ({
    ready: (options) => scoring.ready(options),
    score: (prompt, texts, options) => scoring.score(prompt, texts, options),
    dispose: () => scoring.dispose(),
    costs: scoring.costs,
    readAhead: async (prompt, texts) => {
      read.push([...texts]);
      await scoring.readAhead!(prompt, texts);
    },
  });
  const { scorer } = behindPort((far) => far.onMessage(() => hostScoring(far, () => watched(prmScoring({ model: localModelOf(model, tokenizer) })))));
  scorer.readAhead!(PROMPT, []);
  await turns(20);
  scorer.readAhead!(PROMPT, ['a\n', 'b\n', 'c\n']);
  scorer.readAhead!(PROMPT, ['a\nb\n', 'b\nb\n', 'c\nb\n']);
  await turns(60);
  expect(read[0]).toEqual([]);
  expect(read.every((texts) => texts.length <= 1)).toBe(true);
  expect(new Set(read.flat().filter((text) => text.length === 4))).toEqual(new Set(['a\nb\n', 'b\nb\n', 'c\nb\n']));
  const fed = model.fed;
  await scorer.score(PROMPT, [cut('a\nb\n'), cut('b\nb\n'), cut('c\nb\n')]);
  expect(model.fed).toBe(fed);
  await scorer.dispose();
});
