import type { Clock } from '../../contracts/clock.ts';
import type { Draft, Drafter, DraftRequest } from '../../contracts/drafter.ts';
import type { ForwardRow } from '../../contracts/token-model.ts';
import { InvalidOptionError } from '../../errors.ts';
import type { DraftPolicy } from './draft-policy.ts';

export interface SpeculationParts {
  /** Asked in order: each gets the branches for which those before it had nothing. At least one. */
  readonly drafters: readonly Drafter[];
  readonly policy: DraftPolicy;
}

/** What a branch asks of a round. */
export interface DraftCall {
  readonly request: DraftRequest;
  /** Whether the length was chosen by the caller: then it is not up to the policy. */
  readonly isFixed: boolean;
}

/** A draft that is being verified. */
interface OpenDraft {
  /** Most tokens that it could have had. */
  readonly limit: number;
  readonly estimates: readonly number[] | undefined;
}

const NO_DRAFT: Draft = { tokens: [], probs: undefined };

/** What a decode loop adds to speculate: drafters, a policy for how much they draft, and what both learn from outcomes. */
export class Speculation {
  readonly #drafters: readonly Drafter[];
  readonly #policy: DraftPolicy;
  /** Prompts that have been drafted for at a cost. */
  readonly #prompts = new WeakSet<object>();
  /** By branch. */
  readonly #open = new Map<object, OpenDraft>();
  #draftingMs = 0;
  #failure: unknown;

  /** @throws {InvalidOptionError} without drafters. */
  constructor({ drafters, policy }: SpeculationParts) {
    if (drafters.length === 0) throw new InvalidOptionError('drafters', 'a list with at least one drafter', drafters);
    this.#drafters = drafters;
    this.#policy = policy;
  }

  /** What a drafter threw, after which decoding went on without drafts. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Most tokens that the policy lets drafts have. */
  get longest(): number {
    return this.#policy.longest;
  }

  /**
   * Drafts, or empty ones from the first failure of a drafter on: drafts only save time, they are not worth a branch.
   *
   * @param calls - Of the branches that have room for a draft.
   * @param rows - Branches of the round, with and without.
   */
  async propose(calls: readonly DraftCall[], rows: number, clock: Clock): Promise<readonly Draft[]> {
    const startedAt = clock.now();
    this.#open.clear();
    let drafts = calls.map(() => NO_DRAFT);
    try {
      for (const drafter of this.#drafters) {
        const open = calls.map((_, index) => index).filter((index) => drafts[index]!.tokens.length === 0);
        if (open.length === 0) break;
        const asked = open.map((index) => calls[index]!);
        const proposed = drafter.isFree ? await this.#askFree(drafter, asked, rows) : await this.#ask(drafter, asked, rows, clock);
        open.forEach((index, at) => (drafts[index] = proposed[at]!));
      }
    } catch (error) {
      this.#failure = error;
      this.#open.clear();
      drafts = calls.map(() => NO_DRAFT);
    }
    this.#draftingMs = clock.now() - startedAt;
    return drafts;
  }

  /** @param milliseconds - From the start of the pass until every branch had its tokens. */
  recordRound(rows: readonly ForwardRow[], milliseconds: number): void {
    const widths = rows.map(({ tokens }) => tokens.length);
    const positions = widths.reduce((sum, width) => sum + width, 0);
    this.#policy.recordRound({ rows: rows.length, positions, widest: Math.max(...widths), milliseconds, draftingMs: this.#draftingMs });
    this.#draftingMs = 0;
  }

  /** @param decided - Tokens of the branch's draft that could have stood. */
  recordOutcome(branch: object, decided: number, accepted: number): void {
    const draft = this.#open.get(branch);
    if (!draft) return;
    if (draft.estimates) this.#policy.recordEstimated(draft.estimates.slice(0, decided), accepted);
    else this.#policy.recordOutcome(Math.min(decided, draft.limit), accepted);
  }

  forget(key: object): void {
    for (const drafter of this.#drafters) drafter.forget(key);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#drafters.map((drafter) => drafter.dispose()));
  }

  /** All that a drafter has, cut to what is worth verifying. */
  async #askFree(drafter: Drafter, calls: readonly DraftCall[], rows: number): Promise<readonly Draft[]> {
    const leastReach = this.#policy.leastReach(rows);
    const whole = await drafter.propose(calls.map(({ request, isFixed }) => (isFixed ? request : { ...request, leastReach })));
    const free = calls.map((_, index) => index).filter((index) => !calls[index]!.isFixed && whole[index]!.tokens.length > 0);
    const kept = this.#policy.cut(
      rows,
      free.map((index) => whole[index]!.estimates!),
    );
    const drafts = [...whole];
    free.forEach((index, at) => (drafts[index] = beginning(whole[index]!, kept[at]!)));
    for (const [index, { tokens, estimates }] of drafts.entries()) {
      if (tokens.length > 0) this.#open.set(calls[index]!.request.branch, { limit: tokens.length, estimates });
    }
    return drafts;
  }

  async #ask(drafter: Drafter, calls: readonly DraftCall[], rows: number, clock: Clock): Promise<readonly Draft[]> {
    const length = calls.every(({ isFixed }) => isFixed) ? 0 : this.#policy.chooseLength(rows);
    const limits = calls.map(({ request, isFixed }) => (isFixed ? request.limit : Math.min(request.limit, length)));
    const asked = calls.flatMap(({ request }, index) => (limits[index]! > 0 ? [{ ...request, limit: limits[index]! }] : []));
    if (asked.length === 0) return calls.map(() => NO_DRAFT);
    const startedAt = clock.now();
    const proposed = await drafter.propose(asked);
    const longest = Math.max(...proposed.map(({ tokens }) => tokens.length));
    // A first round reads the prompt, too, which says nothing about the next ones.
    if (longest > 0 && !this.#hasNewPrompt(asked)) this.#policy.recordStep(asked.length, (clock.now() - startedAt) / longest);
    for (const [index, { branch, limit }] of asked.entries()) {
      this.#open.set(branch, { limit, estimates: undefined });
      this.#policy.recordDraft(limit, proposed[index]!.tokens.length);
    }
    let next = 0;
    return limits.map((limit) => (limit > 0 ? proposed[next++]! : NO_DRAFT));
  }

  #hasNewPrompt(requests: readonly DraftRequest[]): boolean {
    const fresh = requests.filter(({ promptTokens }) => !this.#prompts.has(promptTokens));
    for (const { promptTokens } of fresh) this.#prompts.add(promptTokens);
    return fresh.length > 0;
  }
}

function beginning({ tokens, probs, estimates }: Draft, length: number): Draft {
  return { tokens: tokens.slice(0, length), probs, ...(estimates && { estimates: estimates.slice(0, length) }) };
}
