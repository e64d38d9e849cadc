/**
 * Asking an unfinished branch for its answer: the cap of budget forcing (s1, Muennighoff et al. 2025, arXiv:2501.19393),
 * with the cap set by time. Thoughts that are open are closed, text that begins the answer in the form the prompt asked for is
 * appended, and decoding goes on to where that form ends.
 *
 * @module
 */
import * as v from 'valibot';
import { extractAnswer } from '../answers/extract-answer.ts';
import type { AnswerExtractor } from '../contracts/answer.ts';
import type { Segment, Session } from '../contracts/engine.ts';
import { optionsSchema, texts, value, wholeNumber, type OptionsOf, type SettingsOf } from '../option-schemas.ts';
import type { BranchRecorder } from '../runtime/branch-recorder.ts';
import type { RunScope } from '../runtime/run-scope.ts';
import { answerFormOf, BOXED_FORM, markedForm, type AnswerForm } from './answer-form.ts';

export const forcedAnswerEntries = {
  /**
   * Appended to the unfinished text. Leading line breaks are left out where the text ends with one.
   *
   * @default what the model's files declare, else text that begins an answer in the form the prompt asked for: `\boxed{…}`,
   *   `Answer: …`, JSON, `####`, "the answer is …", a tag, a letter; a box where it asked for none
   */
  suffix: v.optional(value<string>('text that is not empty', (given) => typeof given === 'string' && given.trim() !== '')),
  /**
   * Most tokens of the answer. Where it is given, as many model steps are kept in reserve. Whole number ≥ 1.
   *
   * @default what the form needs, from 4 for a letter to 24 for a box
   */
  maxTokens: v.optional(wholeNumber(1)),
  /** The answer ends here. @default where the form ends: a closing brace, the end of a line or sentence */
  stop: v.optional(texts()),
};

export interface ForcedAnswerOptions extends OptionsOf<typeof forcedAnswerEntries> {}

/** Options that were checked; what is `undefined` goes by the model and the prompt. */
export type ForcedAnswer = SettingsOf<typeof forcedAnswerEntries>;

export const forcedAnswerSchema: v.GenericSchema<ForcedAnswerOptions, ForcedAnswer> = /* @__PURE__ */ optionsSchema(forcedAnswerEntries);

/** How the branches of one run are asked for their answers. */
export interface AnswerRequest extends AnswerForm {
  /** Model steps to keep in reserve. */
  readonly reserveSteps: number;
  /** Whether the prompt ends within a thought, so that a text without a closing tag is one. */
  readonly opensThought: boolean;
}

/** Tokens that nearly all answers of a form do with: more would cut branches that were about to end by themselves. */
const USUAL_TOKENS = 12;
/** The appended text is one step, and one more covers a slow one. */
const FURTHER_STEPS = 2;
/** Characters of appended text that take as long to read as one more step, on processors that read a token in half a step. */
const CHARACTERS_A_STEP = 8;
/** An answer in words is short; a longer sentence is the beginning of an explanation. */
const MOST_WORDS = 8;

/**
 * How branches are asked, by the options, by what the model's files declare, else by the form that the prompt asks for.
 *
 * @param texts - Of the prompt.
 * @returns `undefined` where an answer cannot be short: code.
 */
export function answerRequest(
  { suffix, maxTokens, stop }: ForcedAnswer,
  texts: readonly string[],
  session: Pick<Session, 'answerSuffix' | 'opensThought'>,
): AnswerRequest | undefined {
  const marked = suffix ?? session.answerSuffix;
  const form = marked === undefined ? answerFormOf(texts) : markedForm(marked);
  if (!form) return undefined;
  return {
    ...form,
    ...(stop && { stop, isClosed: () => true }),
    maxTokens: maxTokens ?? form.maxTokens,
    reserveSteps: stepsToAnswer(maxTokens ?? Math.min(form.maxTokens, USUAL_TOKENS)) + Math.floor(form.opening('').trim().length / CHARACTERS_A_STEP),
    // A server's first texts tell.
    get opensThought() {
      return session.opensThought ?? false;
    },
  };
}

/** As `answerRequest`, for strategies that cannot do without: a box where nothing else is known. */
export function anyAnswerRequest(forced: ForcedAnswer, texts: readonly string[], session: Pick<Session, 'answerSuffix' | 'opensThought'>): AnswerRequest {
  return answerRequest(forced, texts, session) ?? answerRequest(forced, [], session) ?? { ...BOXED_FORM, reserveSteps: stepsToAnswer(), opensThought: false };
}

/** Model steps that an answer takes, appended text included. @param tokens - @default those that nearly all answers do with */
export function stepsToAnswer(tokens = USUAL_TOKENS): number {
  return tokens + FURTHER_STEPS;
}

/** Model steps to keep in reserve. */
export function reservedSteps(request: AnswerRequest | undefined): number {
  return request?.reserveSteps ?? 0;
}

/** Whether one more character could change the answer: a text cut after `#### 4` may have been about to say 42. */
export function isAnswerOpen(text: string, extract: AnswerExtractor): boolean {
  return extract(`${text}0`) !== extract(text);
}

/** What is appended to a text to ask for the answer: the end of what is open in it, and the beginning of the answer. */
export function suffixAfter(text: string, request: AnswerRequest): string {
  const closing = closingOf(text, request);
  return closing + openingAfter(text + closing, request);
}

