/**
 * Drafts without a model: what most often followed the last tokens when they occurred before, in the branch's own text and
 * prompt (prompt lookup decoding, Saxena 2023, https://github.com/apoorvumang/prompt-lookup-decoding), in the other branches of
 * the prompt, which often write the same steps (arXiv:2503.05330), or in earlier requests (SuffixDecoding, arXiv:2411.04975).
 *
 * How often such tokens stand is learnt from every token that is written, drafted or not, by how long the match was and how many
 * places agreed. A draft therefore says of each of its tokens how likely it stands.
 *
 * @module
 */
import type { Draft, Drafter, DraftRequest } from '../../contracts/drafter.ts';
import { StandingRates } from './standing-rates.ts';
import { TextIndex, type Continuation } from './text-index.ts';

/** Where to look: in the branch and its prompt, in the other branches of the prompt, in requests before it. */
export type SuffixScope = 'lookup' | 'sibling' | 'history';

/** Tokens of one prompt and its branches that are remembered. */
const PROMPT_CAPACITY = 65_536;
/** Tokens of all requests that are, where earlier ones are looked in. */
const HISTORY_CAPACITY = 262_144;
/** Last tokens of a text that a look-up is given. */
const CONTEXT = 16;
/** A draft ends where it stands less often than this up to there. */
const LEAST_REACH = 0.02;

/** A text as far as it is in the index. */
interface Cursor {
  readonly text: number;
  /** Of its last token. */
  place: number | undefined;
  /** Tokens after the prompt. */
  length: number;
}

/** A prompt and its branches. */
interface PromptTexts {
  readonly index: TextIndex;
  /** Where it ends. */
  readonly prompt: Cursor;
  readonly branches: Map<object, Cursor>;
  /** The prompt's text and its branches'. */
  readonly texts: Set<number>;
}

export class SuffixDrafter implements Drafter {
  readonly name: string;
  readonly isFree = true;
  readonly #scopes: ReadonlySet<SuffixScope>;
  readonly #history: TextIndex | undefined;
  readonly #prompts = new Map<object, PromptTexts>();
  readonly #rates = new StandingRates();
  #texts = 0;

  /** @param scopes - At least one. */
  constructor(scopes: readonly SuffixScope[]) {
    this.name = scopes.join(' and ');
    this.#scopes = new Set(scopes);
    if (this.#scopes.has('history')) this.#history = new TextIndex(HISTORY_CAPACITY);
  }

  async propose(requests: readonly DraftRequest[]): Promise<Draft[]> {
    const asked = requests.map((request) => {
      const texts = this.#textsOf(request);
      return { request, texts, cursor: this.#cursorOf(texts, request) };
    });
    // All are judged before any is added: drafts of this round could not know of one another's tokens either.
    for (const { request, texts, cursor } of asked) this.#judge(request, texts, cursor);
    for (const { request, texts, cursor } of asked) {
      while (cursor.length < request.tokens.length) cursor.place = texts.index.add(request.tokens[cursor.length++]!, cursor.place, cursor.text);
    }
    return asked.map(({ request, texts, cursor }) => this.#draft(request, texts, cursor));
  }

  forget(key: object): void {
    this.#prompts.delete(key);
    for (const { branches } of this.#prompts.values()) branches.delete(key);
  }

  async dispose(): Promise<void> {
    this.#prompts.clear();
  }

  #textsOf({ promptTokens }: DraftRequest): PromptTexts {
    const known = this.#prompts.get(promptTokens);
    if (known) return known;
    const index = this.#history ?? new TextIndex(PROMPT_CAPACITY);
    const prompt: Cursor = { text: this.#texts++, place: undefined, length: 0 };
    for (const token of promptTokens) prompt.place = index.add(token, prompt.place, prompt.text);
    const texts = { index, prompt, branches: new Map<object, Cursor>(), texts: new Set([prompt.text]) };
    this.#prompts.set(promptTokens, texts);
    return texts;
  }

  #cursorOf({ index, prompt, branches, texts }: PromptTexts, { branch, tokens }: DraftRequest): Cursor {
    const known = branches.get(branch);
    const isAhead = known && known.length > 0 && (known.length > tokens.length || index.tokenAt(known.place!) !== tokens[known.length - 1]);
    // What a branch took back stays in the index: it was written, after all.
    if (known && !isAhead) return known;
    const cursor: Cursor = { text: this.#texts++, place: prompt.place, length: 0 };
    branches.set(branch, cursor);
    texts.add(cursor.text);
    return cursor;
  }

  /** Compares what the branch wrote since the last round with what would have been proposed. */
  #judge(request: DraftRequest, texts: PromptTexts, cursor: Cursor): void {
    const { tokens } = request;
    const context = contextOf(request, cursor.length);
    for (let at = cursor.length; at < tokens.length; at++) {
      const guess = texts.index.follow(context, (text) => this.#isWanted(text, texts, cursor));
      if (guess) this.#rates.record(guess, guess.token === tokens[at]);
      push(context, tokens[at]!);
    }
  }

  #draft(request: DraftRequest, texts: PromptTexts, cursor: Cursor): Draft {
    const context = contextOf(request, request.tokens.length);
    const isWanted = (text: number): boolean => this.#isWanted(text, texts, cursor);
    const tokens: number[] = [];
    const estimates: number[] = [];
    let reach = 1;
    while (tokens.length < request.limit && reach >= LEAST_REACH) {
      const guess: Continuation | undefined = texts.index.follow(context, isWanted);
      if (!guess) break;
      const estimate = this.#rates.rate(guess);
      reach *= estimate;
      tokens.push(guess.token);
      estimates.push(estimate);
      push(context, guess.token);
    }
    return { tokens, probs: undefined, estimates };
  }

  #isWanted(text: number, { prompt, texts }: PromptTexts, own: Cursor): boolean {
    if (text === own.text || text === prompt.text) return this.#scopes.has('lookup');
    return this.#scopes.has(texts.has(text) ? 'sibling' : 'history');
  }
}

/** The last tokens of a branch when it had `length` of its own. */
function contextOf({ promptTokens, tokens }: DraftRequest, length: number): number[] {
  const own = tokens.slice(Math.max(0, length - CONTEXT), length);
  return own.length === CONTEXT ? own : [...promptTokens.slice(-(CONTEXT - own.length)), ...own];
}

function push(context: number[], token: number): void {
  context.push(token);
  if (context.length > CONTEXT) context.shift();
}
