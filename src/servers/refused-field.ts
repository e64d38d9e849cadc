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
  /unsupported(?!.?value)|not (?:\w+ )?(?:supported|permitted|allowed|available|accepted|implemented|recogni[sz]ed)|n['’]t support|not support|not (?:a )?(?:valid|known)|unrecogni[sz]ed|unknown|unexpected|deprecated|no longer|extra.?(?:input|forbidden|field)|no such|leave .{0,30}out|remove|omit|use .{0,20}instead/i;
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
  const { message, labels, param, status } = failure;
  const words = [message, ...labels].join(' ');
  const isRefusal = status === 400 || status === 422;
  // Servers that crash over a field that they do not know say so as well.
  if (!isRefusal && !((status === 500 || status === 501) && UNKNOWN.test(message))) return undefined;
  const fields = Object.entries(sent)
    .flatMap(([name, value]) => [name, ...(name === 'stream_options' ? Object.keys(value as object) : [])])
    .filter((name) => !NEEDED.has(name));
  const named = param === undefined ? undefined : fields.find((field) => param === field || param.startsWith(`${field}.`) || param.endsWith(`.${field}`));
  const field = named ?? (param === undefined || param === '' ? fieldIn(message, fields, promptOf(sent)) : undefined);
  if (field === undefined || !COMPLAINT.test(named === undefined ? message : words)) return undefined;
  if (SAMPLING.test(field) && (VALUE.test(words) || !UNKNOWN.test(words) || new RegExp(`${field}\\W*(?:=|of|to)\\W*\\d`, 'i').test(message))) return undefined;
  return field;
}

/** The field that is mentioned first: what follows may be a list of those that a server does take. */
function fieldIn(message: string, fields: readonly string[], prompt: string): string | undefined {
  const told = plain(message);
  const placeOf = (pattern: string): number =>
    [...told.matchAll(new RegExp(`(?<!\\w)(?:${pattern})(?!\\w)`, 'gi'))].find(({ index, 0: word }) => !isQuoted(told, index, word, prompt))?.index ?? Infinity;
  const found = fields
    // Servers that call their fields otherwise than OpenAI tell them so: `topLogprobs`.
    .map((field) => ({ field, place: placeOf(field.replaceAll('_', '[_ -]?')) }))
    .sort((left, right) => left.place - right.place)[0];
  if (found && found.place < Infinity) return found.field;
  // Prose has it in words of its own.
  return fields.includes('logprobs') && placeOf('(?:top[_ -]?)?log[_ -]?prob(?:s|abilit(?:y|ies))?') < Infinity ? 'logprobs' : undefined;
}

/** Whether a word of a message stands there as it does in the prompt. */
function isQuoted(told: string, index: number, word: string, prompt: string): boolean {
  const before = told.slice(Math.max(0, index - NEAR), index);
  const after = told.slice(index + word.length, index + word.length + NEAR);
  return (before.length === NEAR && prompt.includes(before + word)) || (after.length === NEAR && prompt.includes(word + after));
}

function promptOf(sent: object): string {
  const { prompt, messages } = sent as { readonly prompt?: unknown; readonly messages?: readonly { readonly content?: unknown }[] };
  return plain([prompt, ...(messages ?? []).map(({ content }) => content)].filter((text) => typeof text === 'string').join(' '));
}

/** Quotes of a text differ in their case, spaces and escapes. */
function plain(text: string): string {
  return text.replace(/(?:\\+[nrt]?|&(?:quot|apos|amp|#\d+);|[\s"'`“”‘’])+/g, ' ').toLowerCase();
}
