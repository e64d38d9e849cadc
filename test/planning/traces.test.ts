import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Engine } from '../../src/contracts/engine.ts';
import type { ProblemTrace } from '../../src/contracts/trace.ts';
import { InvalidOptionError } from '../../src/errors.ts';
import { seedFor } from '../../src/maths/seed-for.ts';
import { importTraces } from '../../src/planning/traces/import-traces.ts';
import { recordTraces, type RecordTracesOptions } from '../../src/planning/traces/record-traces.ts';
import { TokenEnds } from '../../src/planning/traces/token-ends.ts';
import { formatTrace, parseTraces } from '../../src/planning/traces/trace-lines.ts';
import { SimulatedClock } from '../../src/runtime/simulated-clock.ts';
import { PLANS, openSimulatedSolver, solutionOf } from '../strategies/solver.ts';
import { ScriptedStepScorer } from '../strategies/scripted-scorer.ts';

async function record(options: Partial<RecordTracesOptions> = {}): Promise<ProblemTrace[]> {
  const clock = new SimulatedClock();
  const traces: ProblemTrace[] = [];
  const problems = [
    { id: 'first', prompt: 'how many?', reference: '42', group: 'easy' },
    { id: 'second', prompt: 'how much?' },
  ];
  for await (const trace of recordTraces({ engine: await openSimulatedSolver(clock), problems, branches: 5, seed: 2, clock, ...options })) traces.push(trace);
  return traces;
}

