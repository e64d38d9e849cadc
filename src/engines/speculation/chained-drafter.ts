import type { Draft, Drafter, DraftRequest } from '../../contracts/drafter.ts';
import { InvalidOptionError } from '../../errors.ts';

/** Asks one drafter after another: each gets the branches for which the ones before it had nothing. */
export class ChainedDrafter implements Drafter {
  readonly name: string;
  readonly #drafters: readonly Drafter[];

  /** @throws {InvalidOptionError} when the list is empty. */
  constructor(drafters: readonly Drafter[]) {
    if (drafters.length === 0) throw new InvalidOptionError('drafters', 'a list with at least one drafter', drafters);
    this.name = drafters.map((drafter) => drafter.name).join(', then ');
    this.#drafters = drafters;
  }

  async propose(requests: readonly DraftRequest[]): Promise<Draft[]> {
    const drafts: Draft[] = requests.map(() => ({ tokens: [], probs: undefined }));
    for (const drafter of this.#drafters) {
      const open = requests.map((_, index) => index).filter((index) => drafts[index]!.tokens.length === 0);
      if (open.length === 0) break;
      const proposed = await drafter.propose(open.map((index) => requests[index]!));
      open.forEach((index, at) => (drafts[index] = proposed[at]!));
    }
    return drafts;
  }

  forget(key: object): void {
    for (const drafter of this.#drafters) drafter.forget(key);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#drafters.map((drafter) => drafter.dispose()));
  }
}
