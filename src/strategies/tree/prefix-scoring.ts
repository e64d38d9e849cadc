import type { Prompt } from '../../contracts/prompt.ts';
import type { OutcomeScorer, ScoredText, StepScorer } from '../../contracts/scorer.ts';
import { aggregateSteps, type StepAggregation } from '../../maths/aggregate-steps.ts';
import { requireScores } from '../../maths/require-score.ts';
import { AbortScope } from '../../runtime/abort-scope.ts';
import type { RunScope } from '../../runtime/run-scope.ts';
import { withinDeadline } from '../../runtime/within-deadline.ts';
import type { ScoringCoverage } from '../branch-scores.ts';
import type { Path } from './path.ts';

/** Weight of the newest measurement, as of a model's steps: follows a scorer that slows down within a few calls. */
const NEWEST = 0.25;

/** Has the paths of one run judged. What the scorer cannot judge stays unscored; its failures end nothing. */
export class PrefixScoring {
  /** What the scorer threw, in order. */
  readonly errors: unknown[] = [];
  readonly #scope: RunScope;
  readonly #prompt: Prompt;
  readonly #scorer: StepScorer | OutcomeScorer;
  readonly #aggregation: StepAggregation;
  #meanMs = 0;
  #askedCount = 0;
  #scoredCount = 0;

  constructor(scope: RunScope, prompt: Prompt, scorer: StepScorer | OutcomeScorer, aggregation: StepAggregation) {
    this.#scope = scope;
    this.#prompt = prompt;
    this.#scorer = scorer;
    this.#aggregation = aggregation;
  }

  /** Milliseconds that judging this many paths is likely to take; 0 when nothing is known yet. */
  estimateMs(count: number): number {
    return this.#scorer.estimateMs?.(count) ?? this.#meanMs;
  }

  /**
   * Gives every path the score of its text as it stands. Equal texts are judged once.
   *
   * @param deadlineAt - When the scores are needed.
   * @param ahead - Texts to judge in place of those they go on from.
   * @throws the signal's reason when it is aborted, whether or not the scorer takes notice.
   */
  async score(paths: readonly Path[], deadlineAt: number, ahead: ReadonlyMap<string, ScoredText> = new Map()): Promise<void> {
    const { clock } = this.#scope;
    for (const path of paths) path.isScored = false;
    const texts = new Map(
      paths.map((path) => {
        const own = { text: path.text, isFinished: path.isComplete };
        return [keyOf(path), own.isFinished ? own : (ahead.get(own.text) ?? own)];
      }),
    );
    if (texts.size === 0 || clock.now() >= deadlineAt) return;
    const startedAt = clock.now();
    const scores = await this.#ask([...texts.values()], deadlineAt);
    const tookMs = clock.now() - startedAt;
    this.#meanMs += (this.#meanMs === 0 ? 1 : NEWEST) * (tookMs - this.#meanMs);
    const scoreOf = new Map([...texts.keys()].map((key, index) => [key, scores[index]]));
    for (const path of paths) {
      const score = scoreOf.get(keyOf(path));
      if (score === undefined) continue;
      path.score = score;
      path.isScored = true;
    }
  }

  async #ask(texts: readonly ScoredText[], deadlineAt: number): Promise<(number | undefined)[]> {
    const { clock } = this.#scope;
    const scorer = this.#scorer;
    this.#askedCount += texts.length;
    // Told of an abort, and that nobody waits any more when it is late.
    const ending = new AbortScope();
    try {
      const { signal } = ending;
      const onError = (error: unknown): void => {
        if (!signal.aborted) this.errors.push(error);
      };
      const work: Promise<unknown> = scorer.score(this.#prompt, texts, { clock, deadlineAt, signal, onError });
      const given = await withinDeadline(this.#scope, work, deadlineAt);
      const scores = given === undefined ? undefined : requireScores(scorer.name, given, texts.length, onError);
      const single = texts.map((_, index) => this.#single(scores?.[index]));
      this.#scoredCount += single.filter((score) => score !== undefined).length;
      return single;
    } catch (error) {
      this.#scope.signal?.throwIfAborted();
      this.errors.push(error);
      return [];
    } finally {
      ending.end();
    }
  }

  /** How many of the texts asked about got a score. */
  coverage(): ScoringCoverage {
    if (this.#scoredCount === 0) return 'none';
    return this.#scoredCount === this.#askedCount ? 'complete' : 'partial';
  }

  /** One number for a text; a text without a complete step has none yet. */
  #single(scores: number | readonly number[] | undefined): number | undefined {
    const score = typeof scores === 'object' && scores.length > 0 ? aggregateSteps(scores, this.#aggregation) : scores;
    return typeof score === 'number' && Number.isFinite(score) ? score : undefined;
  }
}

const keyOf = ({ text, isComplete }: Path): string => `${isComplete ? 'complete' : 'open'} ${text}`;
