import type { Segment } from '../../contracts/engine.ts';
import type { CompletionDelta, CompletionUsage, Drafts } from '../../servers/completion-delta.ts';

export interface WritingLimits {
  readonly stop: readonly string[];
  /** Whether the server was asked to end at stop strings, and its own last words are worth waiting for. */
  readonly isStopSent: boolean;
  readonly tokens: number;
}

/** What a segment gives, but for its times. */
export type Written = Pick<Segment, 'text' | 'reasoning' | 'tokenCount' | 'tokens' | 'logprobs' | 'topLogprobs' | 'topTokens' | 'stop'>;

interface Counts {
  /** Pieces of text: the fewest tokens there can have been. */
  pieces: number;
  reasoningPieces: number;
  /** Pieces whose tokens were not told one by one. */
  untoldPieces: number;
  /** Tokens that were told one by one. */
  places: number;
  usage: Partial<CompletionUsage>;
  drafts: Drafts | undefined;
}

const NOTHING: Counts = { pieces: 0, reasoningPieces: 0, untoldPieces: 0, places: 0, usage: {}, drafts: undefined };

/** One segment as it is received, over as many requests as it takes. */
export class Writing {
  readonly #limits: WritingLimits;
  #text = '';
  #reasoning = '';
  #stop: string | undefined;
  /** Where the text ends by a stop string, once there is one. */
  #end = Infinity;
  #tokenIds: number[] = [];
  #logprobs: (number | undefined)[] = [];
  #topLogprobs: (readonly number[])[] = [];
  #topTokens: (readonly number[])[] = [];
  /** The request under way. */
  #current: Counts = { ...NOTHING };
  #earlier = { tokens: 0, reasoning: 0, promptTokens: 0, cachedPromptTokens: 0, proposed: 0, accepted: 0, isExact: true, hasDrafts: false };
  /** Tokens that came behind a boundary. */
  #beyond = 0;

  constructor(limits: WritingLimits) {
    this.#limits = limits;
  }

  get text(): string {
    return this.#text.slice(0, this.#end);
  }

  /** Thoughts that the server keeps apart. */
  get reasoning(): string {
    return this.#reasoning;
  }

  /** Whether the request under way has brought thoughts and no text. */
  get isThinking(): boolean {
    return this.#current.reasoningPieces > 0 && this.#current.pieces === 0;
  }

  get tokenCount(): number {
    return this.#earlier.tokens + this.#currentTokens();
  }

  /** Whether a stop string ends the text. */
  get stop(): string | undefined {
    return this.#stop;
  }

  /** Adds what came; true where nothing more is wanted. */
  take(delta: CompletionDelta): boolean {
    const counts = this.#current;
    counts.usage = mergeUsage(counts.usage, delta.usage);
    counts.drafts = delta.drafts ?? counts.drafts;
    if (delta.reasoning !== '') counts.reasoningPieces++;
    this.#reasoning += delta.reasoning;
    const { places } = delta;
    if (delta.text === '' && places === 0) return false;
    if (this.#isOver(places)) {
      // The server goes on behind a boundary it was told of.
      this.#beyond += Math.max(1, places);
      return true;
    }
    counts.pieces++;
    if (places === 0) counts.untoldPieces++;
    counts.places += places;
    this.#tokenIds.push(...delta.tokenIds);
    this.#logprobs.push(...delta.logprobs);
    this.#topLogprobs.push(...delta.topLogprobs);
    this.#topTokens.push(...delta.topTokens);
    this.#append(delta.text);
    return this.#stop !== undefined && (!this.#limits.isStopSent || this.#text.length > this.#end);
  }

