import { rm, writeFile } from 'node:fs/promises';
import type { SamplingOptions } from '../../contracts/engine.ts';
import type { ProblemTrace, TraceProblem } from '../../contracts/trace.ts';
import { describeMachine, profileEngine } from '../../node/profile-engine.ts';
import { readTextFile } from '../../node/read-text-file.ts';
import { LatencyOptimizer } from '../../planning/optimizer/latency-optimizer.ts';
import { loadProfile, type MeasuredProfile } from '../../planning/profile/measured-profile.ts';
import { describeEngine } from '../../planning/profile/profile-engine.ts';
import { recordTraces } from '../../planning/traces/record-traces.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import type { ChosenEngine } from '../chosen-engine.ts';
import type { CliHost } from '../host.ts';
import type { ModelChoice } from '../model-options.ts';
import { StepProgress } from '../step-progress.ts';
import { generatedProblems, readProblems } from './calibration-problems.ts';
import { writePlanFile } from './plan-file.ts';
import { frontierTable } from './plan-text.ts';
import { choosePlanned } from './planned-engine.ts';
import { TraceFile } from './trace-file.ts';
import { requireWritable } from './writable.ts';

export const TRACE_FILE = 'latency-tts-traces.jsonl';

export interface CalibrateOptions extends ModelChoice {
  readonly problems: number;
  readonly problemsFile?: string;
  readonly branches: number;
  /** `undefined` stands for the model's own. */
  readonly temperatures: readonly (number | undefined)[];
  readonly maxTokens?: number;
  readonly profileTime: number;
  readonly traces: string;
  readonly out: string;
  readonly seed: number;
  readonly json: boolean;
}

/** Problems to be recorded in one way. */
interface Recording {
  readonly sampling: SamplingOptions | undefined;
  readonly problems: readonly TraceProblem[];
}

/** What all steps of a calibration work with. */
interface Calibration {
  readonly options: CalibrateOptions;
  readonly models: ChosenEngine;
  readonly file: TraceFile;
  readonly progress: StepProgress;
  readonly signal: AbortSignal;
}

/** `latency-tts calibrate`: profiles, records, fits, and writes what `plan` and `report` read. */
export async function calibrate(options: CalibrateOptions, host: CliHost, signal: AbortSignal): Promise<void> {
  await requireWritable(options.out, 'out');
  const problems = options.problemsFile === undefined ? generatedProblems(options.problems, options.seed) : await readProblems(options.problemsFile);
  const models = await choosePlanned(options, host, signal);
  const file = await TraceFile.open(options.traces);
  const samplings = options.temperatures.map((temperature) => (temperature === undefined ? undefined : { temperature }));
  const missing = samplings.map((sampling): Recording => ({ sampling, problems: file.missing(problems, options.branches, sampling) }));
  const progress = new StepProgress(host);
  const calibration = { options, models, file, progress, signal };
  const startedAt = systemClock.now();
  try {
    await models.engine.ready({ signal });
    const profile = await profileOnce(calibration);
    const recorded = await record(calibration, missing, samplings.length * problems.length);
    const optimizer = await fit(calibration, file.of(problems, samplings), profile);
    await writePlanFile(options.out, { optimizer, profile });
    await rm(partialOf(options.out), { force: true });
    progress.end();
    host.stdout.write(describe(options, optimizer, profile, recorded, systemClock.now() - startedAt));
  } catch (error) {
    progress.end();
    if (signal.aborted) progress.say(`${file.traces.length} recordings are in ${file.path}; the same command goes on behind them.`);
    throw error;
  } finally {
    await models.dispose();
  }
}

/** A profile that an interrupted calibration left behind is of use where engine and machine are the same. */
async function profileOnce({ options, models, progress, signal }: Calibration): Promise<MeasuredProfile> {
  const partial = partialOf(options.out);
  const expect = { ...(await describeEngine(models.engine, { signal })), machine: describeMachine() };
  const saved = await readTextFile(partial).then(
    (text) => loadProfile(text, { expect }),
    () => undefined,
  );
  if (saved && saved.warnings.length === 0) {
    progress.say(`profile: taken from ${partial}`);
    return saved;
  }
  const profile = await profileEngine(models.engine, {
    ...(models.scorer && { scorer: models.scorer }),
    budgetMs: options.profileTime,
    rows: options.branches,
    signal,
    onProgress: ({ part, points, elapsedMs, budgetMs }) =>
      progress.show('profile', elapsedMs / budgetMs, `${part}, ${points} points, ${(elapsedMs / 1000).toFixed(0)} of ${(budgetMs / 1000).toFixed(0)} s`),
  });
  await writeFile(partial, JSON.stringify(profile));
  return profile;
}

/** Each problem once for each way of sampling. */
async function record(
  { options, models, file, progress, signal }: Calibration,
  missing: readonly Recording[],
  wanted: number,
): Promise<{ readonly new: number; readonly before: number }> {
  const left = missing.reduce((sum, { problems }) => sum + problems.length, 0);
  const before = wanted - left;
  if (before > 0) progress.say(`traces: ${before} of ${wanted} recordings are in ${file.path}`);
  let recorded = before;
  for (const { sampling, problems } of missing) {
    const traces = recordTraces({
      engine: models.engine,
      ...(models.scorer && { scorer: models.scorer }),
      problems,
      branches: options.branches,
      seed: options.seed,
      ...(sampling && { sampling }),
      ...(options.maxTokens !== undefined && { maxTokens: options.maxTokens }),
      signal,
    });
    progress.show('traces', recorded / wanted, `${recorded} of ${wanted} recordings`);
    for await (const trace of traces) {
      await file.append(trace);
      recorded++;
      progress.show('traces', recorded / wanted, `${recorded} of ${wanted} recordings`);
    }
  }
  return { new: left, before };
}

function fit({ progress, signal }: Calibration, traces: readonly ProblemTrace[], profile: MeasuredProfile): Promise<LatencyOptimizer> {
  return LatencyOptimizer.fit({
    traces,
    profile,
    fittedAt: new Date().toISOString(),
    signal,
    // The coarse stage looks at more candidates, the fine one at more runs of each.
    onProgress: ({ stage, done, total }) => progress.show('fit', (stage === 'fine' ? 0.5 : 0) + done / total / 2, `${stage}, ${done} of ${total} candidates`),
  });
}

function describe(
  { out, traces, json }: CalibrateOptions,
  optimizer: LatencyOptimizer,
  profile: MeasuredProfile,
  recorded: { readonly new: number; readonly before: number },
  tookMs: number,
): string {
  const { branchMs, candidates, problems } = optimizer.fitted;
  const frontier = optimizer.frontier();
  if (json)
    return `${JSON.stringify({ out, traces, profile: profile.label, problems, recorded, candidates: candidates.length, branchMs, tookMs, frontier }, null, 2)}\n`;
  return [
    `${profile.label}`,
    `${problems} problems (${recorded.new} recordings made now), ${candidates.length} candidates; a branch takes ${branchMs.toFixed(0)} ms`,
    '',
    frontierTable(frontier),
    '',
    `${out} is written in ${(tookMs / 1000).toFixed(0)} s; ask it for a plan: latency-tts plan --from ${out} --deadline ${Math.ceil(2 * branchMs)}ms`,
    `or draw it: latency-tts report --from ${out}`,
    '',
  ].join('\n');
}

function partialOf(out: string): string {
  return `${out}.profile`;
}
