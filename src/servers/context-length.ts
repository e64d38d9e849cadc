/**
 * "Your prompt is too long", as servers say it. Figures are read where they are told, and never made up.
 *
 * @module
 */
import { ContextLengthError } from '../errors.ts';
import type { ToldFailure } from './told-failure.ts';

/** What says that it is about length at all. */
const ABOUT_LENGTH =
  /context.?(?:length|size|window|limit)|(?:model|prompt|input|allowed) length|n_ctx|(?:prompt|input|messages?|context|request)\b.{0,40}too long|too long.{0,40}context|too many tokens|token count|model token limit|tokens? > \d+ maximum|must have less than \d+ tokens|max_new_tokens` must be|exceeds (?:the )?limit of|reduce the length/i;
const LABEL = /context.?(?:length|size|window)/i;

/**
 * Sentences with figures, the telling ones first: `context` is what the model holds; `needed` is the whole, or else `prompt` and
 * `more`, what was to be written behind it. `test/servers/context-length.test.ts` has who says which.
 */
const SENTENCES: readonly RegExp[] = [
  /(?<prompt>\d+) \+ (?<more>\d+) > (?<context>\d+)/,
  /(?<needed>\d+) tokens? > (?<context>\d+)/,
  /must be <= (?<context>\d+)\D+(?<prompt>\d+)\D+(?<more>\d+)/,
  /must have less than (?<context>\d+) tokens\D+(?<needed>\d+)/,
  /too large: (?<more>\d+)\D+context length is (?<context>\d+)\D+(?<prompt>\d+) input/,
  /length (?:is|of) (?<context>\d+).*?total of (?:at least )?(?<needed>\d+)/s,
  /contains (?<needed>\d+) tokens.*?(?<context>\d+) maximum/s,
  /n_keep: (?<needed>\d+) ?>=? ?n_ctx: (?<context>\d+)/,
  /cannot exceed (?<context>\d+) - received (?<needed>\d+)/,
  /too long: (?<needed>\d+)\D+length: (?<context>\d+)/,
  /length is (?<needed>\d+) while limit is (?<context>\d+)/,
  /first (?<needed>\d+) tokens\D+length of only (?<context>\d+)/,
  /(?<needed>\d+)[^\d.]*?(?:exceed|longer than|larger than|greater than|too long)\D*(?<context>\d+)/,
  /(?:length|window|size|limit)\D{0,40}?(?<context>\d+)\D+(?<needed>\d+)/,
  /(?:length|window|size|limit)(?: is| of|:) (?<context>\d+)(?! tokens\b.*\d)/s,
];

/** The error that a failure stands for where it is about length. */
export function contextLengthError({ message, labels, figures, status }: ToldFailure): ContextLengthError | undefined {
  const isLabelled = labels.some((label) => LABEL.test(label));
  if (!isLabelled && (status === 429 || !ABOUT_LENGTH.test(message))) return undefined;
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
  return isLabelled || !/\d/.test(plain) ? new ContextLengthError(undefined, undefined) : undefined;
}
