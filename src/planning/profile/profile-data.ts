import * as v from 'valibot';
import { InvalidOptionError } from '../../errors.ts';
import { isPlanFile } from '../plan-file.ts';
import { parseJson } from '../saved-text.ts';

const Milliseconds = v.pipe(v.number(), v.finite(), v.gtValue(0));
const Cost = v.pipe(v.number(), v.finite(), v.minValue(0));
const Count = v.pipe(v.number(), v.finite(), v.minValue(1));
const Bytes = v.pipe(v.number(), v.finite(), v.minValue(0));
const Text = v.pipe(v.string(), v.minLength(1));

const Model = v.object({
  name: Text,
  fingerprint: v.exactOptional(v.string()),
  vocabularySize: v.exactOptional(Count),
  contextTokens: v.exactOptional(Count),
  settings: v.exactOptional(v.record(v.string(), v.union([v.string(), v.number()]))),
});

const Machine = v.object({
  processor: v.exactOptional(v.string()),
  cores: v.exactOptional(Count),
  memoryBytes: v.exactOptional(Bytes),
  platform: v.exactOptional(v.string()),
  versions: v.exactOptional(v.record(v.string(), v.string())),
});

const Point = v.object({
  rows: Count,
  newTokens: Count,
  contextTokens: v.pipe(v.number(), v.finite(), v.minValue(0)),
  medianMs: Milliseconds,
  p10Ms: Milliseconds,
  p90Ms: Milliseconds,
  samples: v.pipe(v.number(), v.integer(), v.minValue(1)),
});

const Part = v.object({
  part: v.picklist(['target', 'draft', 'prefill', 'draft-prefill', 'scorer']),
  points: v.pipe(v.array(Point), v.minLength(1)),
  /** Time of passes within requests over that of the points, which were timed alone; 1 where it is left out. */
  scale: v.exactOptional(v.pipe(v.number(), v.finite(), v.gtValue(0))),
  spread: v.pipe(v.array(v.tuple([v.pipe(v.number(), v.gtValue(0), v.ltValue(1)), v.pipe(v.number(), v.finite(), v.gtValue(0))])), v.minLength(1)),
});

const Memory = v.object({
  availableBytes: Bytes,
  targetWeightBytes: Bytes,
  targetBytesPerToken: Bytes,
  draftWeightBytes: Bytes,
  draftBytesPerToken: Bytes,
});

const Profile = v.object({
  format: v.literal('latency-tts/profile'),
  version: v.literal(1),
  measuredAt: v.pipe(v.string(), v.isoTimestamp()),
  engine: Text,
  models: v.object({ target: Model, draft: v.exactOptional(Model), scorer: v.exactOptional(Model) }),
  machine: Machine,
  requestMs: Cost,
  branchMs: v.exactOptional(Cost),
  draftRequestMs: v.exactOptional(Cost),
  parts: v.pipe(v.array(Part), v.minLength(1)),
  memory: v.exactOptional(Memory),
});

/** A measured profile as it is saved: plain JSON. */
export type ProfileData = v.InferOutput<typeof Profile>;
/** What a profile was measured on. Fields that a platform does not tell are missing. */
export type MachineIdentity = v.InferOutput<typeof Machine>;
/** One shape's timed passes. */
export type ProfilePoint = v.InferOutput<typeof Point>;
/** The passes of one part, and how single ones spread: `[probability, time over the median]`. */
export type ProfilePart = v.InferOutput<typeof Part>;

/** @param json - A text or what was parsed of it: a saved profile, or a file of `latency-tts calibrate`, which has one. @throws {InvalidOptionError} */
export function parseProfile(json: unknown): ProfileData {
  const parsed = v.safeParse(Profile, profileIn(typeof json === 'string' ? parseText(json) : json));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = ['profile', ...(issue.path ?? []).map(({ key }) => String(key))].join('.');
  const isNewer = path === 'profile.version' && typeof issue.input === 'number';
  const advice = isNewer ? 'It was saved by another version of the library; measure again.' : 'It is no profile that `profileEngine` saved.';
  throw new InvalidOptionError(path, issue.expected ?? 'valid', issue.input, advice);
}

/** The profile itself, or that in a file of `latency-tts calibrate`. */
function profileIn(saved: unknown): unknown {
  return isPlanFile(saved) ? saved.profile : saved;
}

function parseText(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw new InvalidOptionError('profile', 'JSON', text.slice(0, 40), 'The text of a saved profile is needed.');
  }
}
