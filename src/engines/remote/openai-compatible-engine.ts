import type { Engine, EngineCapabilities, Session, SessionOptions } from '../../contracts/engine.ts';
import type { Prompt } from '../../contracts/prompt.ts';
import { ContextLengthError, DisposedError, InvalidOptionError, NoCandidateError } from '../../errors.ts';
import { resolveSampling } from '../../maths/sampling.ts';
import { requirePrompt } from '../../options.ts';
import { AbortScope } from '../../runtime/abort-scope.ts';
import { onAbort } from '../../runtime/on-abort.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { waitUntil } from '../../runtime/wait-until.ts';
import { countPrompt, estimatePromptTokens } from '../../servers/count-tokens.ts';
import { requireSupportedSampling, type ServerName } from '../../servers/dialects.ts';
import type { EndpointLatency } from './endpoint-latency.ts';
import { RemoteHost, type RemoteService } from './remote-host.ts';
import { resolveRemoteOptions, type OpenAICompatibleOptions } from './remote-options.ts';
import { RemoteSession } from './remote-session.ts';
import { SessionAccount } from './session-account.ts';
import { requireCallOptions } from '../../runtime/call-options.ts';
import { requireSessionOptions } from '../advance-options.ts';

/** An engine over a server: what every engine has, and what is known of the server. */
export interface OpenAICompatibleEngine extends Engine {
  readonly capabilities: EngineCapabilities;
  /** Which server it is, once the engine is ready. */
  readonly server: ServerName;
  /** How fast the server has been, from every request so far. */
  readonly latency: EndpointLatency;
  /** Whether the server is known, or has turned out, to handle one request at a time: further ones wait here for their turn. */
  readonly handlesOneAtATime: boolean;
  /** Fields the server has refused and is asked for no more. */
  readonly withoutFields: readonly string[];
}

/**
 * An engine over a server that speaks OpenAI's interface: vLLM, SGLang, llama.cpp, Ollama, TGI, LM Studio, OpenAI, or another.
 * Each branch is a request of its own, which its deadline or `abort` really ends; the server's prefix cache shares the prompt.
 *
 * @throws {InvalidOptionError}
 */
export function openaiCompatibleEngine(options: OpenAICompatibleOptions): OpenAICompatibleEngine {
  return new RemoteEngine(options);
}

/** Behind `openaiCompatibleEngine`, and behind whatever else answers requests as a server does. */
export class RemoteEngine implements OpenAICompatibleEngine {
  readonly #host: RemoteHost;
  readonly #options: ReturnType<typeof resolveRemoteOptions>;
  readonly #sessions = new Set<RemoteSession>();

  constructor(options: OpenAICompatibleOptions, service?: RemoteService) {
    this.#options = resolveRemoteOptions(options);
    this.#host = new RemoteHost(this.#options, service);
  }

  get name(): string {
    return `${this.#host.model} on ${this.#host.dialect.label}`;
  }

  get contextTokens(): number | undefined {
    return this.#host.contextTokens;
  }

  get capabilities(): EngineCapabilities {
    return this.#host.capabilities;
  }

  get server(): ServerName {
    return this.#host.dialect.name;
  }

  get latency(): EndpointLatency {
    return this.#host.latency;
  }

  get handlesOneAtATime(): boolean {
    return this.#host.queue.isSerial;
  }

  get withoutFields(): readonly string[] {
    return [...this.#host.without];
  }

  /** Asks the server which it is. @throws {ServerError} when it cannot be reached. */
  async ready({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#host.requireOpen();
    requireCallOptions({ signal });
    await this.#while(this.#host.detect(systemClock), signal);
  }

  async open(prompt: Prompt, options: SessionOptions): Promise<Session> {
    this.#host.requireOpen();
    requireSessionOptions(options);
    const { signal, clock = systemClock, deadlineAt = Infinity } = options;
    const sampling = resolveSampling(options.sampling, this.#options.sampling);
    requireText(prompt);
    signal?.throwIfAborted();
    const opening = new AbortScope();
    try {
      const late = waitUntil(clock, deadlineAt, opening.signal).then(() => {
        throw new NoCandidateError('deadline', []);
      });
      late.catch(() => undefined);
      const account = await this.#while(Promise.race([this.#prepare(prompt, options, opening.signal), late]), signal);
      requireSupportedSampling(this.#host.dialect, sampling);
      const session = new RemoteSession({ host: this.#host, prompt, sampling, account }, options, (ended) => this.#sessions.delete(ended));
      this.#sessions.add(session);
      return session;
    } finally {
      opening.end();
    }
  }

  async dispose(): Promise<void> {
    const error = new DisposedError('engine');
    this.#host.close(error);
    for (const session of this.#sessions) session.fail(error);
  }

  /** Counts the prompt, where the server can. @throws {ContextLengthError} */
  async #prepare(prompt: Prompt, { clock = systemClock, deadlineAt = Infinity }: SessionOptions, signal: AbortSignal): Promise<SessionAccount> {
    if (clock.now() >= deadlineAt) throw new NoCandidateError('deadline', []);
    await this.#host.detect(clock);
    const { client, dialect, model } = this.#host;
    const counted = await countPrompt(client, dialect, model, prompt, signal);
    const { contextTokens } = this.#host;
    if (counted !== undefined && contextTokens !== undefined && counted >= contextTokens) throw new ContextLengthError(counted, contextTokens);
    return new SessionAccount(counted ?? estimatePromptTokens(prompt), counted !== undefined);
  }

  /** @throws the signal's reason, or that the engine has been disposed, as soon as that is so. */
  async #while<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
    work.catch(() => undefined);
    signal?.throwIfAborted();
    const forgets: (() => void)[] = [];
    const given = [this.#host.life, ...(signal ? [signal] : [])].map(
      (one) => new Promise<never>((_, reject) => forgets.push(onAbort(one, () => reject(one.reason)))),
    );
    try {
      return await Promise.race([work, ...given]);
    } finally {
      for (const forget of forgets) forget();
    }
  }
}

function requireText(prompt: Prompt): void {
  if (requirePrompt(prompt).join('') === '') throw new InvalidOptionError('prompt', 'text with at least one token', prompt);
}
