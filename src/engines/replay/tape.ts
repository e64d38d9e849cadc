import type { BranchTrace, ProbeTrace, TokenRecord } from '../../contracts/trace.ts';
import { NotRecordedError } from '../../errors.ts';

/** What a branch asked too early, before its first probe, has to say: nothing. */
const SILENCE: TokenRecord = { text: '', ends: [], logprobs: [], finish: 'end' };
/** Characters of a token, for texts whose tokens nobody counted. */
const CHARACTERS_A_TOKEN = 4;

/** A recorded branch, played token by token; after its answer was asked for, the probe that is nearest before that point. */
export class Tape {
  readonly #trace: BranchTrace;
  #record: TokenRecord | undefined;
  #next: number;
  /** Whether another branch goes on with the record: a fork would have written something else. */
  #isFork: boolean;

  private constructor(trace: BranchTrace, record: TokenRecord | undefined, next: number, isFork: boolean) {
    this.#trace = trace;
    this.#record = record;
    this.#next = next;
    this.#isFork = isFork;
  }

  static of(trace: BranchTrace): Tape {
    return new Tape(trace, trace, 0, false);
  }

  /** Whether everything recorded has been played. @throws {NotRecordedError} where nothing was recorded. */
  get isOver(): boolean {
    return this.#next >= this.#playing().ends.length;
  }

  /** Why the recording ended. */
  get finish(): TokenRecord['finish'] {
    return this.#playing().finish;
  }

  /** The probe that plays, if one does. */
  get probe(): ProbeTrace | undefined {
    const record = this.#record;
    return record && 'at' in record ? (record as ProbeTrace) : undefined;
  }

  /** Plays one token. */
  take(): { readonly text: string; readonly logprob: number | undefined } {
    const { text, ends, logprobs } = this.#playing();
    const index = this.#next++;
    return { text: text.slice(ends[index - 1] ?? 0, ends[index]), logprob: logprobs[index] };
  }

  /** Text that was not written by the model. @returns how many tokens it has. */
  force(text: string): number {
    const known = this.#trace.probes?.filter(({ suffix }) => isSameSuffix(suffix, text)) ?? [];
    const isOnBranch = this.#record === this.#trace;
    const probe = isOnBranch ? known.findLast(({ at }) => at <= this.#next) : undefined;
    this.#record = probe ?? (isOnBranch && known.length > 0 ? SILENCE : undefined);
    this.#next = 0;
    this.#isFork = false;
    return probe?.suffixTokens ?? Math.ceil(text.length / CHARACTERS_A_TOKEN);
  }

  /** A branch of its own from here on: how it goes on was recorded only where it is asked for its answer. */
  fork(): Tape {
    return new Tape(this.#trace, this.#record, this.#next, true);
  }

  #playing(): TokenRecord {
    if (!this.#record || this.#isFork) {
      throw new NotRecordedError(
        'continuations that were recorded',
        'A replay can ask early with the suffix that was recorded; other texts and forks need the model.',
      );
    }
    return this.#record;
  }
}

/** Line breaks before a suffix are left out where the text ends with one. */
function isSameSuffix(left: string, right: string): boolean {
  return left.replace(/^\n+/, '') === right.replace(/^\n+/, '');
}
