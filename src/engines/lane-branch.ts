import type { AdvanceOptions, Branch, Segment } from '../contracts/engine.ts';
import { requireAdvanceOptions, requireResting } from './advance-options.ts';

/** What a lane tells of an open call of `advance` when it is over. */
export type LaneSegment = Omit<Segment, 'text' | 'tokenCount' | 'startedAt' | 'endedAt'>;

type BranchText = Pick<Branch, 'text' | 'tokenCount'>;

/** What branches share whose calls of `advance` are lanes of a loop. The text they show is that of the last call that is over. */
export abstract class LaneBranch implements Branch {
  readonly number: number;
  #text: string;
  #tokenCount: number;
  #ended: Branch['ended'];
  #isAdvancing = false;

  constructor(number: number, { text, tokenCount }: BranchText) {
    this.number = number;
    this.#text = text;
    this.#tokenCount = tokenCount;
  }

  get text(): string {
    return this.#text;
  }

  get tokenCount(): number {
    return this.#tokenCount;
  }

  get ended(): Branch['ended'] {
    return this.#ended;
  }

  get isAdvancing(): boolean {
    return this.#isAdvancing;
  }

  async advance(options: AdvanceOptions = {}): Promise<Segment> {
    requireAdvanceOptions(options, this.now());
    this.requireResting('advance');
    options.signal?.throwIfAborted();
    const startedAt = this.now();
    this.#isAdvancing = true;
    try {
      const segment = await this.decode(options);
      const { finish, tokens } = segment;
      if (finish === 'end' || finish === 'context' || finish === 'aborted') this.#ended = finish;
      const before = this.#text.length;
      this.#update();
      if (this.#ended) this.release?.();
      return { ...segment, text: this.#text.slice(before), tokenCount: tokens.length, startedAt, endedAt: this.now() };
    } finally {
      this.#isAdvancing = false;
    }
  }

  abstract fork(): Branch;

  async force(text: string): Promise<void> {
    this.requireResting('force');
    await this.append(text);
    this.#update();
  }

  abort(): void {
    if (this.#ended) return;
    this.#ended = 'aborted';
    if (this.#isAdvancing) this.abortLane();
    else this.release?.();
  }

  protected requireResting(verb: string): void {
    requireResting(verb, { number: this.number, ended: this.#ended, isAdvancing: this.#isAdvancing });
  }

  /** The session's time. */
  protected abstract now(): number;

  /** Opens a lane and waits for its end. */
  protected abstract decode(options: AdvanceOptions): Promise<LaneSegment>;

  /** Ends the open lane. */
  protected abstract abortLane(): void;

  /** Writes a text that nobody sampled. */
  protected abstract append(text: string): Promise<void>;

  /** All that has been written. */
  protected abstract read(): BranchText;

  /** The branch has ended: frees what it alone holds. */
  protected release?(): void;

  #update(): void {
    const { text, tokenCount } = this.read();
    this.#text = text;
    this.#tokenCount = tokenCount;
  }
}
