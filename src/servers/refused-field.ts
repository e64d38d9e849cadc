/**
 * Which field of a request a server does not take, by what it says of it.
 *
 * @module
 */
import type { ToldFailure } from './told-failure.ts';

/** Fields that choose how tokens are drawn: without one of them, the texts are others than were asked for. */
const SAMPLING = /^(?:temperature|top_p|top_k|min_p|repetition_penalty|repeat_penalty|max_tokens|max_completion_tokens)$/;
/** Says that there is no such field. */
const UNKNOWN =
  /unsupported.?param|not (?:\w+ )?(?:supported|permitted|allowed|available|accepted|implemented|recogni[sz]ed)|n['’]t support|not support|unrecogni[sz]ed|unknown|unexpected|extra.?(?:input|forbidden|field)|no such|leave .{0,30}out|remove|omit|use .{0,20}instead/i;
/** Says that the field is known and its value is not. */
const VALUE =
  /unsupported.?value|invalid.?value|out of range|\bbetween\b|\bmust\b|\bshould be\b|at (?:most|least)|less than|greater than|only the default|does not support [\d.]|too (?:large|small|high|low|many)|less_than|greater_than|\brange\b|exceeds?\b/i;
/** What either kind of complaint has in it. */
const COMPLAINT = new RegExp(`${UNKNOWN.source}|${VALUE.source}|invalid|reject|refus|disabled?|enabled?|requires?|not (?:set|configured)|cannot|can't`, 'i');
/** Fields that no request can do without, whose names are words of any message. */
const NEEDED = new Set(['model', 'messages', 'prompt', 'stream', 'stop']);
/** Characters on one side of a word that show where it stands. */
const NEAR = 12;

/**
 * The field of the request that a refusal is about and that it can do without; `undefined` where it is about something else:
 * a word of the prompt that the server quotes, or the value of a field that matters.
 *
 * @param sent - The body of the request.
 */
export function refusedField(failure: ToldFailure, sent: object): string | undefined {
  const { message, labels, param } = failure;
  const words = [message, ...labels].join(' ');
  const fields = Object.entries(sent)
    .flatMap(([name, value]) => [name, ...(name === 'stream_options' ? Object.keys(value as object) : [])])
    .filter((name) => !NEEDED.has(name));
  const named = param === undefined ? undefined : fields.find((field) => param === field || param.startsWith(`${field}.`) || param.endsWith(`.${field}`));
  const field = named ?? (param === undefined || param === '' ? fieldIn(message, fields, promptOf(sent)) : undefined);
  if (field === undefined || !COMPLAINT.test(words)) return undefined;
  if (SAMPLING.test(field) && (VALUE.test(words) || !UNKNOWN.test(words))) return undefined;
  return field;
}

/** Longer names first: `top_logprobs` also has `logprobs` in it. */
function fieldIn(message: string, fields: readonly string[], prompt: string): string | undefined {
  const told = plain(message);
  const isAbout = (pattern: string): boolean =>
    [...told.matchAll(new RegExp(`(?<!\\w)(?:${pattern})(?!\\w)`, 'gi'))].some(({ index, 0: word }) => !isQuoted(told, index, word, prompt));
  const found = [...fields].sort((left, right) => right.length - left.length).find(isAbout);
  if (found !== undefined) return found;
  // Prose has it in words of its own.
  return fields.includes('logprobs') && isAbout('log[ -]?prob(?:s|abilit(?:y|ies))?') ? 'logprobs' : undefined;
}

/** Whether a word of a message stands there as it does in the prompt. */
function isQuoted(told: string, index: number, word: string, prompt: string): boolean {
  const before = told.slice(Math.max(0, index - NEAR), index);
  const behind = told.slice(index + word.length, index + word.length + NEAR);
  return (before.length === NEAR && prompt.includes(before + word)) || (behind.length === NEAR && prompt.includes(word + behind));
}

function promptOf(sent: object): string {
  const { prompt, messages } = sent as { readonly prompt?: unknown; readonly messages?: readonly { readonly content?: unknown }[] };
  return plain([prompt, ...(messages ?? []).map(({ content }) => content)].filter((text) => typeof text === 'string').join(' '));
}

/** Quotes of a text differ in their spaces and escapes. */
function plain(text: string): string {
  return text.replace(/\\[nrt"'\\]|[\s"'`“”‘’]+/g, ' ');
}
