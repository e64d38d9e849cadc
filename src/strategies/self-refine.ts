/**
 * Self-refine (Madaan et al. 2023, arXiv:2303.17651): a draft, a critique of it, a revision, and again while time remains.
 *
 * Calls follow each other, so a round is started only where the time left covers what the last one took; a revision that is
 * cut, or that loses the answer, does not replace what it was to improve. Models that cannot judge their own work make it worse
 * (Huang et al. 2023, arXiv:2310.01798): measure before relying on it.
 *
 * @module
 */
import * as v from 'valibot';
import type { Prompt } from '../contracts/prompt.ts';
import type { StopReason, StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { samplingSchema } from '../maths/sampling.ts';
import { func, readOptions, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import { followUp, oneReply } from './follow-up.ts';
import { engineSchema, NestedRuns, strategySchema } from './nested-runs.ts';
import { SelfConsistency } from './self-consistency.ts';
import { sameAnswerEntries } from './solution-policy.ts';

export const selfRefineEntries = {
  /** Writes the draft. @default new SelfConsistency({ branches: 1 }) */
  source: v.optional(strategySchema, () => new SelfConsistency({ branches: 1 })),
  /** Writes revisions. @default the source */
  reviser: v.optional(strategySchema),
  /** The engine that critiques. @default the request's */
  critic: v.optional(engineSchema),
  /** Most rounds of critique and revision. Whole number ≥ 0. @default 2 */
  rounds: v.optional(wholeNumber(), 2),
  /** Most tokens of a critique. Whole number ≥ 1. @default 256 */
  critiqueTokens: v.optional(wholeNumber(1), 256),
  /** How tokens of critiques are chosen. @default the engine's */
  sampling: v.optional(samplingSchema, {}),
  /** Asks for a critique. @default a further turn after the draft */
  critique: v.optional(func<(prompt: Prompt, draft: string) => Prompt>(), () => askForCritique),
  /** Asks for a revision. @default a further turn after the critique */
  revise: v.optional(func<(prompt: Prompt, draft: string, critique: string) => Prompt>(), () => askForRevision),
  /** Whether a critique finds nothing to improve. @default it says `No change needed` */
  isSatisfied: v.optional(func<(critique: string) => boolean>(), () => saysNoChange),
  ...sameAnswerEntries,
};

export interface SelfRefineOptions extends OptionsOf<typeof selfRefineEntries> {}

/** One round. */
export interface RefineRound {
  readonly critique: string;
  /** `undefined` where the critique was satisfied, or there was no time for one. */
  readonly revision?: string;
  readonly answer?: string | undefined;
  /** Whether the revision took the place of what it was to improve. */
  readonly isKept: boolean;
}

/** `confidence` is the share of the versions kept, the draft included, that have the final answer. */
export interface SelfRefineResult extends StrategyResult {
  readonly rounds: readonly RefineRound[];
  /** Why there was no further round. */
  readonly endedBy: 'satisfied' | 'rounds' | 'deadline' | 'failed';
}

type Version = Pick<StrategyResult, 'text' | 'answer'>;

export class SelfRefine implements Strategy<SelfRefineResult> {
  readonly name = 'self-refine';
  readonly #options: SettingsOf<typeof selfRefineEntries>;
  readonly #critic: Strategy;

  /** @throws {InvalidOptionError} */
  constructor(options: SelfRefineOptions = {}) {
    this.#options = readOptions(selfRefineEntries, options);
    this.#critic = oneReply(this.#options.critiqueTokens, this.#options.sampling);
  }

  run(request: StrategyRequest): Promise<SelfRefineResult> {
    return NestedRuns.conduct(this.name, request, async (runs) => {
      const draft = await runs.run(this.#options.source);
      if (!draft.result) throw runs.failure();
      const refinement = new Refinement(runs, request.prompt, draft.result);
      const endedBy = await this.#refine(refinement, 2 * (draft.endMs - draft.startMs));
      return this.#conclude(runs, refinement, endedBy, draft.result.stopReason);
    });
  }

  /** @param roundMs - What a round is likely to take: two calls, until one has been measured. */
  async #refine(refinement: Refinement, roundMs: number): Promise<SelfRefineResult['endedBy']> {
    const { runs } = refinement;
    let likelyMs = roundMs;
    for (let round = 0; round < this.#options.rounds; round++) {
      const left = runs.remainingMs();
      if (left === 0 || left < likelyMs) return 'deadline';
      const startedMs = runs.scope.elapsedMs();
      const endedBy = await this.#round(refinement);
      if (endedBy) return endedBy;
      likelyMs = runs.scope.elapsedMs() - startedMs;
    }
    return 'rounds';
  }

  async #round({ runs, prompt, rounds, versions }: Refinement): Promise<SelfRefineResult['endedBy'] | undefined> {
    const { source, reviser = source, critic: engine, critique: askCritique, revise, isSatisfied } = this.#options;
    const current = versions.at(-1)!;
    const critic = await runs.run(this.#critic, { engine, prompt: askCritique(prompt, current.text) });
    if (!critic.result) return runs.remainingMs() === 0 ? 'deadline' : 'failed';
    const critique = critic.result.text;
    const isCut = critic.result.stopReason === 'deadline' || runs.remainingMs() === 0;
    if (isCut || isSatisfied(critique)) {
      rounds.push({ critique, isKept: false });
      return isCut ? 'deadline' : 'satisfied';
    }
    const { result } = await runs.run(reviser, { prompt: revise(prompt, current.text, critique) });
    const isKept = result !== undefined && result.stopReason !== 'deadline' && (result.answer !== undefined || current.answer === undefined);
    if (isKept) versions.push(result);
    rounds.push({ critique, isKept, ...(result && { revision: result.text, answer: result.answer }) });
    if (runs.remainingMs() === 0 || result?.stopReason === 'deadline') return 'deadline';
    return result ? undefined : 'failed';
  }

  #conclude(runs: NestedRuns, { versions, rounds }: Refinement, endedBy: SelfRefineResult['endedBy'], draftStop: StopReason): SelfRefineResult {
    const { text, answer } = versions.at(-1)!;
    const same = versions.filter((version) => version.answer !== undefined && answer !== undefined && this.#options.isSame(version.answer, answer));
    const stopReason = endedBy === 'deadline' || draftStop === 'deadline' ? 'deadline' : 'completed';
    return { ...runs.conclude({ text, answer, confidence: same.length / versions.length, stopReason }), rounds, endedBy };
  }
}

/** The versions of one run. */
class Refinement {
  readonly runs: NestedRuns;
  readonly prompt: Prompt;
  readonly versions: Version[];
  readonly rounds: RefineRound[] = [];

  constructor(runs: NestedRuns, prompt: Prompt, draft: Version) {
    this.runs = runs;
    this.prompt = prompt;
    this.versions = [draft];
  }
}

const ASK_CRITIQUE = 'Check the solution above step by step. Say what is wrong or could be better. If nothing has to change, reply with "No change needed."';
const ASK_REVISION = 'Write the whole solution again with this taken into account, and end it with the final answer in the same form as before.';

function askForCritique(prompt: Prompt, draft: string): Prompt {
  return followUp(prompt, [{ answer: draft, question: ASK_CRITIQUE }]);
}

function askForRevision(prompt: Prompt, draft: string, critique: string): Prompt {
  return followUp(prompt, [
    { answer: draft, question: ASK_CRITIQUE },
    { answer: critique, question: ASK_REVISION },
  ]);
}

function saysNoChange(critique: string): boolean {
  return /\bno changes? needed\b/i.test(critique);
}
