import { setTimeout as sleep } from 'node:timers/promises';
import { generateProblems } from '../../src/problems/index.ts';
import type { DecodeRequest, DecodeRun, Threads } from './candidate.ts';
import { compareTexts } from './compare-texts.ts';
import { loadContestants, type Contestant } from './contestants.ts';
import { interleave } from './interleave.ts';
import { LibraryCandidate } from './library-candidate.ts';
import { LlamaProcess, missingLlama } from './llama-candidate.ts';
import { atEnd, describeMachine, loadWarning } from './machine.ts';
import { headlineOf, sharesOf, summarise, type Sample, type SpeculativeReport, type TimeShares } from './speculative-report.ts';
import { OURS, settingsFor, type Setting } from './speculative-roster.ts';
import { tryOut, type Admission } from './try-out.ts';

const TIER = 4;
const MAX_TOKENS = 96;
const PROBLEM_SEED = 1;
/** One branch takes little time, so it gets this many times as many prompts. */
const SINGLE_BRANCH_PROMPTS = 3;
/** Prompts on which everyone warms up. */
const TRIED_PROMPTS = 4;
/** The threads of the candidate before spin for a while after their last operator. */
const PAUSE_MS = 5;

export interface SpeculationBenchmark {
  readonly command: string;
  readonly rounds: number;
  /** Prompts of each setting; one branch gets three times as many. */
  readonly prompts: number;
  /** Prompts whose texts are compared before anything is timed. */
  readonly comparedPrompts: number;
  readonly branchCounts: readonly number[];
  /** Of our sessions; peers get their fastest number. */
  readonly threads: Threads;
  readonly say: (line: string) => void;
}

export async function measureSpeculation(benchmark: SpeculationBenchmark): Promise<SpeculativeReport> {
  const { command, rounds, prompts, comparedPrompts, branchCounts, threads, say } = benchmark;
  const missing = missingLlama();
  if (missing !== undefined) say(`Without node-llama-cpp: ${missing}.`);
  const machine = describeMachine(['@huggingface/transformers', 'onnxruntime-node'], missing === undefined ? ['node-llama-cpp'] : []);
  const warning = loadWarning(machine);
  if (warning) say(warning);
  const llama = missing === undefined ? await LlamaProcess.start() : undefined;
  const contestants = await loadContestants(threads, llama);
  const settings = settingsFor(branchCounts);
  const questions = testQuestions(SINGLE_BRANCH_PROMPTS * prompts);
  const questionsOf = ({ branches }: Setting): string[] => (branches === 1 ? questions : questions.slice(0, prompts));
  const agreements = await compareTexts(contestants, testQuestions(comparedPrompts), MAX_TOKENS);
  const isAdmitted = await tryOut(contestants, settings, (setting) =>
    questions.slice(0, TRIED_PROMPTS).map((question): DecodeRequest => ({ ...setting, question, seed: 0, maxTokens: MAX_TOKENS })),
  );
  say('Texts compared, candidates warm.');
  const samples = await sample({ contestants, isAdmitted, settings, questionsOf, rounds, onRound: (round) => say(`round ${round + 1} of ${rounds}`) });
  for (const { candidate } of contestants) await candidate.dispose();
  await llama?.stop();
  const rows = summarise(samples);
  return {
    benchmark: 'speculative',
    command,
    machine: atEnd(machine),
    settings: { tier: TIER, prompts, rounds, maxTokens: MAX_TOKENS, threads },
    agreements,
    headline: headlineOf(rows),
    rows,
    timeShares: await measureShares(branchCounts, questions.slice(0, prompts), threads),
  };
}

function testQuestions(count: number): string[] {
  return generateProblems({ seed: PROBLEM_SEED, tier: TIER, count, split: 'test' }).map(({ question }) => question);
}

interface SampleRequest {
  readonly contestants: readonly Contestant[];
  readonly isAdmitted: Admission;
  readonly settings: readonly Setting[];
  readonly questionsOf: (setting: Setting) => readonly string[];
  readonly rounds: number;
  readonly onRound: (round: number) => void;
}

async function sample({ contestants, isAdmitted, settings, questionsOf, rounds, onRound }: SampleRequest): Promise<Sample[]> {
  const runs = new Map(contestants.map((contestant) => [contestant, new Map<Setting, DecodeRun[][]>()]));
  await interleave({
    candidates: contestants,
    cases: settings.flatMap((setting) => questionsOf(setting).map((question) => ({ setting, question }))),
    rounds,
    measure: async (contestant, { setting, question }, round) => {
      if (!isAdmitted(contestant, setting)) return;
      await sleep(PAUSE_MS);
      const bySetting = runs.get(contestant)!;
      if (!bySetting.has(setting))
        bySetting.set(
          setting,
          Array.from({ length: rounds }, () => []),
        );
      // A seed for each round, so that the rounds differ in what is sampled as runs of a program do.
      bySetting.get(setting)![round]!.push(await contestant.candidate.run({ ...setting, question, seed: 1 + round, maxTokens: MAX_TOKENS }));
    },
    onRound,
  });
  return settings.flatMap((setting) =>
    contestants.flatMap((contestant) => {
      const { entry, threads } = contestant;
      const measured = runs.get(contestant)!.get(setting);
      return measured ? [{ entry, ...setting, rounds: measured, ...(threads !== undefined && { threads }) }] : [];
    }),
  );
}

/** Sessions can be watched on the main thread only, so these runs are apart. */
async function measureShares(branchCounts: readonly number[], questions: readonly string[], threads: Threads): Promise<TimeShares[]> {
  const shares: TimeShares[] = [];
  for (const { name, options } of OURS) {
    const candidate = await LibraryCandidate.loadNamed(name, options, { thread: 'main', threads });
    for (const setting of branchCounts.map((branches): Setting => ({ branches, temperature: 1 }))) {
      const runs: DecodeRun[] = [];
      for (const question of [questions[0]!, ...questions]) runs.push(await candidate.run({ ...setting, question, seed: 1, maxTokens: MAX_TOKENS }));
      const measured = sharesOf(runs.slice(1));
      if (measured) shares.push({ candidate: name, ...setting, ...measured });
    }
    await candidate.dispose();
  }
  return shares.sort((left, right) => left.branches - right.branches);
}
