/**
 * Texts compared in pairs by a language model. Judges favour a place, first or second, so every pair is shown in both orders
 * and only a verdict that holds in both counts (Zheng et al. 2023, arXiv:2306.05685, §3.4). Knock-out and round-robin over samples:
 * Chen et al. 2024, arXiv:2411.19477; pairwise selection: Jiang et al. 2023, arXiv:2306.02561.
 *
 * @module
 */
import * as v from 'valibot';
import type { Engine } from '../contracts/engine.ts';
import type { Prompt } from '../contracts/prompt.ts';
import type { OutcomeScorer, ScoredText, ScoreOptions } from '../contracts/scorer.ts';
import { InvalidOptionError, ModelError } from '../errors.ts';
import { oneOf, readOptions, type OptionsOf } from '../option-schemas.ts';
import { askEngine, isLate } from './ask-engine.ts';
import { plainTextOf } from './conversation.ts';
import { judgeEntries } from './llm-judge-scorer.ts';
import { OneByOne } from './one-by-one.ts';
import { tellErrors } from './scoring-queue.ts';

export const tournamentEntries = {
  /** `knock-out`: winners meet, N − 1 pairs. `round-robin`: all meet all, N(N − 1)/2 pairs. @default 'knock-out' */
  mode: v.optional(oneOf(['knock-out', 'round-robin']), 'knock-out'),
  ...judgeEntries,
};

export interface TournamentOptions extends OptionsOf<typeof tournamentEntries> {}

/** How a tournament stands at its end or at the deadline. */
export interface TournamentResult {
  /** Index of the best text so far; of equals the first. */
  readonly winner: number;
  /** For each text, pairs won, an undecided verdict counting half. */
  readonly points: readonly number[];
  /** For each text, pairs that were compared. */
  readonly played: readonly number[];
  /** Whether every pair was compared. */
  readonly isComplete: boolean;
}

interface Standing {
  readonly points: number[];
  readonly played: number[];
  /** Indices of texts that are not out. */
  alive: number[];
  isComplete: boolean;
}

type Pair = readonly [first: number, second: number];

/**
 * Runs one tournament. At the deadline the best text so far wins.
 *
 * @param texts - At least one.
 * @throws {InvalidOptionError}
 * @throws the `signal`'s reason when it is aborted.
 */
export async function pairwiseTournament(
  prompt: Prompt,
  texts: readonly ScoredText[],
  { signal, deadlineAt, clock, ...options }: TournamentOptions & ScoreOptions,
): Promise<TournamentResult> {
  if (texts.length === 0) throw new InvalidOptionError('texts', 'at least one text', texts);
  const scorer = new TournamentScorer(options);
  try {
    return await scorer.play(prompt, texts, { ...(signal && { signal }), ...(deadlineAt !== undefined && { deadlineAt }), ...(clock && { clock }) });
  } finally {
    await scorer.dispose();
  }
}

/**
 * Scores texts by how they do against each other, from 0 to 1: the share of its pairs that a text won, in a knock-out the share
 * of rounds. A score means something only beside the others of the same call; a single text has 0.5.
 */
export class TournamentScorer implements OutcomeScorer {
  readonly name: string;
  readonly kind = 'outcome';
  readonly #engine: Engine;
  readonly #options: Required<Pick<TournamentOptions, 'mode' | 'criteria' | 'maxTokens'>> & Pick<TournamentOptions, 'onError'>;
  readonly #calls: OneByOne;

  /** @throws {InvalidOptionError} */
  constructor(options: TournamentOptions) {
    const { engine, mode, criteria, maxTokens, onError, ...settings } = readOptions(tournamentEntries, options);
    this.name = `tournament ${engine.name}`;
    this.#engine = engine;
    this.#options = { mode, criteria, maxTokens, ...(onError && { onError }) };
    this.#calls = new OneByOne(settings);
  }

  async score(prompt: Prompt, texts: readonly ScoredText[], options: ScoreOptions = {}): Promise<(number | undefined)[]> {
    const { points, played } = await this.play(prompt, texts, options);
    if (texts.length === 1) return [0.5];
    const rounds = this.#options.mode === 'knock-out' ? Math.max(...played) : 0;
    return points.map((won, index) => (played[index]! > 0 ? won / Math.max(rounds, played[index]!) : undefined));
  }

