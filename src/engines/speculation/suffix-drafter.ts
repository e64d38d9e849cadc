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
import { TextIndex, type Continuation, type KindOf } from './text-index.ts';

/** Where to look: in the branch and its prompt, in the other branches of the prompt, in requests before it. */
export type SuffixScope = 'lookup' | 'sibling' | 'history';

const KIND_OF_SCOPE: readonly SuffixScope[] = ['lookup', 'sibling', 'history'];
/** Tokens of one prompt and its branches that are remembered. */
const PROMPT_CAPACITY = 65_536;
/** Tokens of all requests that are, where earlier ones are looked in. */
const HISTORY_CAPACITY = 262_144;
/** Last tokens of a text that a look-up is given. */
const CONTEXT = 16;
/** A draft ends where it stands less often than this up to there, or than the request says. */
const LEAST_REACH = 0.02;

/** A text as far as it is in the index. */
interface Cursor {
  readonly text: number;
  /** What would have been proposed after the last token and each that would have followed, and from which length on. */
  guesses: Continuation[];
  guessedFrom: number;
  /** Of its last token. */
  place: number | undefined;
  /** Tokens after the prompt. */
  length: number;
}

/** A prompt and its branches. */
interface PromptTexts {
  readonly index: TextIndex;
  /** Its number. */
  readonly group: number;
  /** Where it ends. */
  readonly prompt: Cursor;
  readonly branches: Map<object, Cursor>;
}

export class SuffixDrafter implements Drafter {
  readonly name: string;
  readonly isFree = true;
  readonly #scopes: ReadonlySet<SuffixScope>;
  readonly #history: TextIndex | undefined;
  readonly #prompts = new Map<object, PromptTexts>();
  readonly #rates = new StandingRates();
  #texts = 0;
  #groups = 0;

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
    for (const { request, cursor } of asked) this.#judge(request, cursor);
    for (const { request, texts, cursor } of asked) {
      while (cursor.length < request.tokens.length) cursor.place = texts.index.add(request.tokens[cursor.length++]!, cursor.place, cursor.text, texts.group);
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
    const group = this.#groups++;
    const prompt = this.#newCursor(undefined);
    for (const token of promptTokens) prompt.place = index.add(token, prompt.place, prompt.text, group);
    const texts = { index, group, prompt, branches: new Map<object, Cursor>() };
    this.#prompts.set(promptTokens, texts);
    return texts;
  }

  #newCursor(place: number | undefined): Cursor {
    return { text: this.#texts++, place, length: 0, guesses: [], guessedFrom: 0 };
  }

  #cursorOf({ index, prompt, branches }: PromptTexts, { branch, tokens }: DraftRequest): Cursor {
    const known = branches.get(branch);
    const isAhead = known && known.length > 0 && (known.length > tokens.length || index.tokenAt(known.place!) !== tokens[known.length - 1]);
    // What a branch took back stays in the index: it was written, after all.
    if (known && !isAhead) return known;
    const cursor = this.#newCursor(prompt.place);
    branches.set(branch, cursor);
    return cursor;
  }

  /** Compares what the branch wrote since the last round with what would have been proposed then. */
  #judge({ tokens }: DraftRequest, { guesses, guessedFrom }: Cursor): void {
    for (const [offset, guess] of guesses.entries()) {
      const written = tokens[guessedFrom + offset];
      if (written === undefined) return;
      this.#rates.record(guess, guess.token === written);
      // The guesses after it were made for another text.
      if (guess.token !== written) return;
    }
  }

  #draft(request: DraftRequest, texts: PromptTexts, cursor: Cursor): Draft {
    const context = contextOf(request);
    const kindOf = this.#kindOf(texts, cursor);
    const guesses: Continuation[] = [];
    const tokens: number[] = [];
    const estimates: number[] = [];
    let reach = 1;
    const leastReach = Math.max(LEAST_REACH, request.leastReach ?? 0);
    while (tokens.length < request.limit && (reach >= leastReach || tokens.length === 0)) {
      const guess = texts.index.follow(context, kindOf);
      if (!guess) break;
      const estimate = this.#rates.rate(guess);
      reach *= estimate;
      guesses.push(guess);
      tokens.push(guess.token);
      estimates.push(estimate);
      context.push(guess.token);
      context.shift();
    }
    cursor.guesses = guesses;
    cursor.guessedFrom = request.tokens.length;
    return { tokens, probs: undefined, estimates };
  }

  #kindOf({ prompt, group }: PromptTexts, own: Cursor): KindOf {
    const [lookup, sibling, history] = KIND_OF_SCOPE.map((scope, kind) => (this.#scopes.has(scope) ? kind : -1)) as [number, number, number];
    return (text, ofGroup) => (ofGroup !== group ? history : text === own.text || text === prompt.text ? lookup : sibling);
  }
}

/** The last tokens of a branch. */
function contextOf({ promptTokens, tokens }: DraftRequest): number[] {
  const own = tokens.slice(-CONTEXT);
  return own.length === CONTEXT ? own : [...promptTokens.slice(-(CONTEXT - own.length)), ...own];
}
