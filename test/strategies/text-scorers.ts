/** Scorers whose scores are a function of the text, for tests of strategies that use one. */
import type { Clock } from '../../src/contracts/clock.ts';
import type { OutcomeScorer, ScoredText, ScoreOptions, StepScorer } from '../../src/contracts/scorer.ts';
import type { ManualClock } from '../../src/testing/manual-clock.ts';

export interface ScriptedScorerOptions {
  /** Score of a text. @default `lengthScore` */
  readonly scoreOf?: (text: ScoredText) => number | undefined;
  /** What `estimateMs` says. @default 20 */
  readonly estimateMs?: number | undefined;
  /** Told of every call; what it returns is waited for, what it throws is thrown. */
  readonly onCall?: (texts: readonly string[], options: ScoreOptions) => unknown;
}

/** Few values, so that texts tie. */
export function lengthScore({ text }: { readonly text: string }): number {
  return ((text.length * 7) % 5) / 4;
}

export function scriptedScorer({ scoreOf = lengthScore, estimateMs = 20, onCall }: ScriptedScorerOptions = {}): OutcomeScorer {
  return {
    name: 'scripted',
    kind: 'outcome',
    estimateMs: () => estimateMs,
    async score(_, texts, options = {}) {
      await onCall?.(
        texts.map(({ text }) => text),
        options,
      );
      return texts.map(scoreOf);
    },
    async dispose() {},
  };
}

/** Scores every character of a text. */
export function scriptedStepScorer(stepsOf: (text: string) => readonly number[]): StepScorer {
  return { name: 'scripted steps', kind: 'step', score: async (_, texts) => texts.map(({ text }) => stepsOf(text)), async dispose() {} };
}

/** Never answers, while time goes by, until it is told to stop. */
export async function hang(clock: Clock, { signal }: ScoreOptions): Promise<never> {
  while (!signal?.aborted) {
    await new Promise((resolve) => setImmediate(resolve));
    (clock as ManualClock).advance(10);
  }
  return new Promise(() => undefined);
}