describe('recordTraces', () => {
  test('writes down texts, their tokens, answers and whether they are right', async () => {
    const [first, second] = await record();
    expect(first).toMatchObject({ id: 'first', group: 'easy', reference: '42', seed: seedFor(2, 'first'), promptTokens: 9 });
    expect(first!.branches).toHaveLength(5);
    for (const { text, ends, answer, isRight, logprobs, finish } of first!.branches) {
      const plan = PLANS.find((_, index) => solutionOf(PLANS, index) === text)!;
      expect({ answer, isRight, finish }).toEqual({ answer: plan.answer, isRight: plan.answer === '42', finish: 'end' });
      // A token a character, and the end, which has none.
      expect(ends).toEqual([...Array.from(text, (_, index) => index + 1), text.length]);
      expect(logprobs).toHaveLength(ends.length);
    }
    expect(second!.branches.every(({ isRight }) => isRight === undefined)).toBe(true);
  });

  test('draws other numbers for each problem, whichever others there are', async () => {
    const [first, second] = await record();
    expect(second!.seed).not.toBe(first!.seed);
    const [alone] = await record({ problems: [{ id: 'second', prompt: 'how much?' }] });
    expect(alone).toMatchObject({ seed: second!.seed, branches: second!.branches });
  });

  test('asks branches early, and leaves them as they would have been', async () => {
    const probed = await record({ probes: { everyTokens: 4, suffix: '#### ' } });
    const plain = await record({ probes: false });
    for (const [index, { branches }] of probed.entries()) {
      expect(branches.map((branch) => ({ ...branch, probes: undefined }))).toEqual(plain[index]!.branches.map((branch) => ({ ...branch, probes: undefined })));
      for (const { text, probes = [], ends } of branches) {
        expect(probes.map(({ at }) => at)).toEqual(Array.from({ length: Math.ceil(ends.length / 4) - 1 }, (_, probe) => 4 * (probe + 1)));
        for (const { suffix, suffixTokens, text: answer } of probes)
          expect({ suffix, suffixTokens, isPlanned: text.includes(answer) }).toEqual({ suffix: '#### ', suffixTokens: 5, isPlanned: true });
      }
    }
  });

  test('has branches and probes scored', async () => {
    const [trace] = await record({ scorer: new ScriptedStepScorer({ steps: ({ text }) => [text.length / 100] }) });
    for (const { text, scores, probes = [] } of trace!.branches) {
      expect(scores).toEqual([text.length / 100]);
      for (const probe of probes) expect(probe.scores).toEqual([(text.slice(0, probe.at) + probe.suffix + probe.text).length / 100]);
    }
  });

  test('an abort while branches are asked early rejects once, and leaves nothing behind', async () => {
    const controller = new AbortController();
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const clock = new SimulatedClock();
    const engine = await openSimulatedSolver(clock);
    const aborting: Engine = Object.assign(Object.create(engine) as Engine, {
      async open(...call: Parameters<Engine['open']>) {
        const session = await engine.open(...call);
        // In the middle of the first branches, with probes under way.
        void clock.wait(60, new AbortController().signal).then(() => controller.abort(new Error('enough')));
        return session;
      },
    });
    await expect(record({ engine: aborting, clock, signal: controller.signal, probes: { everyTokens: 1 } })).rejects.toThrow('enough');
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  test('says how far it is, and ends with an abort after what is whole', async () => {
    const progress: unknown[] = [];
    await record({ onProgress: (event) => progress.push(event) });
    expect(progress).toEqual([
      { done: 0, total: 2 },
      { done: 1, total: 2 },
      { done: 2, total: 2 },
    ]);
    const controller = new AbortController();
    const run = record({ signal: controller.signal, onProgress: ({ done }) => done === 1 && controller.abort('enough') });
    await expect(run).rejects.toBe('enough');
  });

  test.each([
    ['branches', { branches: 0 }],
    ['seed', { seed: -1 }],
    ['maxTokens', { maxTokens: 0.5 }],
    ['probes.everyTokens', { probes: { everyTokens: 0 } }],
    [
      'problems',
      {
        problems: [
          { id: 'a', prompt: 'a?' },
          { id: 'a', prompt: 'b?' },
        ],
      },
    ],
  ])('refuses a bad %s before any work', async (option, options) => {
    const run = record(options);
    await expect(run).rejects.toThrow(InvalidOptionError);
    await expect(run).rejects.toMatchObject({ option });
  });
});

describe('trace lines', () => {
  test('come back as they were, without a last line that was cut', async () => {
    const traces = await record({ scorer: new ScriptedStepScorer({ steps: () => [0.5] }) });
    const text = traces.map(formatTrace).join('');
    expect(parseTraces(text)).toEqual(traces);
    expect(parseTraces(text.slice(0, -20))).toEqual(traces.slice(0, 1));
    expect(parseTraces('')).toEqual([]);
  });

  test('name the line that is no trace', async () => {
    const text = (await record()).map(formatTrace).join('');
    expect(() => parseTraces(`${text}{"version":1}\n${text}`)).toThrow('traces line 3');
    expect(() => parseTraces(text.replaceAll('"version":1', '"version":2'))).toThrow(InvalidOptionError);
  });
});

describe('the lines of a trace file', () => {
  const traces = importTraces([
    { prompt: 'a?', text: '#### 4', reference: '4' },
    { prompt: 'b?', text: 'line\r\nbreaks\rand “quotes” \u2028', reference: '5' },
  ]);
  const lines = traces.map((trace) => formatTrace(trace).trimEnd());
  const [first, second] = lines as [string, string];

  test.each([
    ['LF', `${first}\n${second}\n`],
    ['CRLF', `${first}\r\n${second}\r\n`],
    ['CR', `${first}\r${second}\r`],
    ['no end of the last line', `${first}\n${second}`],
    ['empty lines', `\n\r\n${first}\n\n \n${second}\n\n`],
    ['a byte-order mark', `\uFEFF${first}\n${second}\n`],
    ['a last line that was cut off', `${first}\n${second}\n${first.slice(0, -1)}`],
    ['a last line cut off within a string', `${first}\n${second}\n${first.slice(0, 30)}`],
    ['a last line cut off at a quote', `${first}\n${second}\n{"version":1,"id":"a \\"`],
    ['a last line of which little is there', `${first}\n${second}\n{`],
  ])('are read with %s', (_, text) => {
    expect(parseTraces(text)).toEqual(traces);
  });

  test.each([
    ['a number', '17'],
    ['a word', 'nothing'],
    ['null', 'null'],
    ['a list', '[]'],
    ['another object', '{"a":{"b":"}"}}'],
    ['another version', first.replace('"version":1', '"version":2')],
    ['a trace without branches', first.replace(/,"branches".*$/, '}')],
    ['a trace with more behind it', `${first} ${second}`],
    ['a trace whose beginning is lost', first.slice(5)],
    ['a brace that closes nothing', '}'],
  ])('name the one that is %s, wherever it stands', (_, line) => {
    for (const text of [`${line}\n${first}\n`, `${first}\n${line}\n${second}\n`, `${first}\n${line}\n`, `${first}\n${line}`, line]) {
      const number = text.split('\n').indexOf(line) + 1;
      expect(() => parseTraces(text)).toThrow(`traces line ${number}\``);
    }
  });

  test('say which field is wrong', () => {
    expect(() => parseTraces(first.replace('"promptTokens":1', '"promptTokens":"1"'))).toThrow('`promptTokens` is "1"');
  });

  test('take numbers for ids, references and answers, as other programs write them', () => {
    const text = first.replace('"reference":"4"', '"reference":4').replace('"answer":"4"', '"answer":4').replace('"id":"0"', '"id":0');
    expect(parseTraces(text)).toEqual(traces.slice(0, 1));
  });
});

describe('importTraces', () => {
  test.each([
    ['no text', [{ prompt: 'a?' }], 'texts[0].text'],
    ['no prompt', [{ prompt: 'a?', text: '' }, { text: '4' }], 'texts[1].prompt'],
    ['a reference that is a list', [{ prompt: 'a?', text: '4', reference: ['4'] }], 'texts[0].reference'],
    ['an id that is null', [{ prompt: 'a?', text: '4', id: null }], 'texts[0].id'],
    [
      'two prompts under one id',
      [
        { prompt: 'a?', text: '4', id: 7 },
        { prompt: 'b?', text: '4', id: '7' },
      ],
      'texts[1].id',
    ],
    [
      'two references of one prompt',
      [
        { prompt: 'a?', text: '4', reference: 4 },
        { prompt: 'a?', text: '4', reference: '4.0' },
        { prompt: 'a?', text: '4', reference: '5' },
      ],
      'texts[2].reference',
    ],
    ['nothing', undefined, 'texts'],
  ])('refuses %s by the place where it stands', (_, texts, option) => {
    expect(() => importTraces(texts as never)).toThrow(expect.objectContaining({ option }));
  });

  test('gives problems without an id one that no other has', () => {
    const texts = ['a', 'b', 'c', 'd'].map((prompt) => ({ prompt, text: '4' }));
    const ids = (given: Readonly<Record<number, string | number>>): string[] =>
      importTraces(texts.map((text, index) => ({ ...text, ...(given[index] !== undefined && { id: given[index] }) }))).map(({ id }) => id);
    expect(ids({})).toEqual(['0', '1', '2', '3']);
    expect(ids({ 0: '1', 3: 2 })).toEqual(['1', '0', '3', '2']);
  });

  test('takes references that are numbers, and for all texts of a prompt', () => {
    const [trace] = importTraces([
      { prompt: 'a?', text: '#### 4' },
      { prompt: 'a?', text: '#### 5', reference: 5 },
      { prompt: 'a?', text: '#### 5.0', answer: 5 },
    ]);
    expect(trace).toMatchObject({ reference: '5', branches: [{ isRight: false }, { isRight: true }, { isRight: true, answer: '5' }] });
    expect(parseTraces(formatTrace(trace!))).toEqual([trace]);
  });

  test('is linear in the texts of one prompt', () => {
    // A quadratic import of so many takes half a minute.
    const [trace] = importTraces(
      Array.from({ length: 60_000 }, () => ({ prompt: 'a?', text: '4', answer: '4', reference: '4' })),
      { isSame: (left, right) => left === right },
    );
    expect(trace!.branches).toHaveLength(60_000);
  });

  test('makes problems of texts with one prompt', () => {
    const [first, second] = importTraces([
      { prompt: 'a?', text: 'So 4.\n#### 4', reference: '4' },
      { prompt: 'b?', text: 'the answer', answer: '7', tokens: 3, promptTokens: 11, id: 'b' },
      { prompt: 'a?', text: '#### 5', reference: '4', scores: [0.3] },
    ]);
    expect(first).toMatchObject({ id: '0', prompt: 'a?', reference: '4' });
    expect(first!.branches.map(({ answer, isRight, scores }) => ({ answer, isRight, scores }))).toEqual([
      { answer: '4', isRight: true, scores: undefined },
      { answer: '5', isRight: false, scores: [0.3] },
    ]);
    expect(second).toMatchObject({ id: 'b', promptTokens: 11, branches: [{ answer: '7', ends: [3, 7, 10] }] });
    expect(() => importTraces([])).toThrow(InvalidOptionError);
  });

  test('tells how they were sampled', () => {
    const text = { prompt: 'a?', text: '#### 4', reference: '4' };
    expect(importTraces([text])[0]).not.toHaveProperty('sampling');
    const [trace] = importTraces([text], { sampling: { temperature: 0 } });
    expect(trace!.sampling).toEqual({ temperature: 0 });
    expect(parseTraces(formatTrace(trace!))).toEqual([trace]);
    expect(() => importTraces([text], { sampling: { topP: 2 } })).toThrow(/topP/);
  });
});

describe('TokenEnds.whole', () => {
  test('ascends to the end of the text, through what is known', () => {
    const known = fc.dictionary(fc.integer({ min: 1, max: 30 }).map(String), fc.nat(60));
    fc.assert(
      fc.property(fc.nat(50), fc.integer({ min: 1, max: 30 }), known, (length, count, ends) => {
        const whole = TokenEnds.whole(length, count, (tokens) => ends[tokens]);
        expect(whole).toHaveLength(count);
        expect(whole.at(-1)).toBe(length);
        expect([...whole].sort((left, right) => left - right)).toEqual(whole);
      }),
    );
  });
});
