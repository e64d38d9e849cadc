import type { Clock } from '../../contracts/clock.ts';
import type { AdvanceOptions, Branch, Segment } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import { ContextLengthError, ServerError } from '../../errors.ts';
import { randomAt } from '../../maths/random.ts';
import type { Sampling } from '../../maths/sampling.ts';
import { NOTHING, type CompletionDelta } from '../../servers/completion-delta.ts';
import type { ToldFinish } from '../../servers/finish-reason.ts';
import { isPlainText } from '../../servers/count-tokens.ts';
import { reasonOfSilence } from '../../servers/silent-failure.ts';
import { untilNextTry } from '../../servers/retries.ts';
import type { Lead, LeadRequest } from './lead-request.ts';
import type { RemoteHost } from './remote-host.ts';
import { completionRequest } from './request-body.ts';
import { requestStream } from './request-stream.ts';
import type { SessionAccount } from './session-account.ts';
import type { Writing } from './writing.ts';

/** Separates seeds of requests from other draws. */
const SEED_PURPOSE = 0x73656564;
/** Servers take seeds of this many values. */
const SEEDS = 2 ** 31;
/** Less is written again sooner than it is explained where to go on. */
const FEW_TOKENS = 16;

/** What a session gives its segments. */
export interface WritingSession {
  readonly host: RemoteHost;
  readonly prompt: Prompt;
  readonly promptTokens: number;
  readonly clock: Clock;
  readonly seed: number;
  readonly topLogprobs: number;
  readonly account: SessionAccount;
  readonly lead: LeadRequest;
  /** Something came. */
  reportProgress(): void;
}

/** The branch a segment continues. `stream` tells which seeds it sends. */
export type WritingBranch = Pick<Branch, 'text' | 'tokenCount'> & { readonly stream: number; readonly sampling: Sampling };

export interface WriteOptions extends AdvanceOptions {
  /** Time on the session's clock at which the call is cut, as far as is known now. */
  readonly endsAt: () => number;
  /** Called when something came. */
  readonly onToken: () => void;
  /** Aborted when nobody waits for the segment any more. */
  readonly ending: AbortSignal;
}

type Finish = Segment['finish'];

/**
 * Has the server write one segment: by one request, or by more where they fail and there is time. A later request goes on
 * behind what the earlier ones brought.
 *
 * @throws {ServerError | ContextLengthError}
 */
export async function writeSegment(session: WritingSession, branch: WritingBranch, writing: Writing, options: WriteOptions): Promise<Finish> {
  const { host, clock, account, seed } = session;
  const { ending: signal } = options;
  for (let attempt = 0; ; attempt++) {
    // Branches that were sent together are refused together.
    const without = new Set(host.without);
    try {
      const finish = await writeInTurn(session, branch, writing, options, attempt);
      if (finish !== 'displaced') return finish;
      // Nothing has failed: it was not its turn.
      writing.settleRequest();
      attempt--;
    } catch (error) {
      writing.settleRequest();
      signal.throwIfAborted();
      if (host.takesLess(error, without) || fitsWithLess(session, branch, writing, options, error)) continue;
      const endsAt = options.endsAt();
      const point = randomAt(seed, branch.stream, attempt, branch.tokenCount);
      const next = await untilNextTry(error, { clock, endsAt, signal, attempt, maxRetries: host.maxRetries, point });
      // No later request can bring anything in time; what there is counts. A server that was given too little time has not failed.
      if (next === 'late' && (writing.tokenCount > 0 || isImpatience(error))) return 'deadline';
      if (next !== 'now') throw error;
    }
    account.addRetry();
    if (!canGoOn(session, branch, writing)) writing.startOver();
  }
}