type Limits = Pick<RunScope, 'deadlineAt' | 'signal'>;

/**
 * Brings an unfinished branch to its answer: asks for it, or lets one go on that has begun. An answer that is whole needs neither.
 *
 * @param extract - Finds an answer that is written out.
 */
export async function forceAnswer(recorder: BranchRecorder, request: AnswerRequest, extract: AnswerExtractor, limits: Limits): Promise<void> {
  const { text } = recorder.branch;
  // What a thought says is not the last word.
  if (openThought(text, request) !== undefined) return void (await askForAnswer(recorder, request, limits));
  const begun = request.begun(text);
  if (begun !== undefined) {
    recorder.markAnswer(answerStart(text, begun));
    await decodeAnswer(recorder, request, begun, limits);
  } else if (extract(text) === undefined) await askForAnswer(recorder, request, limits);
  else if (isAnswerOpen(text, extract)) await decodeAnswer(recorder, request, '', limits);
}

/**
 * Asks a branch for its answer, whatever it has written so far.
 *
 * @param closing - Ends what is open in the text. @default what ends an open thought or block
 * @returns what it said.
 */
export async function askForAnswer(recorder: BranchRecorder, request: AnswerRequest, limits: Limits, closing?: string): Promise<string> {
  const { branch } = recorder;
  const { text } = branch;
  const end = closing ?? closingOf(text, request);
  const opening = openingAfter(text + end, request);
  await branch.force(end + opening);
  recorder.markForced(branch.text.length - opening.length);
  return decodeAnswer(recorder, request, '', limits);
}

async function decodeAnswer(recorder: BranchRecorder, request: AnswerRequest, begun: string, { deadlineAt, signal }: Limits): Promise<string> {
  const { branch } = recorder;
  const said = await writeAnswer(request, begun, async (until) => recorder.add(await branch.advance({ until, deadlineAt, ...(signal && { signal }) })));
  const closing = recorder.finish === 'stop' ? request.closing(said) : '';
  if (closing !== '') await branch.force(closing);
  return said + closing;
}

/**
 * Decodes to where the form of the answer ends.
 *
 * @param begun - What of the answer is there.
 * @param advance - Decodes a segment of it.
 * @returns what was said.
 */
export async function writeAnswer(
  { maxTokens, stop, isClosed }: AnswerRequest,
  begun: string,
  advance: (until: { readonly tokens: number; readonly stop: readonly string[] }) => Promise<Segment>,
): Promise<string> {
  let said = begun;
  for (let tokens = maxTokens; tokens > 0;) {
    const segment = await advance({ tokens, stop });
    said += segment.text;
    tokens -= Math.max(1, segment.tokenCount);
    if (segment.finish !== 'stop' || isClosed(said)) break;
  }
  return said;
}

/** The answer of a branch that was asked for it. @param from - Where the text of the answer begins. */
export function answerAsked(text: string, from: number, request: AnswerRequest): string | undefined {
  const tail = text.slice(from);
  const answer = request.read ? request.read(tail) : extractAnswer(tail);
  return answer !== undefined && isProse(answer) ? undefined : answer;
}

function isProse(answer: string): boolean {
  return !/[\\$=]/.test(answer) && answer.trim().split(/\s+/).length > MOST_WORDS;
}

/** Where the line or the box begins that an answer has begun in. */
function answerStart(text: string, begun: string): number {
  const inside = text.length - begun.length;
  return Math.max(text.lastIndexOf('\n', inside - 1) + 1, 0);
}

function openingAfter(text: string, request: AnswerRequest): string {
  const opening = request.opening(text);
  return text === '' || text.endsWith('\n') ? opening.replace(/^\n+/, '') : opening;
}

/** Tags between which models think, opening and closing ones. */
const THOUGHTS = [
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
  ['<thought>', '</thought>'],
  ['<reasoning>', '</reasoning>'],
  ['[THINK]', '[/THINK]'],
] as const;

/** The tag that closes the thought a text ends in; `undefined` where it ends in none. */
function openThought(text: string, { opensThought }: Pick<AnswerRequest, 'opensThought'>): string | undefined {
  const open = THOUGHTS.find(([opening, closing]) => text.lastIndexOf(opening) > text.lastIndexOf(closing));
  if (open) return open[1];
  return opensThought && !THOUGHTS.some(([, closing]) => text.includes(closing)) ? THOUGHTS[0][1] : undefined;
}

/** Whether a text ends in the middle of a thought, whose last word is still to come. */
export function isThinking(text: string, { opensThought = false }: Pick<Session, 'opensThought'>): boolean {
  return openThought(text, { opensThought }) !== undefined;
}

/** Ends an open thought, else an open block of code that the answer is no part of. */
function closingOf(text: string, request: AnswerRequest): string {
  const thought = openThought(text, request);
  if (thought !== undefined) return `${text === '' || text.endsWith('\n') ? '' : '\n'}${thought}\n\n`;
  if (request.name === 'json' || request.name === 'marked') return '';
  const fences = text.match(/^[ \t]*```/gm)?.length ?? 0;
  const end = fences % 2 === 1 ? '```\n' : text.lastIndexOf('\\[') > text.lastIndexOf('\\]') ? '\\]' : '';
  return end === '' || text.endsWith('\n') ? end : `\n${end}`;
}
