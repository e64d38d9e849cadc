import type { Clock } from '../../contracts/clock.ts';
import type { Draft, Drafter, DraftRequest } from '../../contracts/drafter.ts';
import type { ForwardRow } from '../../contracts/token-model.ts';
import type { DraftLengthPolicy } from './draft-length.ts';
import type { StepCosts } from './step-costs.ts';

export interface SpeculationParts {
  readonly drafter: Drafter;
  readonly length: DraftLengthPolicy;
  /** Kept up to date while running, where the policy goes by costs. */
  readonly costs?: { readonly target: StepCosts; readonly draft: StepCosts | undefined };
}

/** What a decode loop adds to speculate: a drafter, a length for each round, and what both learn from outcomes. */
export class Speculation {
  readonly #drafter: Drafter;
  readonly #length: DraftLengthPolicy;
  readonly #costs: SpeculationParts['costs'];
  /** Prompts that have been drafted for. */
  readonly #prompts = new WeakSet<object>();
  #failure: unknown;

  constructor({ drafter, length, costs }: SpeculationParts) {
    this.#drafter = drafter;
    this.#length = length;
    this.#costs = costs;
  }

  /** What the drafter threw, after which decoding went on without drafts. */
  get failure(): unknown {
    return this.#failure;
  }

  chooseLength(rows: number): number {
    return this.#length.choose(rows);
  }

  /** Drafts, or empty ones from the first failure of the drafter on: drafts only save time, they are not worth a branch. */
  async propose(requests: readonly DraftRequest[], clock: Clock): Promise<readonly Draft[]> {
    const startedAt = clock.now();
    try {
      const drafts = await this.#drafter.propose(requests);
      const longest = Math.max(...drafts.map(({ tokens }) => tokens.length));
      // A first round reads the prompt, too, which says nothing about the next ones.
      if (longest > 0 && !this.#hasNewPrompt(requests)) this.#costs?.draft?.record(requests.length, 1, (clock.now() - startedAt) / longest);
      for (const [index, { limit }] of requests.entries()) this.#recordDraft(limit, drafts[index]!.tokens.length);
      return drafts;
    } catch (error) {
      this.#failure = error;
      return requests.map(() => ({ tokens: [], probs: undefined }));
    }
  }

  recordPass(rows: readonly ForwardRow[], milliseconds: number): void {
    this.#costs?.target.record(rows.length, Math.max(...rows.map(({ tokens }) => tokens.length)), milliseconds);
  }

  /** @param limit - Tokens of a draft that could have stood. */
  recordOutcome(limit: number, accepted: number): void {
    this.#length.recordOutcome(limit, accepted);
  }

  forget(key: object): void {
    this.#drafter.forget(key);
  }

  async dispose(): Promise<void> {
    await this.#drafter.dispose();
  }

  #recordDraft(limit: number, drafted: number): void {
    this.#length.recordDraft(limit, drafted);
    // Where nothing was drafted nothing will be decided.
    if (drafted === 0) this.#length.recordOutcome(limit, 0);
  }

  #hasNewPrompt(requests: readonly DraftRequest[]): boolean {
    const fresh = requests.filter(({ promptTokens }) => !this.#prompts.has(promptTokens));
    for (const { promptTokens } of fresh) this.#prompts.add(promptTokens);
    return fresh.length > 0;
  }
}
