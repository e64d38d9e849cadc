/**
 * A language model chooses among candidates: universal self-consistency (Chen et al. 2023, arXiv:2311.17311). The candidates
 * are shown side by side and the model names the one most of them agree with, which also works where answers cannot be compared.
 *
 * The choice is one more call after the candidates, so time is kept free for it; without a readable choice the vote decides.
 *
 * @module
 */
import * as v from 'valibot';
import { tallyVotes, type AnswerVotes } from '../answers/vote.ts';
import type { Prompt } from '../contracts/prompt.ts';
import type { BranchReport, StopReason, StrategyResult } from '../contracts/result.ts';
import type { Strategy, StrategyRequest } from '../contracts/strategy.ts';
import { samplingSchema } from '../maths/sampling.ts';
import { func, number, readOptions, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import { extendPrompt, oneReply } from './follow-up.ts';
import { engineSchema, NestedRuns, strategySchema, type NestedRun } from './nested-runs.ts';
import { SelfConsistency } from './self-consistency.ts';
import { sameAnswerEntries } from './solution-policy.ts';

export const llmSelectorEntries = {
  /** Whose branches are the candidates. @default new SelfConsistency({ branches: 4, earlyDecision: 'none' }) */
  source: v.optional(strategySchema, () => new SelfConsistency({ branches: 4, earlyDecision: 'none' })),
  /** Who chooses. @default the request's engine */
  engine: v.optional(engineSchema),
  /** Share of the deadline kept free for the choice. In [0, 1). @default 0.25 */
  selectShare: v.optional(number(0, 1 - Number.EPSILON), 0.25),
  /** Most tokens of the reply. Whole number ≥ 1. @default 64 */
  maxTokens: v.optional(wholeNumber(1), 64),
  /** How tokens of the reply are chosen. @default { temperature: 0 } */
  sampling: v.optional(samplingSchema, { temperature: 0 }),
  /** How the model is asked. @default universal self-consistency's words, after the prompt */
  question: v.optional(func<(prompt: Prompt, candidates: readonly string[]) => Prompt>(), () => askForConsensus),
  /** Reads the candidate's place from the reply, from 0; `undefined` where it names none. @default the last `Response N` or else the last number */
  parse: v.optional(func<(reply: string, candidateCount: number) => number | undefined>(), () => parseResponse),
  ...sameAnswerEntries,
};

export interface LlmSelectorOptions extends OptionsOf<typeof llmSelectorEntries> {}

/** `confidence` is the share of the votes for the chosen candidate's answer; 0 where it has none. */
export interface LlmSelectorResult extends StrategyResult {
  /** Votes of the candidates, most first. */
  readonly votes: readonly AnswerVotes[];
  readonly selectedBy: 'model' | 'vote';
  /** Why the vote decided: the candidates agree, no time was left, the choice failed, or the reply named no candidate. */
  readonly voteReason?: 'agreed' | 'deadline' | 'failed' | 'unreadable';
  /** What the model replied, where it was asked. */
  readonly reply?: string;
}

/** A choice, or why there is none. */
type Selection = Pick<LlmSelectorResult, 'voteReason' | 'reply'> & { readonly chosen?: BranchReport; readonly isCut: boolean };

export class LlmSelector implements Strategy<LlmSelectorResult> {
  readonly name = 'llm-selector';
  readonly #options: SettingsOf<typeof llmSelectorEntries>;
  readonly #selector: Strategy;

  /** @throws {InvalidOptionError} */
  constructor(options: LlmSelectorOptions = {}) {
    const settings = readOptions(llmSelectorEntries, options);
    this.#options = settings;
    this.#selector = oneReply(settings.maxTokens, settings.sampling);
  }

  run(request: StrategyRequest): Promise<LlmSelectorResult> {
    const { source, selectShare } = this.#options;
    return NestedRuns.conduct(this.name, request, async (runs) => {
      const sourced = await runs.run(source, { deadlineMs: runs.remainingMs() * (1 - selectShare) });
      if (!sourced.result) throw runs.failure();
      const selection = await this.#select(runs, sourced.branches, request.prompt);
      return this.#conclude(runs, sourced, sourced.result, selection);
    });
  }

  async #select(runs: NestedRuns, branches: readonly BranchReport[], prompt: Prompt): Promise<Selection> {
    const candidates = distinctCandidates(branches);
    const votes = this.#votes(candidates);
    const isAgreed = votes.length === 1 && votes[0]!.votes === candidates.length;
    if (candidates.length < 2 || isAgreed) return { voteReason: 'agreed', isCut: false };
    if (runs.remainingMs() === 0) return { voteReason: 'deadline', isCut: true };
    const { question, parse } = this.#options;
    const texts = candidates.map(({ text }) => text);
    const { result } = await runs.run(this.#selector, { engine: this.#options.engine, prompt: question(prompt, texts) });
    if (!result) return { voteReason: runs.remainingMs() === 0 ? 'deadline' : 'failed', isCut: runs.remainingMs() === 0 };
    const isCut = result.stopReason === 'deadline';
    const chosen = candidates[parse(result.text, texts.length) ?? -1];
    return { reply: result.text, isCut, ...(chosen ? { chosen } : { voteReason: isCut ? 'deadline' : 'unreadable' }) };
  }

  #votes(branches: readonly BranchReport[]): AnswerVotes[] {
    return tallyVotes(new Map(branches.map(({ branch, answer }) => [branch, answer])), this.#options.isSame);
  }

  #conclude(runs: NestedRuns, sourced: NestedRun, source: StrategyResult, { chosen, voteReason, reply, isCut }: Selection): LlmSelectorResult {
    const votes = this.#votes(sourced.branches);
    const [winner] = votes;
    const first = winner && sourced.branches.find(({ branch }) => branch === winner.voters[0]);
    // Without an answer anywhere there is no vote either, and the source's own choice stands.
    const { text, answer } = chosen ?? first ?? source;
    const total = votes.reduce((sum, group) => sum + group.votes, 0);
    const group = votes.find((candidate) => answer !== undefined && this.#options.isSame(candidate.answer, answer));
    const stopReason: StopReason = isCut ? 'deadline' : source.stopReason;
    const result = runs.conclude({ text, answer, confidence: group ? group.votes / total : 0, stopReason });
    return {
      ...result,
      votes,
      selectedBy: chosen ? 'model' : 'vote',
      ...(voteReason !== undefined && { voteReason }),
      ...(reply !== undefined && { reply }),
    };
  }
}

/** Branches with something to choose: each text once, in order. */
function distinctCandidates(branches: readonly BranchReport[]): BranchReport[] {
  const texts = new Set<string>();
  return branches.filter(({ text, answer, finish }) => {
    if ((answer === undefined && finish !== 'end') || texts.has(text)) return false;
    texts.add(text);
    return true;
  });
}

function askForConsensus(prompt: Prompt, candidates: readonly string[]): Prompt {
  const responses = candidates.map((text, index) => `Response ${index + 1}:\n${text}`);
  const request = 'Select the most consistent response based on majority consensus. Reply with "The most consistent response is Response N" and nothing else.';
  return extendPrompt(prompt, ['I have the following responses to this question.', ...responses, request].join('\n\n'));
}

/** The last `Response N` of a reply, else its last number; `undefined` where it is no candidate's. */
function parseResponse(reply: string, candidateCount: number): number | undefined {
  const named = [...reply.matchAll(/\bresponse\s*[#:*]*\s*(\d+)/gi)].at(-1)?.[1] ?? reply.match(/\d+/g)?.at(-1);
  const place = Number(named ?? 0) - 1;
  return place >= 0 && place < candidateCount ? place : undefined;
}
