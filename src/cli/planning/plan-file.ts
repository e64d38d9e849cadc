import { rename, writeFile } from 'node:fs/promises';
import { isLatencyTtsError, InvalidOptionError } from '../../errors.ts';
import { readTextFile } from '../../node/read-text-file.ts';
import { LatencyOptimizer } from '../../planning/optimizer/latency-optimizer.ts';
import { isPlanFile, PLAN_FILE_VERSION, planFileOf } from '../../planning/plan-file.ts';
import { loadProfile, type MeasuredProfile } from '../../planning/profile/measured-profile.ts';

export const PLAN_FILE = 'latency-tts-plan.json';

/** What `calibrate` found out. */
export interface PlanFile {
  readonly optimizer: LatencyOptimizer;
  /** Absent where the fit is of a profile that was computed, not measured. */
  readonly profile?: MeasuredProfile;
}

/** @throws {InvalidOptionError} that names the file. */
export async function readPlanFile(path: string): Promise<PlanFile> {
  const saved = await readJson('from', path, 'Write it with `latency-tts calibrate`.');
  if (!isPlanFile(saved) || saved.version !== PLAN_FILE_VERSION) {
    throw new InvalidOptionError('from', `a file of version ${PLAN_FILE_VERSION} that \`latency-tts calibrate\` wrote`, path, 'Calibrate again.');
  }
  try {
    const optimizer = LatencyOptimizer.load(saved);
    return saved.profile === undefined ? { optimizer } : { optimizer, profile: loadProfile(saved) };
  } catch (error) {
    if (!isLatencyTtsError(error)) throw error;
    throw new InvalidOptionError('from', 'a file that `latency-tts calibrate` wrote', path, error.message);
  }
}

/** All at once, so that a file which was there before is whole or replaced. */
export async function writePlanFile(path: string, { optimizer, profile }: PlanFile): Promise<void> {
  const text = JSON.stringify(planFileOf({ fit: optimizer, ...(profile && { profile }) }));
  await writeFile(`${path}.new`, `${text}\n`);
  await rename(`${path}.new`, path);
}

/** An object out of a JSON file. @throws {InvalidOptionError} that names option and file. */
export async function readJson(option: string, path: string, advice: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readOptionFile(option, path, advice);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidOptionError(option, 'a file of JSON', path, advice);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new InvalidOptionError(option, 'a file of one JSON object', path, advice);
  return value as Readonly<Record<string, unknown>>;
}

/** @throws {InvalidOptionError} that names option and file. */
export async function readOptionFile(option: string, path: string, advice: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    throw new InvalidOptionError(option, 'a text file that can be read', path, `${advice} (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
}
