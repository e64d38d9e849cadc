import { describe, expect, test } from 'vitest';
import type { ScoredText } from '../../src/contracts/scorer.ts';
import { pairwiseTournament, parseChoice, TournamentScorer, type TournamentOptions } from '../../src/scoring/tournament-scorer.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { replyingModel, type ReplyingModelOptions } from './replying-model.ts';

const ENDING = 'with one letter and nothing else: A or B';
const textsOf = (...grades: readonly number[]): ScoredText[] => grades.map((grade) => ({ text: `solved ${grade}`, isFinished: true }));

/** Says which of the two solutions names the higher number; of equals the first it was shown. */
function betterOf(question: string): string {
  const [left, right] = [...question.matchAll(/solved (\d+)/g)].map(([, grade]) => Number(grade));
  return right! > left! ? 'B' : 'A';
}

/** A judge that counts the questions it was asked. */
function judge(reply: (question: string) => string = betterOf, options: Partial<ReplyingModelOptions> = {}) {
  const questions = new Set<string>();
  const { engine, model } = replyingModel({
    ending: ENDING,
    reply: (question) => {
      questions.add(question);
      return reply(question);
    },
    ...options,
  });
  return { engine, model, questions };
}

async function play(texts: readonly ScoredText[], options: Omit<TournamentOptions, 'engine'> = {}, reply = betterOf) {
  const { engine, model, questions } = judge(reply);
  const result = await pairwiseTournament('a problem', texts, { engine, ...options });
  await engine.dispose();
  expect(model.openSequences).toBe(0);
  return { ...result, questionCount: questions.size };
}

describe('pairwiseTournament', () => {
  test.each([2, 3, 5, 8])('finds the best of %d in a knock-out of N − 1 pairs, each shown in both orders', async (count) => {
    for (let best = 0; best < count; best++) {
      const grades = Array.from({ length: count }, (_, index) => (index === best ? 100 : index));
      const { winner, isComplete, played, questionCount } = await play(textsOf(...grades));
      expect([winner, isComplete]).toEqual([best, true]);
      expect(questionCount).toBe(2 * (count - 1));
      expect(played.reduce((sum, pairs) => sum + pairs, 0)).toBe(2 * (count - 1));
    }
  });

  test('has all meet all in a round-robin', async () => {
    const { winner, points, played, isComplete } = await play(textsOf(2, 9, 4, 7), { mode: 'round-robin' });
    expect({ winner, points, played, isComplete }).toEqual({ winner: 1, points: [0, 3, 1, 2], played: [3, 3, 3, 3], isComplete: true });
  });

  test.each(['knock-out', 'round-robin'] as const)('lets the first win a %s where the judge goes by the place alone', async (mode) => {
    for (const letter of ['A', 'B']) {
      const { winner, points } = await play(textsOf(1, 2, 3), { mode }, () => letter);
      expect(winner).toBe(0);
      expect(points.every((won) => won % 0.5 === 0)).toBe(true);
    }
  });

  test('needs no question to tell equal texts apart', async () => {
    const { winner, questionCount } = await play(textsOf(5, 5));
    expect([winner, questionCount]).toEqual([0, 0]);
  });

  test('one text wins without a question', async () => {
    expect(await play(textsOf(5))).toEqual({ winner: 0, points: [0], played: [0], isComplete: true, questionCount: 0 });
  });

  test('goes on where the judge gives no verdict, and tells so', async () => {
    const errors: unknown[] = [];
    const silentAboutOne = (question: string): string => (question.includes('solved 1') ? 'hm' : betterOf(question));
    const { winner, isComplete } = await play(textsOf(1, 2, 3, 4), { mode: 'round-robin', onError: (error) => errors.push(error) }, silentAboutOne);
    expect([winner, isComplete]).toEqual([3, true]);
    expect(errors).toHaveLength(3);
    expect(errors[0]).toMatchObject({ code: 'LTTS_MODEL' });
  });

  test.each(['knock-out', 'round-robin'] as const)('gives the best so far of a %s at the deadline', async (mode) => {
    const clock = new ManualClock();
    const { engine } = judge(betterOf, { clock, stepMs: (rows) => (rows.some(({ tokens, logitCount }) => tokens.length > 1 && logitCount > 0) ? 10 : 0) });
    const scorer = new TournamentScorer({ engine, mode, concurrency: 1 });
    const texts = textsOf(1, 2, 8, 3);
    await engine.ready();
    const early = await scorer.play('a problem', texts, { clock, deadlineAt: clock.now() + 5 });
    expect(early).toMatchObject({ isComplete: false });
    const later = await scorer.play('a problem', texts, { clock, deadlineAt: clock.now() + 45 });
    expect(later.isComplete).toBe(false);
    expect(later.played.reduce((sum, pairs) => sum + pairs, 0)).toBeGreaterThan(0);
    const none = await scorer.play('a problem', texts, { clock, deadlineAt: clock.now() });
    expect(none).toEqual({ winner: 0, points: [0, 0, 0, 0], played: [0, 0, 0, 0], isComplete: false });
    await scorer.dispose();
    await engine.dispose();
  });

  test('rejects with the reason of an abort', async () => {
    const { engine } = judge();
    await expect(pairwiseTournament('p', textsOf(1, 2), { engine, signal: AbortSignal.abort('gone') })).rejects.toBe('gone');
    const controller = new AbortController();
    const leaving = judge((question) => {
      controller.abort('gone');
      return betterOf(question);
    });
    await expect(pairwiseTournament('p', textsOf(1, 2, 3), { engine: leaving.engine, signal: controller.signal })).rejects.toBe('gone');
    await Promise.all([engine.dispose(), leaving.engine.dispose()]);
    expect(leaving.model.openSequences).toBe(0);
  });

  test('refuses no texts, and an unknown mode', async () => {
    const { engine } = judge();
    await expect(pairwiseTournament('p', [], { engine })).rejects.toMatchObject({ code: 'LTTS_INVALID_OPTION' });
    expect(() => new TournamentScorer({ engine, mode: 'league' as 'knock-out' })).toThrow('`mode`');
    await engine.dispose();
  });
});

