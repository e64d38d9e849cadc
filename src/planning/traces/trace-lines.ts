/**
 * Trace files: JSON Lines, one problem a line, so that recording can stop anywhere and go on, and large files can be streamed.
 *
 * @module
 */
import * as v from 'valibot';
import type { ProblemTrace } from '../../contracts/trace.ts';
import { InvalidOptionError } from '../../errors.ts';
import { samplingOptions } from './sampling-options.ts';

const VERSION = 1;

const record = {
  text: v.string(),
  ends: v.array(v.number()),
  logprobs: v.array(v.number()),
  finish: v.picklist(['end', 'stop', 'length', 'context']),
  scores: v.exactOptional(v.array(v.number())),
};
const message = v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() });
const draftOutcome = v.object({ proposed: v.number(), accepted: v.number() });
const traceLine = v.object({
  id: v.string(),
  prompt: v.union([v.string(), v.array(message), v.object({ text: v.string() })]),
  reference: v.exactOptional(v.string()),
  group: v.exactOptional(v.string()),
  promptTokens: v.number(),
  seed: v.number(),
  sampling: v.exactOptional(samplingOptions),
  branches: v.array(
    v.object({
      ...record,
      answer: v.exactOptional(v.string()),
      isRight: v.exactOptional(v.boolean()),
      probes: v.exactOptional(v.array(v.object({ ...record, at: v.number(), suffix: v.string(), suffixTokens: v.number() }))),
    }),
  ),
  drafts: v.exactOptional(v.array(draftOutcome)),
  draftRuns: v.exactOptional(v.array(v.object({ length: v.number(), outcomes: v.array(draftOutcome) }))),
  wallMs: v.exactOptional(v.number()),
});

/** One line of a trace file, with its line break. */
export function formatTrace(trace: ProblemTrace): string {
  return `${JSON.stringify({ version: VERSION, ...trace })}\n`;
}

/**
 * Traces out of the lines of a file. A last line that was cut off while it was written is left out.
 *
 * @throws {InvalidOptionError} that names the line which is no trace.
 */
export function parseTraces(text: string): ProblemTrace[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const parsed = parseLine(line);
    if (parsed) return [parsed];
    if (index === lines.length - 1) return [];
    throw new InvalidOptionError(`traces line ${index + 1}`, `a trace of version ${VERSION}`, line.slice(0, 80), 'Record the traces anew.');
  });
}

function parseLine(line: string): ProblemTrace | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!v.is(v.object({ version: v.literal(VERSION) }), value)) return undefined;
  const result = v.safeParse(traceLine, value);
  return result.success ? result.output : undefined;
}
