import * as v from 'valibot';
import { equivalent } from '../../answers/equivalent.ts';
import { extractAnswer } from '../../answers/extract-answer.ts';
import type { AnswerEquivalence, AnswerExtractor } from '../../contracts/answer.ts';
import type { SamplingOptions } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import type { BranchTrace, ProblemTrace } from '../../contracts/trace.ts';
import { InvalidOptionError } from '../../errors.ts';
import { resolveSampling } from '../../maths/sampling.ts';
import { func, plainObject, readOptions, type EntriesFor } from '../../option-schemas.ts';
import { requirePrompt } from '../../options.ts';
import { optionalName } from './problem-names.ts';
import { TokenEnds } from './token-ends.ts';

/** One text that a model wrote, as logs have it. */
export interface ImportedText {
  readonly prompt: Prompt;
  readonly text: string;
  /** @default found in the text */
  readonly answer?: string | number;
  /** The right answer. Texts of one prompt have the same, and one that gives none takes the others'. */
  readonly reference?: string | number;
  /** @default a quarter of the characters */
  readonly tokens?: number;
  /** Tokens of the prompt. @default a quarter of its characters */
  readonly promptTokens?: number;
  /** Of the prompt's problem: the first that its texts give counts. @default a number that no other problem has */
  readonly id?: string | number;
  readonly group?: string | number;
  /** Scores of its steps, or one of the whole. */
  readonly scores?: readonly number[];
}

export interface ImportTracesOptions {
  /**
   * How the texts were sampled. Of prompts whose texts were sampled in several ways, import those of each way apart, and plans
   * choose among the ways. @default as the engine does that plans will run on
   */
  readonly sampling?: SamplingOptions;
  /** @default after `####`, in `\boxed{}`, or the last number */
  readonly extract?: AnswerExtractor;
  /** Whether an answer is the reference. @default `equivalent` */
  readonly isSame?: AnswerEquivalence;
}

export const importTracesEntries = {
  sampling: v.optional(plainObject<SamplingOptions>()),
  extract: v.optional(func<AnswerExtractor>()),
  isSame: v.optional(func<AnswerEquivalence>()),
} satisfies EntriesFor<ImportTracesOptions>;

const CHARACTERS_A_TOKEN = 4;

/**
 * Traces from texts that exist already, so that a model can be planned for of which there are only logs. Texts with one prompt
 * are branches of one problem. Their tokens are spread evenly; what a branch would have answered early is not known.
 *
 * @throws {InvalidOptionError} without any text, for one with bad fields, for two prompts under one id, for two references of one
 * prompt, and for sampling that makes no sense.
 */
export function importTraces(texts: readonly ImportedText[], options: ImportTracesOptions = {}): ProblemTrace[] {
  if (!Array.isArray(texts) || texts.length === 0) throw new InvalidOptionError('texts', 'a list of at least one', texts);
  readOptions(importTracesEntries, options);
  resolveSampling(options.sampling);
  const byPrompt = new Map<string, PlainText[]>();
  for (const [index, text] of texts.entries()) {
    const plain = plainText(text, `texts[${index}]`);
    const key = JSON.stringify(plain.prompt);
    const known = byPrompt.get(key);
    if (known) known.push(plain);
    else byPrompt.set(key, [plain]);
  }
  const problems = [...byPrompt.values()];
  const ids = idsOf(problems);
  return problems.map((group, index) => traceOf(group, ids[index]!, options));
}

/** An imported text whose names and answers are all strings, and where it stood in the list. */
type PlainText = Omit<ImportedText, NameField> & { readonly [Field in NameField]: string | undefined } & { readonly place: string };
type NameField = 'answer' | 'reference' | 'id' | 'group';

/** Logs are read without types: a number where a string belongs is one in quotes. @throws {InvalidOptionError} */
function plainText(text: ImportedText, place: string): PlainText {
  if (typeof text?.text !== 'string') throw new InvalidOptionError(`${place}.text`, 'a string', text?.text);
  requirePrompt(text.prompt, `${place}.prompt`);
  const name = (field: NameField): string | undefined => optionalName(text[field], `${place}.${field}`);
  return { ...text, place, answer: name('answer'), reference: name('reference'), id: name('id'), group: name('group') };
}

/** The id of each problem: given, or a number that is not. @throws {InvalidOptionError} where two problems have the same. */
function idsOf(problems: readonly (readonly PlainText[])[]): string[] {
  const named = problems.map((texts) => texts.find(({ id }) => id !== undefined));
  const taken = new Map<string, PlainText>();
  for (const text of named) {
    if (text === undefined) continue;
    const other = taken.get(text.id!);
    if (other) throw new InvalidOptionError(`${text.place}.id`, `another id than that of ${other.place}, whose prompt is another`, text.id);
    taken.set(text.id!, text);
  }
  let next = 0;
  return named.map((text) => {
    if (text) return text.id!;
    while (taken.has(String(next))) next++;
    return String(next++);
  });
}

function traceOf(texts: readonly PlainText[], id: string, options: ImportTracesOptions): ProblemTrace {
  const [{ prompt }] = texts as [PlainText];
  const promptTokens = texts.find((text) => text.promptTokens !== undefined)?.promptTokens ?? tokensOf(JSON.stringify(prompt));
  const reference = referenceOf(texts, options);
  const group = texts.find((text) => text.group !== undefined)?.group;
  return {
    id,
    prompt,
    ...(reference !== undefined && { reference }),
    ...(group !== undefined && { group }),
    promptTokens,
    // No run with a seed has just these branches in this order.
    seed: -1,
    ...(options.sampling && { sampling: options.sampling }),
    branches: texts.map((text) => branchOf(text, reference, options)),
  };
}

/** @throws {InvalidOptionError} where texts of one prompt disagree about the right answer. */
function referenceOf(texts: readonly PlainText[], { isSame = equivalent }: ImportTracesOptions): string | undefined {
  const first = texts.find(({ reference }) => reference !== undefined);
  if (!first) return undefined;
  const reference = first.reference!;
  const agreeing = new Set([reference]);
  for (const text of texts) {
    if (text.reference === undefined || agreeing.has(text.reference)) continue;
    if (!isSame(text.reference, reference)) {
      throw new InvalidOptionError(`${text.place}.reference`, `${JSON.stringify(reference)}, which ${first.place} gives for the same prompt`, text.reference);
    }
    agreeing.add(text.reference);
  }
  return reference;
}

function branchOf(
  { text, answer: given, tokens = tokensOf(text), scores }: PlainText,
  reference: string | undefined,
  options: ImportTracesOptions,
): BranchTrace {
  const { extract = extractAnswer, isSame = equivalent } = options;
  const answer = given ?? extract(text);
  return {
    text,
    ends: TokenEnds.whole(text.length, tokens, () => undefined),
    logprobs: [],
    finish: 'end',
    ...(answer !== undefined && { answer }),
    ...(reference !== undefined && { isRight: answer !== undefined && isSame(answer, reference) }),
    ...(scores && { scores }),
  };
}

function tokensOf(text: string): number {
  return Math.max(1, Math.ceil(text.length / CHARACTERS_A_TOKEN));
}
