import { ChatTemplateError, ContextLengthError, InvalidOptionError, isLatencyTtsError, NoCandidateError, ServerError } from '../errors.ts';

/** What a client can react to by program. Documented in docs/serve.md. */
export type ApiErrorCode =
  | 'invalid_value'
  | 'invalid_json'
  | 'unsupported_parameter'
  | 'unsupported_media_type'
  | 'context_length_exceeded'
  | 'body_too_large'
  | 'invalid_api_key'
  | 'model_not_found'
  | 'not_found'
  | 'method_not_allowed'
  | 'misdirected_host'
  | 'queue_full'
  | 'queue_timeout'
  | 'deadline_unattainable'
  | 'deadline_exceeded'
  | 'shutting_down'
  | 'not_ready'
  | 'client_closed_request'
  | 'upstream_failed'
  | 'model_failed'
  | 'internal_error';

export interface ApiErrorOptions extends ErrorOptions {
  /** Path of the offending field of the request. */
  readonly param?: string;
  /** Milliseconds after which the same request has a chance. */
  readonly retryAfterMs?: number;
  /** Whether clients that repeat requests by themselves should; undefined leaves it to the status. */
  readonly shouldRetry?: boolean;
}

/** A request that ends without a result, as the client is told. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: ApiErrorCode;
  readonly param: string | null;
  readonly retryAfterMs: number | undefined;
  readonly shouldRetry: boolean | undefined;

  constructor(status: number, code: ApiErrorCode, message: string, { param, retryAfterMs, shouldRetry, ...options }: ApiErrorOptions = {}) {
    super(message, options);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.param = param ?? null;
    this.retryAfterMs = retryAfterMs;
    this.shouldRetry = shouldRetry;
  }

  /** OpenAI's kinds of errors. */
  get type(): string {
    if (this.status === 401) return 'authentication_error';
    if (this.status < 500) return 'invalid_request_error';
    return this.status === 503 || this.status === 504 ? 'service_unavailable_error' : 'server_error';
  }

  toJSON(): { readonly error: object } {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code } };
  }

  toResponse(): Response {
    const headers = new Headers({ 'content-type': 'application/json' });
    if (this.retryAfterMs !== undefined) {
      headers.set('retry-after', String(Math.max(1, Math.ceil(this.retryAfterMs / 1000))));
      // What the OpenAI clients look at first: deadlines here are often shorter than a second.
      headers.set('retry-after-ms', String(Math.ceil(this.retryAfterMs)));
    }
    if (this.shouldRetry !== undefined) headers.set('x-should-retry', String(this.shouldRetry));
    if (this.status === 401) headers.set('www-authenticate', 'Bearer');
    return new Response(JSON.stringify(this), { status: this.status, headers });
  }
}

/** @param param - Where the option lies in the request, to stand before an option's own name. */
export function badRequest(message: string, param: string, code: ApiErrorCode = 'invalid_value'): ApiError {
  return new ApiError(400, code, message, { param });
}

/** Any error as a client is told of it. What is no error of this library is not described: its message may hold anything. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof InvalidOptionError) return new ApiError(400, 'invalid_value', error.message, { param: error.option, cause: error });
  if (error instanceof ChatTemplateError) return new ApiError(400, 'invalid_value', error.message, { param: 'messages', cause: error });
  if (error instanceof ContextLengthError) {
    return new ApiError(400, 'context_length_exceeded', error.message, { param: 'messages', cause: error });
  }
  if (error instanceof NoCandidateError && error.stopReason === 'deadline') {
    return new ApiError(504, 'deadline_exceeded', 'The deadline passed before there was anything to return.', { cause: error, shouldRetry: false });
  }
  const upstream = error instanceof NoCandidateError ? error.errors[0] : error;
  if (upstream instanceof ServerError) return upstreamError(upstream);
  if (isLatencyTtsError(error)) return new ApiError(500, 'model_failed', error.message, { cause: error });
  return new ApiError(500, 'internal_error', 'The server failed; its log says why.', { cause: error });
}

/** Trouble of a server behind this one. What it refused of a request is its affair with us, not the client's. */
function upstreamError(error: ServerError): ApiError {
  const { kind, message, retryAfterMs } = error;
  if (kind === 'rate-limit') return new ApiError(503, 'upstream_failed', message, { cause: error, retryAfterMs: retryAfterMs ?? 1000 });
  return new ApiError(kind === 'timeout' ? 504 : 502, 'upstream_failed', message, { cause: error });
}
