import type { Clock } from '../../contracts/clock.ts';
import type { Engine } from '../../contracts/engine.ts';
import type { OutcomeScorer, ScoredText, StepScorer } from '../../contracts/scorer.ts';
import { ModelError } from '../../errors.ts';
import { randomSequence } from '../../maths/random.ts';
import type { MeasurePasses } from './measure-grid.ts';

/** Tokens of one piece of text. */
export const PIECE_TOKENS = 8;
const BRANCHES = 8;
const PIECES = 8;

export interface ScorerSourceOptions {
  readonly engine: Engine;
  readonly scorer: StepScorer | OutcomeScorer;
  readonly clock: Clock;
  readonly sessionClock: { readonly clock?: Clock };
  readonly prompt: string;
  readonly repetitions: number;
  readonly warmUp: number;
  readonly signal: AbortSignal | undefined;
}

/** Times calls of a scorer on texts that the engine has written, put together anew for every call and numbered: scorers know texts they have seen. */
export async function scorerPasses(options: ScorerSourceOptions): Promise<{ readonly measure: MeasurePasses; readonly promptTokens: number }> {
  const { scorer, clock, prompt, repetitions, warmUp, signal } = options;
  const { pieces, promptTokens } = await writePieces(options);
  const random = randomSequence(0);
  let written = 0;
  const textOf = (tokens: number): ScoredText => {
    const count = Math.max(1, Math.round(tokens / PIECE_TOKENS));
    const parts = Array.from({ length: count }, () => pieces[Math.floor(random() * pieces.length)]!);
    // Of few pieces there are few combinations, and a text that has been read costs nothing: hence a number before each.
    return { text: `${written++}${parts.join('')}`, isFinished: true };
  };
  const measure: MeasurePasses = async (shapes, budgetMs) => {
    const endsAt = clock.now() + budgetMs;
    const times: number[][] = shapes.map(() => []);
    for (let round = -warmUp; round < repetitions; round++) {
      for (const [index, { rows, newTokens }] of shapes.entries()) {
        if (round !== 0 && clock.now() >= endsAt) continue;
        const batch = Array.from({ length: rows }, () => textOf(newTokens));
        const startedAt = clock.now();
        const scores = await scorer.score(prompt, batch, { clock, ...(signal && { signal }) });
        if (scores.every((score) => score === undefined)) throw new ModelError(`${scorer.name} gave no score, so it cannot be timed.`);
        if (round >= 0) times[index]!.push(clock.now() - startedAt);
      }
    }
    return times;
  };
  return { measure, promptTokens };
}

/** Pieces of text, most of `PIECE_TOKENS` tokens. */
async function writePieces({
  engine,
  prompt,
  sessionClock,
  signal,
}: ScorerSourceOptions): Promise<{ readonly pieces: readonly string[]; readonly promptTokens: number }> {
  const session = await engine.open(prompt, { ...sessionClock, ...(signal && { signal }) });
  try {
    const written = await Promise.all(
      session.branch(BRANCHES).map(async (branch) => {
        const texts: string[] = [];
        while (!branch.ended && texts.length < PIECES) {
          const { text } = await branch.advance({ until: { tokens: PIECE_TOKENS }, ...(signal && { signal }) });
          if (!branch.ended || texts.length === 0) texts.push(text);
        }
        return texts;
      }),
    );
    const pieces = written.flat().filter((text) => text !== '');
    if (pieces.length === 0) throw new ModelError(`${engine.name} wrote nothing for the scorer to read. Give \`prompt\` a question it answers.`);
    return { pieces, promptTokens: session.promptTokens };
  } finally {
    await session.dispose();
  }
}
