import { assert as property, property as forAll, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ScoredText } from '../../src/contracts/scorer.ts';
import { LlmJudgeScorer, parseGrade } from '../../src/scoring/llm-judge-scorer.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { replyingModel } from './replying-model.ts';
import { scorerLaws, type ScorerSubject } from './scorer-laws.ts';

const ENDING = '{"score": <number from 0 to 10>}';
const finished = (text: string): ScoredText => ({ text, isFinished: true });

/** The grade that the solution itself names; a solution of `?` breaks the model. */
function gradeIn(question: string): string {
  if (question.includes('?')) throw new Error('a broken judge');
  return `{"score": ${/solved (\d+)/.exec(question)?.[1] ?? '0'}}`;
}

let opened: ReturnType<typeof replyingModel>[] = [];
const subject: ScorerSubject = {
  open(clock, onError, onScoring) {
    let isAsked = false;
    const judge = replyingModel({
      ending: ENDING,
      reply(question) {
        if (!isAsked) onScoring?.();
        isAsked = true;
        return gradeIn(question);
      },
      clock,
      // A reply takes a dozen steps; only the first, which reads the question, takes time.
      stepMs: (rows) => {
        const isReading = rows.some(({ tokens, logitCount }) => tokens.length > 1 && logitCount > 0);
        if (isReading) isAsked = false;
        return isReading ? 10 : 0;
      },
    });
    opened.push(judge);
    return new LlmJudgeScorer({ engine: judge.engine, concurrency: 1, ...(onError && { onError }) });
  },
  prompt: 'a problem',
  texts: [3, 7, 10, 0, 5].map((grade) => finished(`solved ${grade}`)),
  broken: finished('solved 3?'),
  requireFreed() {
    for (const { model } of opened) expect(model.openSequences).toBe(0);
    opened = [];
  },
};

describe('LlmJudgeScorer', () => {
  for (const law of scorerLaws) test(law.name, () => law.check(subject));

  test('gives a tenth of the grade, for texts asked at the same time', async () => {
    const { engine, model } = replyingModel({ ending: ENDING, reply: gradeIn });
    const judge = new LlmJudgeScorer({ engine });
    expect(await judge.score('a problem', subject.texts)).toEqual([0.3, 0.7, 1, 0, 0.5]);
    expect(Math.max(...model.forwards)).toBe(5);
    await judge.dispose();
    await engine.dispose();
  });

  test('asks once more, the beginning of the reply given, when there is no grade in it', async () => {
    const asked: string[] = [];
    const { engine } = replyingModel({
      ending: ENDING,
      reply: (question, written) => {
        if (asked.at(-1) !== question) asked.push(question);
        return written.startsWith('{"score": ') ? '{"score": 8}' : 'I would rather not say.';
      },
    });
    const judge = new LlmJudgeScorer({ engine });
    expect(await judge.score('a problem', [finished('a solution')])).toEqual([0.8]);
    expect(asked).toHaveLength(1);
    await judge.dispose();
    await engine.dispose();
  });

  test('tells of a model that gives no grade at all', async () => {
    const errors: unknown[] = [];
    const { engine } = replyingModel({ ending: ENDING, reply: () => 'no' });
    const judge = new LlmJudgeScorer({ engine, onError: (error) => errors.push(error) });
    expect(await judge.score('a problem', [finished('a solution')])).toEqual([undefined]);
    expect(errors).toEqual([expect.objectContaining({ code: 'LTTS_MODEL' })]);
    await judge.dispose();
    await engine.dispose();
  });

  test('shows the model the prompt, the text, whether it is finished, and the criteria', async () => {
    const questions = new Set<string>();
    const { engine } = replyingModel({
      ending: ENDING,
      reply: (question) => {
        questions.add(question);
        return '{"score": 1}';
      },
    });
    const judge = new LlmJudgeScorer({ engine, criteria: 'Short is good.' });
    await judge.score([{ role: 'user', content: 'how many?' }], [{ text: 'three', isFinished: false }]);
    const [question] = questions;
    for (const part of ['how many?', 'three', 'not finished', 'Short is good.']) expect(question).toContain(part);
    await judge.dispose();
    await engine.dispose();
  });

  test('leaves the engine to its owner', async () => {
    const { engine } = replyingModel({ ending: ENDING, reply: gradeIn });
    const judge = new LlmJudgeScorer({ engine });
    await judge.dispose();
    const session = await engine.open({ text: 'x' }, { clock: new ManualClock() });
    await session.dispose();
    await engine.dispose();
  });
});

describe('parseGrade', () => {
  test.each([
    ['{"score": 7}', 7],
    ['{ "score": 7.5, "reason": "fine" }', 7.5],
    ['```json\n{"score": "8"}\n```', 8],
    ['first {"score": 2}, no: {"score": 9}', 9],
    ['{"score": 11} or {"score": 4}', 4],
    ['{"score": 7', 7],
    ['Score: 6', 6],
    ['**Rating:** 6/10', 6],
    ['I give it 8 / 10.', 8],
    ['**9**', 9],
    ['10', 10],
    ['0', 0],
  ])('reads %j as %d', (reply, grade) => {
    expect(parseGrade(reply)).toBe(grade);
  });

  test.each(['', 'good', '{"score": 11}', '{"score": -1}', '{"score": "high"}', '11/10', 'there are 3 apples', '{"grade"}', 'score: 70'])(
    'finds none in %j',
    (reply) => {
      expect(parseGrade(reply)).toBeUndefined();
    },
  );

  test('gives a number from 0 to 10 or nothing, for any text', () => {
    property(
      forAll(string({ maxLength: 60 }), (text) => {
        const grade = parseGrade(text);
        expect(grade === undefined || (grade >= 0 && grade <= 10)).toBe(true);
      }),
    );
  });
});
