import type { DraftOutcome, SpeculationUsage } from '../../contracts/engine.ts';

/** Adds up what became of a session's drafts. */
export class SpeculationTally {
  #proposed = 0;
  #accepted = 0;
  readonly #byPosition: { proposed: number; accepted: number }[] = [];
  readonly #draftsByLength: number[] = [];

  add({ proposed, accepted }: DraftOutcome): void {
    this.#proposed += proposed;
    this.#accepted += accepted;
    while (this.#draftsByLength.length <= proposed) this.#draftsByLength.push(0);
    this.#draftsByLength[proposed]!++;
    // Behind the first rejection nothing was decided.
    for (let position = 0; position < proposed && position <= accepted; position++) {
      const outcome = (this.#byPosition[position] ??= { proposed: 0, accepted: 0 });
      outcome.proposed++;
      if (position < accepted) outcome.accepted++;
    }
  }

  usage(): SpeculationUsage {
    return {
      proposed: this.#proposed,
      accepted: this.#accepted,
      byPosition: this.#byPosition.map((outcome) => ({ ...outcome })),
      draftsByLength: [...this.#draftsByLength],
    };
  }
}
