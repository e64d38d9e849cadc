/**
 * Scorers over local models, in a worker thread or in the calling one.
 *
 * ONNX Runtime computes synchronously, so a pass holds up the thread it runs on. By default that is a worker, one for each
 * scorer: two scorers in one worker would wait for each other, and so would a scorer in the engine's.
 *
 * @module
 */
import type { Prompt } from '../contracts/prompt.ts';
import type { ScoredText, ScoreOptions } from '../contracts/scorer.ts';
import type { LoadableModel, ModelWorker } from '../models/local-model.ts';
import { chooseWorker } from '../port/thread-choice.ts';
import { textsMs } from './batch-timer.ts';
import type { ScorerStart, ScorerType } from './port/messages.ts';
import { PortScoring } from './port/port-scoring.ts';
import type { LocalScoringOptions, Scoring } from './scoring.ts';
import { requireSignal } from '../option-schemas.ts';
import { requireScoreNames } from '../runtime/call-options.ts';

/** A scorer that starts where its options say, on first use. */
export abstract class LocalScorer<Score> {
  readonly name: string;
  /** As all scorers have it. */
  readonly readAhead?: (prompt: Prompt, texts: readonly string[]) => void;
  readonly #here: Scoring<Score>;
  readonly #startsWorker: (() => ModelWorker) | undefined;
  readonly #openInWorker: (worker: ModelWorker) => Scoring<Score>;
  #scoring: Scoring<Score> | undefined;

  /**
   * Loads nothing yet.
   *
   * @param options - All of the scorer; those that it does not share with others are plain data.
   * @param here - The same work in the calling thread.
   * @throws {InvalidOptionError}
   */
  constructor(scorer: ScorerType, options: LocalScoringOptions<LoadableModel> & { readonly readAhead?: boolean }, here: Scoring<Score>) {
    const { model, onError } = options;
    this.name = model.name;
    this.#here = here;
    this.#startsWorker = chooseWorker(model, options);
    const { readAhead = this.#startsWorker !== undefined } = options;
    if (here.readAhead && readAhead) this.readAhead = (prompt, texts) => void this.#started().readAhead?.(prompt, texts);
    this.#openInWorker = (worker) => {
      const { onLoadProgress } = model;
      const scoring = new PortScoring<Score>(worker, { costs: here.costs, onError, onLoadProgress });
      worker.port.post(startOf(scorer, options));
      return scoring;
    };
  }

  async ready(options?: Pick<ScoreOptions, 'signal' | 'clock'>): Promise<void> {
    await this.#started().ready(options);
  }

  async score(prompt: Prompt, texts: readonly ScoredText[], options: ScoreOptions = {}): Promise<(Score | undefined)[]> {
    requireScoreNames(options);
    requireSignal(options.signal);
    return this.#started().score(prompt, texts, options);
  }

  estimateMs(texts: number): number | undefined {
    return textsMs((this.#scoring ?? this.#here).costs, texts);
  }

  async dispose(): Promise<void> {
    // Where nothing has started, nothing has to: the work in this thread holds nothing, and refuses calls from now on.
    this.#scoring ??= this.#here;
    await this.#scoring.dispose();
  }

  #started(): Scoring<Score> {
    this.#scoring ??= this.#startsWorker ? this.#openInWorker(this.#startsWorker()) : this.#here;
    return this.#scoring;
  }
}

/** Functions and the loaded model stay in this thread. */
function startOf(scorer: ScorerType, { model, ...options }: LocalScoringOptions<LoadableModel>): ScorerStart {
  const { name, contextTokens, description } = model;
  const plain = Object.entries(options).filter(([key]) => !OF_THIS_THREAD.includes(key));
  return { hosts: 'scorer', scorer, model: { name, contextTokens, description }, options: Object.fromEntries(plain) };
}

const OF_THIS_THREAD: readonly string[] = ['onError', 'thread', 'worker'] satisfies (keyof LocalScoringOptions<LoadableModel>)[];