  /** Compares the texts and tells how each did. */
  async play(prompt: Prompt, texts: readonly ScoredText[], options: ScoreOptions = {}): Promise<TournamentResult> {
    const standing: Standing = { points: texts.map(() => 0), played: texts.map(() => 0), alive: texts.map((_, index) => index), isComplete: true };
    const meet = (pairs: readonly Pair[]): Promise<void> => this.#meet(prompt, texts, pairs, standing, options);
    if (this.#options.mode === 'round-robin') await meet(everyPair(texts.length));
    else while (standing.alive.length > 1 && standing.isComplete) await meet(neighbours(standing.alive));
    options.signal?.throwIfAborted();
    const { points, played, alive, isComplete } = standing;
    const surplus = (index: number): number => points[index]! - played[index]! / 2;
    const winner = alive.reduce((best, index) => (surplus(index) > surplus(best) ? index : best), alive[0] ?? 0);
    return { winner, points, played, isComplete };
  }

  /** Of one pair, shown in both orders. */
  estimateMs(texts: number): number | undefined {
    const pairs = this.#options.mode === 'knock-out' ? texts - 1 : (texts * (texts - 1)) / 2;
    return this.#calls.estimateMs(Math.max(1, pairs));
  }

  /** Ends open calls; the engine goes on. */
  dispose(): Promise<void> {
    return this.#calls.dispose();
  }

  async #meet(prompt: Prompt, texts: readonly ScoredText[], pairs: readonly Pair[], standing: Standing, options: ScoreOptions): Promise<void> {
    const tell = tellErrors([this.#options.onError, options.onError]);
    const verdicts = await this.#calls.each(pairs, options, async ([first, second], signal) => {
      try {
        const share = await this.#compare(prompt, texts[first]!, texts[second]!, { ...options, signal });
        if (share !== undefined || isLate(options)) return share;
        throw new ModelError(`${this.#engine.name} did not say which of two solutions is better, asked twice.`);
      } catch (error) {
        if (signal.aborted) return undefined;
        tell(error, texts[first]!);
        return 0.5;
      }
    });
    for (const [index, [first, second]] of pairs.entries()) {
      const share = verdicts[index];
      if (share === undefined) {
        standing.isComplete = false;
        continue;
      }
      standing.points[first]! += share;
      standing.points[second]! += 1 - share;
      standing.played[first]!++;
      standing.played[second]!++;
      if (this.#options.mode === 'knock-out') standing.alive = standing.alive.filter((text) => text !== (share >= 0.5 ? second : first));
    }
  }

  /** 1 when the first is better, 0 when the second is, 0.5 when it is the order that decides; `undefined` without a verdict on each order. */
  async #compare(prompt: Prompt, first: ScoredText, second: ScoredText, options: ScoreOptions): Promise<number | undefined> {
    if (first.text === second.text) return 0.5;
    const [asGiven, swapped] = await Promise.all([this.#ask(prompt, first, second, options), this.#ask(prompt, second, first, options)]);
    if (asGiven === undefined || swapped === undefined) return undefined;
    return ((asGiven === 'A' ? 1 : 0) + (swapped === 'B' ? 1 : 0)) / 2;
  }

  #ask(prompt: Prompt, left: ScoredText, right: ScoredText, options: ScoreOptions): Promise<'A' | 'B' | undefined> {
    const { criteria, maxTokens } = this.#options;
    const question = [
      'Compare two solutions of a problem.',
      `Problem:\n${plainTextOf(prompt)}`,
      `Solution A:\n${left.text}`,
      `Solution B:\n${right.text}`,
      criteria,
      'Which solution is better? Reply with one letter and nothing else: A or B',
    ].join('\n\n');
    return askEngine(this.#engine, { prompt: question, read: parseChoice, beginning: 'The better solution is ', maxTokens }, options);
  }
}

/** The letter that a judge's reply settles on: a reply that begins with it, else the last one that stands by itself. */
export function parseChoice(reply: string): 'A' | 'B' | undefined {
  const [, first] = /^[\s"'(*]*([AB])(?![\w'])/.exec(reply) ?? [];
  const letters = [...reply.matchAll(/(?<![\w'])([AB])(?![\w'])/g)].filter(({ index }) => !ARTICLE.test(reply.slice(index, index + 20)));
  const isArticle = ARTICLE.test(reply.replace(/^[\s"'(*]+/, '').slice(0, 20));
  return ((isArticle ? undefined : first) ?? letters.at(-1)?.[1]) as 'A' | 'B' | undefined;
}

/** "A" with a word behind it that is no verb of a verdict: an article. */
const ARTICLE = /^A (?!(?:is|was|wins|has|gives|shows|gets)\b)[a-z]/;

/** Pairs at distance 1, then 2, and so on, so that at any moment all have met about as many. */
function everyPair(count: number): Pair[] {
  const pairs: Pair[] = [];
  for (let distance = 1; distance < count; distance++) {
    for (let first = 0; first + distance < count; first++) pairs.push([first, first + distance]);
  }
  return pairs;
}

/** First against second, third against fourth; an odd one out goes on unplayed. */
function neighbours(indices: readonly number[]): Pair[] {
  return Array.from({ length: Math.floor(indices.length / 2) }, (_, pair) => [indices[2 * pair]!, indices[2 * pair + 1]!]);
}
