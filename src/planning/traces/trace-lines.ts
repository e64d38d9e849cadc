/**
 * Trace files: JSON Lines, one problem a line, so that recording can stop anywhere and go on, and large files can be streamed.
 *
 * @module
 */
import * as v from 'valibot';
import type { ProblemTrace } from '../../contracts/trace.ts';
import { InvalidOptionError } from '../../errors.ts';
import { linesOf } from '../saved-text.ts';
import { samplingSchema } from '../../maths/sampling.ts';

const VERSION = 1;

const record = {
  text: v.string(),
  ends: v.array(v.number()),
  logprobs: v.array(v.number()),
  finish: v.picklist(['end', 'stop', 'length', 'context']),
  scores: v.exactOptional(v.array(v.number())),
};
/** Other programs write answers and ids that are numbers as numbers. */
const name = v.union([v.string(), v.pipe(v.number(), v.transform(String))]);
const message = v.object({ role: v.picklist(['system', 'user', 'assistant']), content: v.string() });
const draftOutcome = v.object({ proposed: v.number(), accepted: v.number() });
const traceLine = v.object({
  id: name,
  prompt: v.union([v.string(), v.array(message), v.object({ text: v.string() })]),
  reference: v.exactOptional(name),
  group: v.exactOptional(name),
  promptTokens: v.number(),
  seed: v.number(),
  sampling: v.exactOptional(samplingSchema),
  branches: v.array(
    v.object({
      ...record,
      answer: v.exactOptional(name),
      isRight: v.exactOptional(v.boolean()),
      probes: v.exactOptional(v.array(v.object({ ...record, at: v.number(), suffix: v.string(), suffixTokens: v.number() }))),
    }),
  ),
  drafts: v.exactOptional(v.array(draftOutcome)),
  draftRuns: v.exactOptional(v.array(v.object({ length: v.number(), outcomes: v.array(draftOutcome) }))),
  wallMs: v.exactOptional(v.number()),
});

const versioned = v.object({ version: v.literal(VERSION) });

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
  return completeLines(text).flatMap((line, index) => (line.trim() === '' ? [] : [parseLine(line, index + 1)]));
}

/** The lines of a file without a last one that was cut off. */
export function completeLines(text: string): string[] {
  const lines = linesOf(text);
  return isCutOff(lines.at(-1)!) ? lines.slice(0, -1) : lines;
}

function parseLine(line: string, number: number): ProblemTrace {
  const value = parsed(line);
  const version = v.safeParse(versioned, value);
  const result = v.safeParse(traceLine, value);
  if (version.success && result.success) return result.output;
  const [issue] = version.issues ?? result.issues!;
  const path = v.getDotPath(issue);
  const reason = path === null ? 'It is no JSON object.' : `Its \`${path}\` is ${JSON.stringify(issue.input)?.slice(0, 80) ?? 'missing'}.`;
  throw new InvalidOptionError(`traces line ${number}`, `a trace of version ${VERSION}`, line.slice(0, 80), `${reason} Record it again, or take the line out.`);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Whether a line is the beginning of a JSON object: one whose braces or quotes are still open. */
function isCutOff(line: string): boolean {
  let depth = 0;
  let isQuoted = false;
  for (let at = line.indexOf('{'); at >= 0 && at < line.length; at++) {
    const character = line[at];
    if (isQuoted && character === '\\') at++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && character === '{') depth++;
    else if (!isQuoted && character === '}' && --depth === 0) return false;
  }
  return line.trimStart().startsWith('{') && depth > 0;
}
