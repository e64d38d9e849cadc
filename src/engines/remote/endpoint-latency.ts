import type { Clock } from '../../contracts/clock.ts';
import { InvalidOptionError } from '../../errors.ts';
import type { LatencyProfile, PassShape, ProfiledPart } from '../../contracts/profile.ts';
import { lineThrough, type Line } from '../../maths/line-through.ts';
import { quantile } from '../../maths/quantile.ts';

/** One request's times. */
interface Sample {
  /** Requests open while it was measured, itself included; the mean. */
  readonly inFlight: number;
  readonly milliseconds: number;
}

interface FirstToken extends Sample {
  readonly contextTokens: number;
}

/** Newest requests that count. */
const KEPT = 256;
/** Requests of which a line is drawn; below, there is only their mean. */
const LEAST = 3;

/** Follows the times of one request. */
export interface RequestTiming {
  /** Tokens received so far. */
  tell(tokens: number): void;
  /** The request has ended as it should. */
  end(tokens: number): void;
  /** The request is no longer open. Safe to call twice. */
  close(): void;
}

/**
 * How long a server takes, from the requests that an engine has made: the time to the first token and the time of each further
 * one, as lines over the requests in flight, L = C1 + B · C2, by least squares over the newest requests. What it says is of
 * this client's own load; what others ask of the server shows as scatter.
 */
export class EndpointLatency {
  readonly #firstTokens: FirstToken[] = [];
  readonly #tokens: Sample[] = [];
  #inFlight = 0;

  /** Requests that were measured. */
  get sampleCount(): number {
    return this.#firstTokens.length;
  }

  /** @internal Follows a request from now on. */
  start(clock: Clock, contextTokens: number): RequestTiming {
    this.#inFlight++;
    const startedAt = clock.now();
    let first: { readonly at: number; readonly tokens: number } | undefined;
    let lastAt = startedAt;
    let inFlightSum = 0;
    let tellings = 0;
    let isOpen = true;
    return {
      tell: (tokens) => {
        if (tokens === 0) return;
        lastAt = clock.now();
        inFlightSum += this.#inFlight;
        tellings++;
        if (first) return;
        first = { at: lastAt, tokens };
        keep(this.#firstTokens, { inFlight: this.#inFlight, contextTokens, milliseconds: lastAt - startedAt });
      },
      end: (tokens) => {
        if (first && tokens > first.tokens)
          keep(this.#tokens, { inFlight: inFlightSum / tellings, milliseconds: (lastAt - first.at) / (tokens - first.tokens) });
      },
      close: () => {
        if (isOpen) this.#inFlight--;
        isOpen = false;
      },
    };
  }

  /** Milliseconds to the first token of this share of requests; `undefined` before any. @param share - @default 0.5 */
  firstTokenMs(share = 0.5): number | undefined {
    return this.#firstTokens.length === 0
      ? undefined
      : quantile(
          this.#firstTokens.map(({ milliseconds }) => milliseconds),
          share,
        );
  }

  /** Milliseconds of each token with this many requests in flight; `undefined` before any. */
  tokenMs(inFlight: number): number | undefined {
    const line = lineOf(this.#tokens);
    return line && line.intercept + line.slope * Math.max(1, inFlight);
  }

  /** C1 and C2 of the time of a token, in milliseconds; `undefined` before any request. */
  get tokenLine(): Line | undefined {
    return lineOf(this.#tokens);
  }

  /** C1 and C2 of the time to the first token, in milliseconds; `undefined` before any request. */
  get firstTokenLine(): Line | undefined {
    return lineOf(this.#firstTokens);
  }

  /**
   * What it comes to as a profile, as it stands now, for planning.
   *
   * @param label - Names the endpoint, for messages.
   * @throws {InvalidOptionError} before any request of more than one token has been measured.
   */
  profile(label: string): LatencyProfile {
    const token = lineOf(this.#tokens);
    const first = lineOf(this.#firstTokens);
    if (!token || !first)
      throw new InvalidOptionError('latency', 'measured by at least one request of more than one token', this.#tokens.length, 'Call `profileEndpoint` first.');
    return new EndpointProfile(label, token, first, ratiosTo(token, this.#tokens), ratiosTo(first, this.#firstTokens));
  }
}

/** A profile made of two lines. */
class EndpointProfile implements LatencyProfile {
  readonly label: string;
  readonly parts = ['target', 'prefill'] as const;
  /** Time to the first token is time of the prefill here; there is nothing beside it. */
  readonly requestMs = 0;
  readonly #lines: Readonly<Record<string, Line>>;
  readonly #ratios: Readonly<Record<string, readonly number[]>>;

  constructor(label: string, target: Line, prefill: Line, targetRatios: readonly number[], prefillRatios: readonly number[]) {
    this.label = label;
    this.#lines = { target, prefill };
    this.#ratios = { target: targetRatios, prefill: prefillRatios };
  }

  /** A server decides for itself what it drafts and how it splits prompts, so new tokens change nothing here. */
  passMs(part: ProfiledPart, { rows }: PassShape): number {
    const { intercept, slope } = this.#of(this.#lines, part);
    return intercept + slope * rows;
  }

  spread(part: ProfiledPart, probability: number): number {
    const ratios = this.#of(this.#ratios, part);
    return quantile(ratios, probability) / quantile(ratios, 0.5);
  }

  #of<Value>(values: Readonly<Record<string, Value>>, part: ProfiledPart): Value {
    const value = values[part];
    if (value === undefined) throw new InvalidOptionError('part', "'target' or 'prefill' of a server", part);
    return value;
  }
}

function keep<Value>(values: Value[], value: Value): void {
  values.push(value);
  if (values.length > KEPT) values.shift();
}

function lineOf(samples: readonly Sample[]): Line | undefined {
  if (samples.length === 0) return undefined;
  if (samples.length >= LEAST) return lineThrough(samples.map(({ inFlight, milliseconds }) => [inFlight, milliseconds]));
  return { intercept: samples.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / samples.length, slope: 0 };
}

function ratiosTo({ intercept, slope }: Line, samples: readonly Sample[]): readonly number[] {
  return samples.map(({ inFlight, milliseconds }) => milliseconds / Math.max(Number.MIN_VALUE, intercept + slope * inFlight));
}