/** Learns from a prompt that was too long. Whether it fits once less is asked for after it: the limit counts as well. */
function fitsWithLess(session: WritingSession, branch: WritingBranch, writing: Writing, { until }: WriteOptions, error: unknown): boolean {
  if (!(error instanceof ContextLengthError) || error.contextTokens === undefined) return false;
  const { host, account } = session;
  const asked = mostTokens(session, branch, writing, until);
  host.learnContext(error.contextTokens);
  if (asked === Infinity) return false;
  const read = error.neededTokens === undefined ? 0 : error.neededTokens - asked;
  if (read >= error.contextTokens) return false;
  account.tellPromptTokens(read - branch.tokenCount - writing.tokenCount);
  const room = mostTokens(session, branch, writing, until);
  return room > 0 && room < asked;
}

/** Whether it was given up here, rather than by the server. */
function isImpatience(error: unknown): boolean {
  return error instanceof ServerError && error.kind === 'timeout' && error.status === undefined;
}

/** Whether what has come is worth more than a new beginning, where a message has to ask for the rest. */
function canGoOn({ host, prompt }: WritingSession, branch: WritingBranch, writing: Writing): boolean {
  return host.dialect.continuation !== 'asked' || isPlainText(prompt) || branch.text !== '' || writing.tokenCount > FEW_TOKENS;
}

/** Waits for the request that leads, if any, and for its turn. */
async function writeInTurn(
  session: WritingSession,
  branch: WritingBranch,
  writing: Writing,
  options: WriteOptions,
  attempt: number,
): Promise<Finish | 'displaced'> {
  const { host, clock } = session;
  const { endsAt, ending: signal } = options;
  const now = clock.now();
  const isFirst = branch.text === '' && writing.text === '' && host.hasLead;
  const lead = isFirst ? await session.lead.turn(clock, now + host.leadMs(endsAt() - now), signal) : undefined;
  try {
    return await host.queue.run(async () => {
      signal.throwIfAborted();
      return clock.now() >= endsAt() ? 'deadline' : writeOnce(session, branch, writing, { ...options, lead }, attempt);
    });
  } finally {
    lead?.end();
  }
}

async function writeOnce(
  session: WritingSession,
  branch: WritingBranch,
  writing: Writing,
  options: WriteOptions & { readonly lead: Lead | undefined },
  attempt: number,
): Promise<Finish | 'displaced'> {
  const { host, account, clock } = session;
  const request = requestOf(session, branch, writing, options);
  const timing = host.latency.start(clock, session.promptTokens + branch.tokenCount);
  const open = host.queue.send();
  const stream = startRequest(session, request, options, attempt);
  const isFirst = branch.text === '' && writing.tokenCount === 0;
  let last: CompletionDelta | undefined;
  let isInOrder = false;
  try {
    for (;;) {
      const next = await stream.next();
      // What comes behind the end of the call is nobody's.
      options.ending.throwIfAborted();
      if (next.done) {
        isInOrder = next.value;
        break;
      }
      const delta = next.value;
      if (delta !== NOTHING) {
        open.receive();
        options.lead?.begin();
      }
      if (delta.usage?.promptTokens !== undefined && isFirst) account.tellPromptTokens(delta.usage.promptTokens);
      const isEnough = writing.take(delta);
      if (delta.reasoning !== '') host.noticeThoughts();
      timing.tell(writing.tokenCount);
      session.reportProgress();
      options.onToken();
      // A sign of the end that more text follows was none.
      if (delta.finish !== undefined || delta.text !== '') last = delta;
      if (isEnough || clock.now() >= options.endsAt()) break;
    }
    if (writing.isThinking && last?.stop !== undefined) {
      // The server looks for stop strings in thoughts too. It is asked once more, without them.
      return 'displaced';
    }
    if (last?.stop !== undefined) writing.tellStop(last.stop);
    const finish = finishOf(session, branch, writing, options, last?.finish);
    timing.end(writing.tokenCount);
    host.learn(writing);
    host.noticeText(branch.text + writing.text);
    writing.settleRequest();
    return finish;
  } catch (error) {
    if (options.ending.aborted) throw error;
    if (open.isDisplaced(error, isInOrder)) return 'displaced';
    throw last === undefined ? await reasonOfSilence(error, session.host, request, options.ending) : error;
  } finally {
    timing.close();
    open.close();
    void stream.return(false).catch(() => undefined);
  }
}

