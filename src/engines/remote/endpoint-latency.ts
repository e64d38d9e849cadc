import type { Clock } from '../../contracts/clock.ts';
import type { LatencyProfile, PassShape, ProfiledPart } from '../../contracts/profile.ts';
import { InvalidOptionError } from '../../errors.ts';
import { nonnegativeFit } from '../../maths/nonnegative-fit.ts';
import { quantile } from '../../maths/quantile.ts';

/** One request's times. */
interface Sample {
  /** Requests open while it was measured, itself included; the mean. */
  readonly inFlight: number;
  readonly promptTokens: number;
  readonly milliseconds: number;
}

/** Milliseconds of a token, C1 + C2 · requests in flight. */
export interface TokenCosts {
  readonly fixedMs: number;
  readonly perRequestMs: number;
}

/** Milliseconds to a first token: fixed + per request in flight + per token of prompt and text that the server reads. */
export interface FirstTokenCosts extends TokenCosts {
  readonly perPromptTokenMs: number;
}

/** Newest requests that count. */
const KEPT = 256;
/** Tokens behind the first one from which on an open request tells how long a token takes. */
const TELLING = 4;

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
 * one over the requests in flight, L = C1 + B · C2, by least squares over the newest requests. What it says is of this
 * client's own load; what others ask of the server shows as scatter.
 */
export class EndpointLatency {
  readonly #firstTokens: Sample[] = [];
  readonly #tokens: Sample[] = [];
  /** What a token of each open request has taken so far. */
  readonly #openTokenMs = new Map<RequestTiming, number>();
  #inFlight = 0;

  /** Requests that were measured; of many, the newest that count. */
  get sampleCount(): number {
    return this.#firstTokens.length;
  }

  /** Drops what was measured, after a change of the server. */
  forget(): void {
    this.#firstTokens.length = 0;
    this.#tokens.length = 0;
  }

  /** @internal Follows a request from now on. */
  start(clock: Clock, promptTokens: number): RequestTiming {
    this.#inFlight++;
    const startedAt = clock.now();
    let first: { readonly at: number; readonly tokens: number } | undefined;
    let last = { at: startedAt, inFlightSum: 0, count: 0 };
    let isOpen = true;
    const timing: RequestTiming = {
      tell: (tokens) => {
        if (tokens === 0) return;
        last = { at: clock.now(), inFlightSum: last.inFlightSum + this.#inFlight, count: last.count + 1 };
        if (first && isOpen && tokens - first.tokens >= TELLING) this.#openTokenMs.set(timing, (last.at - first.at) / (tokens - first.tokens));
        if (first) return;
        first = { at: last.at, tokens };
        keep(this.#firstTokens, { inFlight: this.#inFlight, promptTokens, milliseconds: last.at - startedAt });
      },
      end: (tokens) => {
        if (!first || tokens <= first.tokens) return;
        keep(this.#tokens, { inFlight: last.inFlightSum / last.count, promptTokens, milliseconds: (last.at - first.at) / (tokens - first.tokens) });
      },
      close: () => {
        if (isOpen) this.#inFlight--;
        isOpen = false;
        this.#openTokenMs.delete(timing);
      },
    };
    return timing;
  }

  /** Milliseconds of each token of the requests that are open, the median of them; `undefined` before a few tokens have come. */
  get openTokenMs(): number | undefined {
    return this.#openTokenMs.size === 0 ? undefined : quantile([...this.#openTokenMs.values()], 0.5);
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
    const costs = this.tokenCosts;
    return costs && costs.fixedMs + costs.perRequestMs * Math.max(1, inFlight);
  }

  /** C1 and C2; `undefined` before any request of more than one token. */
  get tokenCosts(): TokenCosts | undefined {
    if (this.#tokens.length === 0) return undefined;
    const [fixedMs, perRequestMs] = fit(this.#tokens, ({ inFlight }) => [1, inFlight]) as [number, number];
    return { fixedMs, perRequestMs };
  }

  /** `undefined` before any request. */
  get firstTokenCosts(): FirstTokenCosts | undefined {
    if (this.#firstTokens.length === 0) return undefined;
    const [fixedMs, perRequestMs, perPromptTokenMs] = fit(this.#firstTokens, ({ inFlight, promptTokens }) => [1, inFlight, promptTokens]) as [
      number,
      number,
      number,
    ];
    return { fixedMs, perRequestMs, perPromptTokenMs };
  }

  /**
   * What it comes to as a profile, as it stands now, for planning.
   *
   * @param label - Names the endpoint, for messages.
   * @throws {InvalidOptionError} before any request of more than one token has been measured.
   */
  profile(label: string): LatencyProfile {
    const { tokenCosts: token, firstTokenCosts: first } = this;
    if (!token || !first)
      throw new InvalidOptionError('latency', 'measured by a request of more than one token', this.#tokens.length, 'Call `profileEndpoint` first.');
    return new EndpointProfile(label, token, first, {
      target: this.#tokens.map(({ inFlight, milliseconds }) => [milliseconds, token.fixedMs + token.perRequestMs * inFlight]),
      prefill: this.#firstTokens.map(({ inFlight, promptTokens, milliseconds }) => [
        milliseconds,
        first.fixedMs + first.perRequestMs * inFlight + first.perPromptTokenMs * promptTokens,
      ]),
    });
  }
}

type Measured = readonly (readonly [measuredMs: number, expectedMs: number])[];

class EndpointProfile implements LatencyProfile {
  readonly label: string;
  readonly parts = ['target', 'prefill'] as const;
  readonly requestMs: number;
  readonly #token: TokenCosts;
  readonly #first: FirstTokenCosts;
  readonly #ratios: Readonly<Record<'target' | 'prefill', readonly number[]>>;

  constructor(label: string, token: TokenCosts, first: FirstTokenCosts, measured: Readonly<Record<'target' | 'prefill', Measured>>) {
    this.label = label;
    this.requestMs = first.fixedMs;
    this.#token = token;
    this.#first = first;
    this.#ratios = { target: ratiosOf(measured.target), prefill: ratiosOf(measured.prefill) };
  }

  /** What a server drafts it decides for itself, so that a token of a row costs what it costs, however many come at once. */
  passMs(part: ProfiledPart, { rows, newTokens }: PassShape): number {
    this.#requirePart(part);
    const { perRequestMs, perPromptTokenMs } = this.#first;
    return part === 'prefill' ? perRequestMs * rows + perPromptTokenMs * newTokens * rows : newTokens * (this.#token.fixedMs + this.#token.perRequestMs * rows);
  }

  spread(part: ProfiledPart, probability: number): number {
    this.#requirePart(part);
    const ratios = this.#ratios[part];
    return quantile(ratios, probability) / quantile(ratios, 0.5);
  }

  #requirePart(part: ProfiledPart): asserts part is 'target' | 'prefill' {
    if (part !== 'target' && part !== 'prefill') throw new InvalidOptionError('part', "'target' or 'prefill' of a server", part);
  }
}

function keep(samples: Sample[], sample: Sample): void {
  samples.push(sample);
  if (samples.length > KEPT) samples.shift();
}

function fit(samples: readonly Sample[], columns: (sample: Sample) => readonly number[]): number[] {
  return nonnegativeFit(
    samples.map(columns),
    samples.map(({ milliseconds }) => milliseconds),
  );
}

function ratiosOf(measured: Measured): readonly number[] {
  const ratios = measured.filter(([, expectedMs]) => expectedMs > 0).map(([measuredMs, expectedMs]) => measuredMs / expectedMs);
  return ratios.length > 0 && ratios.some((ratio) => ratio > 0) ? ratios : [1];
}
