/**
 * What a server says of a failure. Every server wraps it in its own way, and gateways wrap it once more.
 *
 * @module
 */

/** How deep servers wrap what they have to say. */
const DEEPEST = 4;

const LABELS = ['code', 'status', 'status_code', 'statusCode', 'type', 'error_type', 'errorType', 'error_code'] as const;

/** What a server says of a failure, whatever form it says it in. */
export interface ToldFailure {
  readonly message: string;
  /** Words of its own for what went wrong: `code`, `type`, `status`, `error_type`. */
  readonly labels: readonly string[];
  readonly status: number | undefined;
  /** The field of the request that it is about. */
  readonly param: string | undefined;
  /** Figures that come in fields of their own. */
  readonly figures: Readonly<Record<string, unknown>>;
}

/** Looks through whatever a server has wrapped its message in. */
export function readFailure(value: unknown): ToldFailure {
  const labels: string[] = [];
  let status: number | undefined;
  let param: string | undefined;
  let figures: Readonly<Record<string, unknown>> = {};
  let inner = value;
  for (let depth = 0; depth < DEEPEST; depth++) {
    if (Array.isArray(inner) && !isRecord(inner[0])) break;
    const [layer] = [inner].flat() as unknown[];
    if (!isRecord(layer)) break;
    for (const name of LABELS) {
      const label = layer[name];
      if (typeof label === 'string') labels.push(label);
      const number = Number(label);
      if (number >= 400 && number < 600) status ??= number;
    }
    // Python writes nothing so.
    if (typeof layer['param'] === 'string' && layer['param'] !== 'None') param ??= layer['param'];
    figures = { ...figures, ...layer };
    const next = wrapped(layer);
    if (next === undefined) break;
    inner = next;
  }
  return { message: messageOf(inner), labels, status, param, figures };
}

function wrapped(layer: Readonly<Record<string, unknown>>): unknown {
  const { error, errors, message, detail, msg, error_msg: errorMsg, title, loc, metadata } = layer;
  // A gateway's own words say less than those it passes on.
  if (isRecord(metadata) && isTelling(metadata['raw'])) return typeof metadata['raw'] === 'string' ? parsed(metadata['raw']) : metadata['raw'];
  if (Array.isArray(loc) && typeof msg === 'string') return `${loc.join('.')}: ${msg}`;
  const told = [isRecord(error) ? error : undefined, message, error, detail, msg, errorMsg, errors, title].find((one) => isTelling(one));
  // What another server said is passed on as text.
  const inner = typeof told === 'string' && told.trim().startsWith('{') ? parsed(told) : told;
  return isRecord(inner) ? inner : told;
}

/** Several failures at once are told one behind the other; what was sent is not repeated. */
function messageOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map((one) => messageOf(isRecord(one) ? (wrapped(one) ?? one) : one)).join('; ');
  return value === undefined ? '' : JSON.stringify(value);
}

/**
 * What an event of a stream tells of a failure; `undefined` where it is none. Servers send `error` with an object or a text,
 * in the event or in its choice, or the bare object that they answer with elsewhere.
 */
export function errorOfEvent(event: unknown): unknown {
  if (!isRecord(event)) return undefined;
  const { choices, error, errors, object, type, message, detail, error_msg: errorMsg } = event;
  if (isTelling(error)) return event;
  if (Array.isArray(choices)) {
    const [choice] = choices as readonly unknown[];
    return isRecord(choice) && isTelling(choice['error']) ? choice : undefined;
  }
  if (choices !== undefined && choices !== null) return undefined;
  const isNamed = object === 'error' || type === 'error' || isTelling(errors) || LABELS.some((name) => Number(event[name]) >= 400);
  if (isNamed) return event;
  // Some gateways begin with how well it went, or how long the queue is.
  const isFine = LABELS.some((name) => FINE.test(String(event[name])));
  return !isFine && [message, detail, errorMsg].some((one) => isTelling(one)) ? event : undefined;
}

const FINE = /^(?:0|20\d|ok|success|queued|pending|processing|in_progress|loading)$/i;

/** Whether there is a word or a figure in it: some servers send the fields of an error with every event, empty. */
function isTelling(error: unknown): boolean {
  if (typeof error === 'object' && error !== null) return Object.values(error).some((one) => isTelling(one) || (typeof one === 'number' && one !== 0));
  return typeof error === 'string' && error !== '';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** JSON where it is that, else the text itself. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
