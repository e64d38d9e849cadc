import type { Prompt } from '../contracts/prompt.ts';
import type { ScoredText, ScoreOptions } from '../contracts/scorer.ts';
import type { LoadableModel } from '../models/local-model.ts';
import type { OptionsOf } from '../option-schemas.ts';
import { threadEntries } from '../port/thread-choice.ts';
import type { BatchCosts } from './batch-timer.ts';
import { batchEntries } from './scoring-queue.ts';

/** The work of a scorer over a local model, in whichever thread it is done. Methods as those of scorers. */
export interface Scoring<Score> {
  ready(options?: Pick<ScoreOptions, 'signal' | 'clock'>): Promise<void>;
  score(prompt: Prompt, texts: readonly ScoredText[], options?: ScoreOptions): Promise<(Score | undefined)[]>;
  /** Missing where nothing is kept that later texts could go on from. Over when everything has been read, or left out; never rejects. */
  readAhead?(prompt: Prompt, texts: readonly string[]): Promise<void>;
  readonly costs: BatchCosts;
  dispose(): Promise<void>;
}

export const localScoringEntries = { ...batchEntries, ...threadEntries };

export interface LocalScoringOptions<Model extends LoadableModel> extends OptionsOf<typeof localScoringEntries> {
  readonly model: Model;
}
