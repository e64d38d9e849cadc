import { ServerError, type ContextLengthError, type ServerErrorKind } from '../errors.ts';
import { contextLengthError } from './context-length.ts';
import { withoutHtml } from './html-text.ts';
import { readText, type Redact } from './read-events.ts';
import { refusedField } from './refused-field.ts';
import { parsed, readFailure, type ToldFailure } from './told-failure.ts';

/** What is read of an answer that tells of a failure. */
const LONGEST_REFUSAL = 64 * 1024;
/** What of it is told. */
const TOLD_LENGTH = 300;
/**
 * The error that an answer with another status than 2xx stands for. Reads its body.
 *
 * @param sent - The body of the request, whose fields a refusal may name and whose prompt it may quote.
 */
export async function errorOfAnswer(path: string, response: Response, redact: Redact, sent: object = {}): Promise<Error> {
  const { status, headers } = response;
  const text = await readText(response, LONGEST_REFUSAL, redact).catch(() => '');
  const failure = { ...readFailure(parsed(text)), status };
  const tooLong = status >= 400 && status !== 401 && status !== 403 && status !== 404 ? contextLengthError(failure) : undefined;
  if (tooLong) return tooLong;
  const retryAfterMs = retryAfter(headers);
  const refused = refusedField(failure, sent);
  return new ServerError(kindOf(status), `The server answered ${path} with status ${status}: ${told(failure.message, redact)}`, {
    status,
    isRetryable: isPassing(status) && !isLasting(failure),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(refused !== undefined && { refusedField: refused }),
  });
}

/** The error that a failure told within a stream, or with status 200, stands for. */
export function errorInStream(value: unknown, redact: Redact): ServerError | ContextLengthError {
  const failure = readFailure(value);
  const tooLong = contextLengthError(failure);
  if (tooLong) return tooLong;
  const { status } = failure;
  return new ServerError('stream', `The server told of a failure within its answer: ${told(failure.message, redact)}`, {
    isRetryable: (status === undefined || isPassing(status)) && !isLasting(failure),
    ...(status !== undefined && { status }),
  });
}

function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

/** What no second request would change: what was asked, who asked, and what it may cost. */
function isLasting({ labels, message }: ToldFailure): boolean {
  const lasting =
    /invalid|unsupported|unknown.?(?:param|field|url|argument)|missing|not.?found|authenti|permission|forbidden|unauthori[sz]ed|quota|billing|credit|payment|context.?(?:length|size|window)|filter|policy|inspection|moderation|safety|blocked|deactivated|terminated|suspended|bad.?request|validation|unprocessable/i;
  return labels.some((label) => lasting.test(label)) || /exceeded your current quota|insufficient (?:quota|balance|credits?)|credit balance/i.test(message);
}

function kindOf(status: number): ServerErrorKind {
  if (status === 401 || status === 403) return 'authentication';
  if (status === 429) return 'rate-limit';
  if (status === 408 || status === 504) return 'timeout';
  return status >= 400 && status < 500 ? 'request' : 'status';
}

/** Milliseconds; `undefined` where the server does not say. A date counts from the server's own time. */
function retryAfter(headers: Headers): number | undefined {
  const milliseconds = Number(headers.get('retry-after-ms') ?? Number.NaN);
  if (milliseconds >= 0) return milliseconds;
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const seconds = Number(value);
  if (seconds >= 0) return seconds * 1_000;
  const from = Date.parse(headers.get('date') ?? '');
  const until = Date.parse(value);
  return until >= from ? until - from : undefined;
}

function told(message: string, redact: Redact): string {
  const clean = redact(withoutHtml(message)).replace(/\s+/g, ' ').trim().slice(0, TOLD_LENGTH);
  return clean === '' ? 'it did not say why.' : /[.!?]$/.test(clean) ? clean : `${clean}.`;
}
