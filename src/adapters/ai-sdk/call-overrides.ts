import * as v from 'valibot';
import { InvalidOptionError } from '../../errors.ts';

const Overrides = v.strictObject({
  deadlineMs: v.optional(v.pipe(v.number(), v.finite(), v.gtValue(0))),
  strategy: v.optional(v.string()),
  seed: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  branchTexts: v.optional(v.boolean()),
});

/** What a call may say in `providerOptions.latencyTts`: plain data that takes the place of what the model was made with. */
export type LatencyTtsCallOptions = v.InferOutput<typeof Overrides>;

/** @throws {InvalidOptionError} with the place in `providerOptions`. */
export function readOverrides(given: unknown): LatencyTtsCallOptions {
  const parsed = v.safeParse(Overrides, given ?? {});
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = ['providerOptions.latencyTts', v.getDotPath(issue)].filter((part) => part !== null).join('.');
  const known = Object.keys(Overrides.entries).join(', ');
  const expected = issue.expected === 'never' ? 'left out' : describeExpected(issue);
  throw new InvalidOptionError(path, expected, issue.input, `Known are ${known}.`);
}

function describeExpected({ expected, message }: v.BaseIssue<unknown>): string {
  if (expected === null) return message;
  return /^[<>]/.test(expected) ? `a number ${expected}` : `a value of type ${expected}`;
}