  /** The server says which stop string it met, and has left it out. */
  tellStop(stop: string): void {
    if (this.#stop !== undefined || !this.#limits.stop.includes(stop)) return;
    this.#append(stop);
  }

  /** Drops what has come: it is written again from the beginning. All requests must be settled. */
  startOver(): void {
    this.#beyond += this.#earlier.tokens;
    this.#earlier = { ...this.#earlier, tokens: 0 };
    this.#text = '';
    this.#reasoning = '';
    this.#stop = undefined;
    this.#end = Infinity;
    this.#tokenIds = [];
    this.#logprobs = [];
    this.#topLogprobs = [];
    this.#topTokens = [];
  }

  /** Ends the account of one request; the next one goes on behind its text. */
  settleRequest(): void {
    const { usage, drafts } = this.#current;
    const earlier = this.#earlier;
    earlier.isExact &&= this.#isExact();
    earlier.tokens += this.#currentTokens();
    earlier.reasoning += this.#currentReasoning();
    earlier.promptTokens += usage.promptTokens ?? 0;
    earlier.cachedPromptTokens += usage.cachedPromptTokens ?? 0;
    earlier.proposed += drafts?.proposed ?? 0;
    earlier.accepted += drafts?.accepted ?? 0;
    earlier.hasDrafts ||= drafts !== undefined;
    this.#current = { ...NOTHING };
  }

  /** What there is, all requests settled. */
  written(topLogprobs: number): Written {
    const { tokens: tokenCount } = this.#earlier;
    const logprobs = this.#logprobs.filter((logprob) => logprob !== undefined);
    const isTold = logprobs.length === tokenCount && this.#logprobs.length === tokenCount;
    return {
      text: this.text,
      ...(this.#reasoning !== '' && { reasoning: this.#reasoning }),
      tokenCount,
      tokens: this.#tokenIds.length === tokenCount ? this.#tokenIds : [],
      logprobs: isTold ? logprobs : [],
      ...(topLogprobs > 0 && isTold && this.#likeliest(tokenCount, topLogprobs)),
      ...(this.#stop !== undefined && { stop: this.#stop }),
    };
  }

  account(): Readonly<{
    tokens: number;
    reasoning: number;
    promptTokens: number;
    cachedPromptTokens: number;
    proposed: number;
    accepted: number;
    isExact: boolean;
    hasDrafts: boolean;
    beyond: number;
  }> {
    return { ...this.#earlier, beyond: this.#beyond };
  }

  /** What the request under way has brought of what it was asked for. */
  told(): Readonly<{ tokenIds: number; logprobs: number; namesLikeliest: boolean; isExact: boolean; pieces: number }> {
    return {
      tokenIds: this.#tokenIds.length,
      logprobs: this.#logprobs.filter((logprob) => logprob !== undefined).length,
      namesLikeliest: this.#namesLikeliest(),
      isExact: this.#isExact(),
      pieces: this.#current.pieces,
    };
  }

  #namesLikeliest(): boolean {
    return this.#topTokens.every((list, index) => list.length === this.#topLogprobs[index]!.length);
  }

  /** The likeliest tokens of each place, where every place has some. */
  #likeliest(tokenCount: number, most: number): Pick<Segment, 'topLogprobs' | 'topTokens'> | undefined {
    if (this.#topLogprobs.length !== tokenCount || this.#topLogprobs.some((list) => list.length === 0)) return undefined;
    const first = (lists: readonly (readonly number[])[]): (readonly number[])[] => lists.map((list) => list.slice(0, most));
    return { topLogprobs: first(this.#topLogprobs), ...(this.#namesLikeliest() && { topTokens: first(this.#topTokens) }) };
  }

  #isOver(places: number): boolean {
    return this.#stop !== undefined || this.#earlier.tokens + Math.max(this.#current.pieces, this.#current.places) + Math.max(1, places) > this.#limits.tokens;
  }

  #append(text: string): void {
    const { stop } = this.#limits;
    const from = this.#text.length;
    this.#text += text;
    for (const string of stop) {
      const at = this.#text.indexOf(string, Math.max(0, from - string.length + 1));
      if (at < 0 || at + string.length >= this.#end) continue;
      this.#end = at + string.length;
      this.#stop = string;
    }
  }

  #currentTokens(): number {
    const { places, pieces, untoldPieces } = this.#current;
    if (places > 0 && untoldPieces === 0) return places;
    const counted = this.#countedTokens();
    return counted === undefined ? Math.max(pieces, places) : Math.max(pieces > 0 ? 1 : 0, counted - this.#currentReasoning());
  }

  /** What the server says it wrote, where that can be: some send zeros. */
  #countedTokens(): number | undefined {
    const { usage, pieces, reasoningPieces } = this.#current;
    return usage.completionTokens === 0 && pieces + reasoningPieces > 0 ? undefined : usage.completionTokens;
  }

  #currentReasoning(): number {
    const { usage, reasoningPieces } = this.#current;
    return usage.reasoningTokens || reasoningPieces;
  }

  #isExact(): boolean {
    const { places, pieces, reasoningPieces, untoldPieces } = this.#current;
    return pieces + reasoningPieces === 0 || (places > 0 && untoldPieces + reasoningPieces === 0) || this.#countedTokens() !== undefined;
  }
}

/** Later figures take the place of earlier ones; what an event leaves out stays. */
function mergeUsage(known: Partial<CompletionUsage>, told: CompletionUsage | undefined): Partial<CompletionUsage> {
  if (!told) return known;
  return { ...known, ...Object.fromEntries(Object.entries(told).filter(([, count]) => count !== undefined)) };
}