interface SentRequest {
  readonly path: string;
  readonly body: object;
}

function startRequest(
  { host, account, clock }: WritingSession,
  { path, body }: SentRequest,
  { endsAt, ending }: WriteOptions,
  attempt: number,
): ReturnType<typeof requestStream> {
  return requestStream({
    client: host.client,
    path,
    body,
    clock,
    signal: ending,
    firstTokenMs: host.firstTokenMs(endsAt() - clock.now(), attempt),
    stallMs: host.stallMs,
    hedgeMs: host.hedgeMs(),
    takeHedge: () => host.takeHedge() && (account.addHedge(), true),
    onRequest: () => {
      host.countRequest();
      account.addRequest();
    },
    onDiscard: (tokens) => account.addDiscarded(tokens),
  });
}

function requestOf(session: WritingSession, branch: WritingBranch, writing: Writing, { until, endsAt }: WriteOptions): SentRequest {
  const { host, prompt, seed, topLogprobs } = session;
  const position = branch.tokenCount + writing.tokenCount;
  const most = mostTokens(session, branch, writing, until);
  return completionRequest(host.dialect, {
    model: host.model,
    prompt,
    prefix: branch.text + writing.text,
    sampling: branch.sampling,
    seed: Math.floor(randomAt(seed, branch.stream, position, SEED_PURPOSE) * SEEDS),
    maxTokens: most === Infinity ? host.fallbackMaxTokens(prompt) : Math.max(1, most),
    stop: host.sendsStop ? (until?.stop ?? []) : [],
    thinking: host.thinking(endsAt() - session.clock.now(), most),
    topLogprobs: host.wantsLogprobs || topLogprobs > 0 ? topLogprobs : undefined,
    drafts: host.drafts,
    without: host.without,
    extraBody: host.extraBody,
  });
}

/** Tokens that may follow, by the boundary of the segment and by what the model holds. */
function mostTokens({ host, promptTokens }: WritingSession, branch: WritingBranch, writing: Writing, until: WriteOptions['until']): number {
  const left = (until?.tokens ?? Infinity) - writing.tokenCount;
  const room = (host.contextTokens ?? Infinity) - promptTokens - branch.tokenCount - writing.tokenCount;
  return Math.min(left, room, until?.tokens === undefined ? (host.maxTokens ?? Infinity) : Infinity);
}

/** @throws {ServerError} where the server broke off. */
function finishOf(session: WritingSession, branch: WritingBranch, writing: Writing, { until, endsAt }: WriteOptions, told: ToldFinish | undefined): Finish {
  if (writing.stop !== undefined) return 'stop';
  if (told === undefined && until?.tokens !== undefined && writing.tokenCount >= until.tokens) return 'length';
  if (told === undefined && session.clock.now() >= endsAt()) return 'deadline';
  if (told?.ending === 'context') return 'context';
  if (told?.ending === 'length') {
    const { contextTokens } = session.host;
    const isFull = contextTokens !== undefined && session.promptTokens + branch.tokenCount + writing.tokenCount >= contextTokens;
    return isFull ? 'context' : 'length';
  }
  // A server that is interrupted may end its stream in good order; only one that says why it ended has ended its text.
  if (told === undefined || told.ending === 'broken') {
    const why = told === undefined ? '' : ` (${told.word})`;
    throw new ServerError('stream', `The server ended its answer before it was complete${why}.`, { isRetryable: true });
  }
  if (told.ending === 'withheld') throw new ServerError('stream', `The server withheld the rest of its answer (${told.word}).`);
  return 'end';
}
