/**
 * "Your prompt is too long", as servers say it. Figures are read where they are told, and never made up.
 *
 * @module
 */
import { ContextLengthError } from '../errors.ts';
import type { ToldFailure } from './told-failure.ts';

/** What says that it is about the context, whatever the figures. */
const ABOUT_CONTEXT =
  /context.?(?:length|size|window|limit)|\bmax_(?:model|seq)_len|(?:prompt|input) (?:is )?too long|(?:prompt|input)\b.{0,30}exceeds? (?:the )?max|too many tokens|model token limit/i;
/** What may be about it: its figures show. */
const ABOUT_LENGTH =
  /(?:model|prompt|input|allowed|sequence) length|n_ctx|(?:prompt|input|messages?|context|request)\b.{0,40}too long|too long.{0,40}context|token count|tokens? > \d+ maximum|must have less than \d+ tokens|max_new_tokens` must be|exceeds (?:the )?limit of|exceeds? max|fit\b.{0,20}context|reduce the length/i;
/** Lengths of something else. */
const ELSEWHERE = /\bstring\b.{0,20}(?:long|length)|\bcharacters?\b|maximum value for .?max_tokens|took too long/i;
const LABEL = /context.?(?:length|size|window)|^tokens_limit_reached$|max_prompt_tokens/i;

/**
 * Sentences with figures, the telling ones first: `context` is what the model holds; `needed` is the whole, or else `prompt` and
 * `more`, what was to be written after it. `test/servers/context-length.test.ts` has who says which.
 */
const SENTENCES: readonly RegExp[] = [
  /(?<prompt>\d+) \+ (?<more>\d+) > (?<context>\d+)/,
  /(?<needed>\d+)(?: tokens?)? > (?<context>\d+)/,
  /must be <= (?<context>\d+)\D+(?<prompt>\d+)\D+(?<more>\d+)/,
  /must have less than (?<context>\d+) tokens\D+(?<needed>\d+)/,
  /(?<prompt>\d+) input tokens and requested (?<more>\d+) output tokens.*?length is only (?<context>\d+)/s,
  /too large: (?<more>\d+)\D+context length is (?<context>\d+)\D+(?<prompt>\d+) input/,
  /length (?:is|of) (?<context>\d+).*?total of (?:at least )?(?<needed>\d+)/s,
  /length should be \[\d+, ?(?<context>\d+)\]/,
  /contains (?<needed>\d+) tokens.*?(?<context>\d+) maximum/s,
  /n_keep: (?<needed>\d+) ?>=? ?n_ctx: (?<context>\d+)/,
  /cannot exceed (?<context>\d+) - received (?<needed>\d+)/,
  /too long\W{1,3}(?<needed>\d+)\D+(?<context>\d+)/,
  /length is (?<needed>\d+) while limit is (?<context>\d+)/,
  /first (?<needed>\d+) tokens\D+length of only (?<context>\d+)/,
  /count is (?<needed>\d+)\D+(?:supports?|limit|max)\D*(?<context>\d+)/,
  /(?<needed>\d+)(?:\.\d+)?\).*?should not exceed\D*(?<context>\d+)/s,
  /(?<needed>\d+)[^\d.]*?(?:exceed|longer than|larger than|greater than|too long|not fit)\D*(?<context>\d+)/,
  /(?:length|window|size|limit)\D{0,40}?(?<context>\d+)\D+(?<needed>\d+)/,
  /(?:length|window|size|limit)(?: is| of|:) (?<context>\d+)(?!\d)(?! tokens\b.*\d{3})/s,
];

/** The error that a failure stands for where it is about length. */
export function contextLengthError({ message, labels, figures, status }: ToldFailure): ContextLengthError | undefined {
  const isLabelled = labels.some((label) => LABEL.test(label));
  const isAboutContext = isLabelled || ABOUT_CONTEXT.test(message);
  if (!isLabelled && (status === 429 || ELSEWHERE.test(message) || !(isAboutContext || ABOUT_LENGTH.test(message)))) return undefined;
  const { n_prompt_tokens: prompt, n_ctx: context } = figures;
  if (typeof prompt === 'number' && typeof context === 'number') return new ContextLengthError(prompt, context);
  const plain = message.replace(/(\d),(?=\d{3}\b)/g, '$1');
  for (const sentence of SENTENCES) {
    const groups = sentence.exec(plain)?.groups;
    if (!groups) continue;
    const needed = groups['needed'] === undefined && groups['prompt'] !== undefined ? Number(groups['prompt']) + Number(groups['more']) : groups['needed'];
    if (needed === undefined || Number(needed) >= Number(groups['context'])) {
      return new ContextLengthError(needed === undefined ? undefined : Number(needed), Number(groups['context']));
    }
  }
  // Whatever else mentions length and figures may be about something else.
  return isAboutContext || !/\d/.test(plain) ? new ContextLengthError(undefined, undefined) : undefined;
}
