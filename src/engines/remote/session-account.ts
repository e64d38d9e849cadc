import type { EngineUsage, ServerUsage } from '../../contracts/engine.ts';
import type { Writing } from './writing.ts';

/** What one session has cost. */
export class SessionAccount {
  #promptTokens: number;
  #isPromptCounted: boolean;
  #completionTokens = 0;
  #forcedTokens = 0;
  #drafts = { proposed: 0, accepted: 0 };
  #hasDrafts = false;
  readonly #server = { requestCount: 0, retryCount: 0, hedgeCount: 0, promptTokens: 0, cachedPromptTokens: 0, reasoningTokens: 0, discardedTokens: 0 };

  /** @param isCounted - Whether the server has counted the prompt; else it is an estimate until a request tells. */
  constructor(promptTokens: number, isCounted: boolean) {
    this.#promptTokens = promptTokens;
    this.#isPromptCounted = isCounted;
  }

  get promptTokens(): number {
    return this.#promptTokens;
  }

  /** A request without any text of a branch tells how long the prompt is. */
  tellPromptTokens(count: number): void {
    if (this.#isPromptCounted || count <= 0) return;
    this.#promptTokens = count;
    this.#isPromptCounted = true;
  }

  addRequest(): void {
    this.#server.requestCount++;
  }

  addRetry(): void {
    this.#server.retryCount++;
  }

  addHedge(): void {
    this.#server.hedgeCount++;
  }

  addForced(tokens: number): void {
    this.#forcedTokens += tokens;
  }

  addDiscarded(tokens: number): void {
    this.#server.discardedTokens += tokens;
  }

  /** Counts a segment that is kept. Its requests must be settled. */
  keep(writing: Writing): void {
    const { tokens, reasoning } = writing.account();
    this.#completionTokens += tokens + reasoning;
    this.#server.reasoningTokens += reasoning;
    this.#addRequests(writing);
  }

  /** Counts a segment that failed. */
  discard(writing: Writing): void {
    writing.settleRequest();
    const { tokens, reasoning } = writing.account();
    this.#server.discardedTokens += tokens + reasoning;
    this.#addRequests(writing);
  }

  /** @param longest - Tokens of the longest branch. */
  usage(longest: number): EngineUsage {
    return {
      promptTokens: this.#promptTokens,
      completionTokens: this.#completionTokens,
      forcedTokens: this.#forcedTokens,
      forwardCount: longest,
      ...(this.#hasDrafts && { speculation: { ...this.#drafts, byPosition: [], draftsByLength: [] } }),
      server: { ...this.#server } satisfies ServerUsage,
    };
  }

  #addRequests(writing: Writing): void {
    const { promptTokens, cachedPromptTokens, proposed, accepted, hasDrafts, beyond } = writing.account();
    this.#server.promptTokens += promptTokens;
    this.#server.cachedPromptTokens += cachedPromptTokens;
    this.#server.discardedTokens += beyond;
    this.#drafts.proposed += proposed;
    this.#drafts.accepted += accepted;
    this.#hasDrafts ||= hasDrafts;
  }
}
