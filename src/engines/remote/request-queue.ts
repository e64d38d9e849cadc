import pLimit, { type LimitFunction } from 'p-limit';
import { ServerError } from '../../errors.ts';

/** A request that is served this many pieces while another waits for its first is not served beside it. */
const PIECES_OF_ANOTHER = 8;
/** Connections break for other reasons too: this many of the same look are no accident. */
const SUSPICIONS = 2;

/** What servers say whose only place is taken. */
const BUSY = /\bbusy\b|\bslots?\b|in progress|concurren/i;

/** A request that is open. */
interface Open {
  /** Rises with the time of sending. */
  readonly order: number;
  pieces: number;
}

/** What the queue is told of one request. */
export interface OpenRequest {
  /** A piece of its answer has come. */
  receive(): void;
  /** It is no longer open. Safe to call twice. */
  close(): void;
  /**
   * Whether it failed only because the server handles one request at a time: it is then to be sent again once it is its turn,
   * and that is no failure. To be asked before `close`.
   *
   * @param isInOrder - Whether the server ended the stream as it ends one that is whole.
   */
  isDisplaced(error: unknown, isInOrder: boolean): boolean;
}

/**
 * How many requests may be open at a server, and who is next. Starts with as many as it may, and notices a server that handles
 * one at a time: by breaking off the running one for the next (llama-cpp-python), by refusing the next while one runs
 * (KoboldCpp), or by letting the next one wait. Two answers that grow side by side prove the contrary for good.
 */
export class RequestQueue {
  readonly #limit: LimitFunction;
  readonly #most: number;
  readonly #open = new Set<Open>();
  #sent = 0;
  #suspicions = 0;
  #isConcurrent = false;
  #isSerial = false;

  constructor(most: number) {
    this.#most = most;
    this.#limit = pLimit(most);
  }

  /** Requests that are open. */
  get openCount(): number {
    return this.#open.size;
  }

  /** How many turns it takes until all that run and wait have run; at least 1. */
  get turns(): number {
    const { activeCount, pendingCount, concurrency } = this.#limit;
    return Math.max(1, Math.ceil((activeCount + pendingCount) / concurrency));
  }

  /** Whether the server handles one request at a time. */
  get isSerial(): boolean {
    return this.#isSerial;
  }

  /** The server says how many it handles at once. */
  limitTo(count: number): void {
    this.#limit.concurrency = Math.max(1, Math.min(this.#most, count));
    this.#isSerial = count <= 1;
  }

  /** Runs a request once it is its turn. */
  run<Result>(request: () => Promise<Result>): Promise<Result> {
    return this.#limit(request);
  }

  /** A request is on its way. */
  send(): OpenRequest {
    const request: Open = { order: this.#sent++, pieces: 0 };
    const piecesBefore = new Map([...this.#open].map((other) => [other, other.pieces]));
    this.#open.add(request);
    return {
      receive: () => {
        request.pieces++;
        if (request.pieces === 1) this.#lookBack(piecesBefore);
        else if ([...this.#open].some(({ order, pieces }) => order > request.order && pieces > 0)) this.#proveConcurrent();
      },
      close: () => void this.#open.delete(request),
      isDisplaced: (error, isInOrder) => this.#isDisplaced(request, piecesBefore, error, isInOrder),
    };
  }

  /** A request that begins when all before it are over, which went on all the while, has waited for them. */
  #lookBack(piecesBefore: ReadonlyMap<Open, number>): void {
    if ([...this.#open].some((other) => piecesBefore.has(other)) || !wereServed(piecesBefore)) return;
    this.#suspect();
  }

  #proveConcurrent(): void {
    if (this.#isConcurrent) return;
    this.#isConcurrent = true;
    if (this.#isSerial) this.limitTo(this.#most);
  }

  #suspect(weight = 1): boolean {
    if (this.#isConcurrent) return false;
    this.#suspicions += weight;
    if (this.#suspicions >= SUSPICIONS) this.limitTo(1);
    return this.#isSerial;
  }

  #isDisplaced(request: Open, piecesBefore: ReadonlyMap<Open, number>, error: unknown, isInOrder: boolean): boolean {
    if (this.#isConcurrent || !(error instanceof ServerError)) return false;
    const others = [...this.#open].filter((other) => other !== request);
    const { kind, status, retryAfterMs } = error;
    if (status === 503 || (status === 429 && retryAfterMs === undefined)) {
      // Else it may still be loading.
      const isServing = others.some(({ pieces }) => pieces > 0 || BUSY.test(error.message));
      return isServing && this.#suspect(SUSPICIONS);
    }
    if (kind === 'timeout') return request.pieces === 0 && wereServed(piecesBefore) && this.#suspect();
    const isCut = status === undefined && (kind === 'stream' || kind === 'connect');
    return isCut && others.some(({ order }) => order > request.order) && this.#suspect(isInOrder ? SUSPICIONS : 1);
  }
}

/** Whether others went on, well beyond where they were. */
function wereServed(piecesBefore: ReadonlyMap<Open, number>): boolean {
  return [...piecesBefore].some(([{ pieces }, before]) => pieces - before >= PIECES_OF_ANOTHER);
}