describe('TournamentScorer', () => {
  test.each([
    ['round-robin', [0, 1, 1 / 3, 2 / 3]],
    ['knock-out', [0, 1, 0, 0.5]],
  ] as const)('scores by the share of what was won in a %s', async (mode, expected) => {
    const { engine } = judge();
    const scorer = new TournamentScorer({ engine, mode });
    expect(await scorer.score('a problem', textsOf(2, 9, 4, 7))).toEqual(expected);
    expect(await scorer.score('a problem', textsOf(2))).toEqual([0.5]);
    await scorer.dispose();
    await scorer.dispose();
    await expect(scorer.score('a problem', textsOf(1, 2))).rejects.toMatchObject({ code: 'LTTS_DISPOSED' });
    await engine.dispose();
  });

  test('has no score for a text that never met another', async () => {
    const { engine } = judge();
    const clock = new ManualClock();
    const scorer = new TournamentScorer({ engine });
    expect(await scorer.score('p', textsOf(1, 2), { clock, deadlineAt: 0 })).toEqual([undefined, undefined]);
    await scorer.dispose();
    await engine.dispose();
  });
});

describe('parseChoice', () => {
  test.each([
    ['A', 'A'],
    ['B.', 'B'],
    ['**B**', 'B'],
    ['(A)', 'A'],
    ['A is better', 'A'],
    ['B because it is right', 'B'],
    ['Solution B', 'B'],
    ['A solution like that is wrong, so B', 'B'],
    ['Solution A is wrong. The better solution is B', 'B'],
    ['The better solution is A', 'A'],
  ])('reads %j as %s', (reply, letter) => {
    expect(parseChoice(reply)).toBe(letter);
  });

  test.each(['', 'neither', 'Bad', 'a', 'A solution'])('finds none in %j', (reply) => {
    expect(parseChoice(reply)).toBeUndefined();
  });
});
