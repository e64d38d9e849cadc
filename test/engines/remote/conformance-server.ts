/**
 * A server on loopback that speaks as vLLM, SGLang, llama.cpp, Ollama, TGI, LM Studio and OpenAI do, over a scripted model of
 * characters, and that fails in every way that servers do. What each dialect sends follows the servers' own sources and pages;
 * none of it was recorded from them.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { argmax, logSumExp, processedDistribution, resolveSampling, type Sampling } from '../../../src/maths/sampling.ts';
import { TokenDistribution } from '../../../src/maths/token-distribution.ts';
import { randomAt } from '../../../src/maths/random.ts';
import type { ServerName } from '../../../src/servers/dialects.ts';
import { ALPHABET, END, storyLogits, tokenizer } from '../scripted-engines.ts';

/** What goes wrong with a request. A number says behind how many tokens. */
export type Fault =
  | { readonly kind: 'refuse' | 'hang' | 'wrong-type' | 'not-json' | 'giant-line' | 'bad-utf8' | 'malformed-event' | 'wrong-shape' }
  | { readonly kind: 'status'; readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'hang-behind' | 'truncate' | 'reset' | 'error-event'; readonly tokens: number }
  | { readonly kind: 'no-done' | 'split-bytes' | 'whole-json' | 'pings' | 'no-usage' | 'ignores-limits' | 'no-logprobs' | 'keeps-generating' };

export interface SeenRequest {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Tokens generated for it so far. */
  tokens: number;
  /** Whether the client has gone before the end. */
  isCancelled: boolean;
}

export interface ConformanceOptions {
  readonly dialect?: ServerName;
  readonly contextTokens?: number;
  /** What happens to the nth request for text, from 0. */
  readonly fault?: (request: SeenRequest, index: number) => Fault | undefined;
  readonly logits?: (tokens: readonly number[]) => readonly number[];
  /** Called before every token. */
  readonly pace?: (request: SeenRequest) => Promise<void>;
  /** Thoughts sent before the text, a piece each. */
  readonly reasoning?: readonly string[];
  readonly drafts?: { readonly proposed: number; readonly accepted: number };
  /** What happens to the nth request that asks for no text, from 0: a failure that comes before any answer. */
  readonly answerFault?: (request: SeenRequest, index: number) => Fault | undefined;
  /** Answers other paths. */
  readonly answer?: (path: string, body: Readonly<Record<string, unknown>>) => unknown;
}

interface Choice {
  readonly text: string;
  readonly finish: string | null;
  readonly stop?: string;
  readonly token?: number;
  readonly logits?: readonly number[];
}

const OWNERS: Partial<Record<ServerName, string>> = {
  vllm: 'vllm',
  sglang: 'sglang',
  'llama.cpp': 'llamacpp',
  ollama: 'library',
  'lm-studio': 'organization_owner',
  'llama-cpp-python': 'me',
  'latency-tts': 'latency-tts',
  openai: 'system',
};

export class ConformanceServer {
  readonly requests: SeenRequest[] = [];
  readonly #server: Server;
  readonly #options: ConformanceOptions;
  /** Answers not yet ended, and generations that go on without a listener. */
  #open = 0;

  private constructor(server: Server, options: ConformanceOptions) {
    this.#server = server;
    this.#options = options;
  }

  static async start(options: ConformanceOptions = {}): Promise<ConformanceServer> {
    const server = createServer();
    const conformance = new ConformanceServer(server, options);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void conformance.#handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return conformance;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  get dialect(): ServerName {
    return this.#options.dialect ?? 'vllm';
  }

  get openRequests(): number {
    return this.#open;
  }

  /** Requests for text. */
  get completions(): readonly SeenRequest[] {
    return this.requests.filter(({ path }) => path.endsWith('/completions'));
  }

  /** Waits until nothing is open any more. */
  async settled(): Promise<void> {
    while (this.#open > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const seen: SeenRequest = { path: request.url ?? '', body, headers: request.headers, tokens: 0, isCancelled: false };
    this.requests.push(seen);
    this.#open++;
    response.on('close', () => {
      this.#open--;
      if (!response.writableFinished) seen.isCancelled = true;
    });
    if (seen.path.endsWith('/completions')) return this.#complete(seen, response);
    const fault = this.#options.answerFault?.(seen, this.requests.length - this.completions.length - 1);
    if (fault && failsAtOnce(fault, response)) return;
    const answer = this.#options.answer?.(seen.path, body) ?? this.#page(seen.path, body);
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { error: { message: 'Not Found' } }));
  }

  #page(path: string, body: Record<string, unknown>): unknown {
    const { dialect } = this;
    const { contextTokens = 120 } = this.#options;
    const model = {
      id: 'scripted',
      object: 'model',
      owned_by: OWNERS[dialect] ?? 'someone',
      ...((dialect === 'vllm' || dialect === 'sglang') && { max_model_len: contextTokens }),
    };
    const text = textOf(body['prompt'] ?? body['content'] ?? body['input'] ?? body['inputs'] ?? renderChat(body));
    const tokens = tokenizer.encode(text);
    const pages: Record<string, unknown> = {
      '/v1/models': { object: 'list', data: [model] },
      ...(dialect === 'vllm' && { '/version': { version: '0.32.0' }, '/tokenize': { count: tokens.length, max_model_len: contextTokens, tokens } }),
      ...(dialect === 'sglang' && { '/server_info': { version: '0.6' }, '/tokenize': { tokens, count: tokens.length, max_model_len: contextTokens } }),
      ...(dialect === 'llama.cpp' && {
        '/props': { default_generation_settings: { n_ctx: contextTokens }, total_slots: 4 },
        '/tokenize': { tokens },
        '/apply-template': { prompt: text },
      }),
      ...(dialect === 'llama-cpp-python' && {
        '/openapi.json': { openapi: '3.1.0', info: { title: '🦙 llama.cpp Python API', version: '0.3.36' } },
        '/extras/tokenize/count': { count: tokens.length },
      }),
      ...(dialect === 'ollama' && { '/api/version': { version: '0.14.0' } }),
      ...(dialect === 'tgi' && { '/info': { model_id: 'scripted', max_total_tokens: contextTokens }, '/tokenize': tokens.map((id) => ({ id })) }),
    };
    return pages[path];
  }

  async #complete(seen: SeenRequest, response: ServerResponse): Promise<void> {
    const fault = this.#options.fault?.(seen, this.completions.length - 1);
    if (fault && failsAtOnce(fault, response)) return;
    const prompt = tokenizer.encode(textOf(seen.body['prompt'] ?? renderChat(seen.body)));
    const { contextTokens = 120 } = this.#options;
    const wanted = Number(seen.body['max_tokens'] ?? seen.body['max_completion_tokens'] ?? Infinity);
    if (prompt.length >= contextTokens) {
      const message = `This model's maximum context length is ${contextTokens} tokens. However, your request has ${prompt.length} input tokens.`;
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message, type: 'BadRequestError', code: 400 } }));
      return;
    }
    const most = Math.min(wanted, contextTokens - prompt.length);
    const writer = new AnswerWriter(this.dialect, seen, response, fault);
    for (const piece of this.#options.reasoning ?? []) writer.think(piece);
    for (const choice of generate(
      seen,
      prompt,
      fault?.kind === 'ignores-limits' ? contextTokens - prompt.length : most,
      fault,
      this.#options.logits ?? storyLogits,
    )) {
      await (this.#options.pace?.(seen) ?? new Promise((resolve) => setImmediate(resolve)));
      if (response.closed && fault?.kind !== 'keeps-generating') return;
      seen.tokens++;
      if (writer.write(choice, prompt.length)) return;
    }
    writer.end(prompt.length, this.#options.drafts);
  }
}

/** Sends a failure that comes before any token; whether it did. */
function failsAtOnce(fault: Fault, response: ServerResponse): boolean {
  const stream = { 'content-type': 'text/event-stream' };
  switch (fault.kind) {
    case 'refuse':
      response.destroy();
      return true;
    case 'hang':
      return true;
    case 'status':
      response
        .writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
        .end(fault.body ?? JSON.stringify({ error: { message: `Status ${fault.status}` } }));
      return true;
    case 'wrong-type':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>');
      return true;
    case 'not-json':
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices": [');
      return true;
    case 'giant-line':
      response.writeHead(200, stream).end(`data: ${'x'.repeat(5 * 1024 * 1024)}`);
      return true;
    case 'bad-utf8':
      response.writeHead(200, stream).end(Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xfe, 0x0a, 0x0a]));
      return true;
    case 'malformed-event':
      response.writeHead(200, stream).end('data: {"choices": [\n\n');
      return true;
    case 'wrong-shape':
      response.writeHead(200, stream).end('data: {"choices": [{"delta": {"content": 7}}]}\n\n');
      return true;
    default:
      return false;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The template of the scripted model: contents one behind another, and a sign behind each that has ended. */
export function renderChat({ messages, continue_final_message: goesOn }: Record<string, unknown>): string {
  const turns = (messages ?? []) as readonly { readonly role: string; readonly content: string }[];
  const isOpen = goesOn === true || turns.at(-1)?.role === 'assistant';
  return turns.map(({ content }, index) => (index === turns.length - 1 && isOpen ? content : `${content}#`)).join('');
}

function* generate(
  seen: SeenRequest,
  prompt: readonly number[],
  most: number,
  fault: Fault | undefined,
  logitsOf: (tokens: readonly number[]) => readonly number[],
): Generator<Choice> {
  const { body } = seen;
  const sampling = samplingOf(body);
  const stops = fault?.kind === 'ignores-limits' ? [] : ([body['stop'] ?? []].flat() as string[]);
  const keepsStop = body['include_stop_str_in_output'] === true || body['no_stop_trim'] === true;
  const tokens = [...prompt];
  let text = '';
  for (let count = 1; ; count++) {
    const logits = logitsOf(tokens);
    const token = draw(logits, sampling, Number(body['seed'] ?? 0), count, tokens);
    if (token === END) return yield { text: '', finish: 'stop', token, logits };
    tokens.push(token);
    const piece = ALPHABET[token]!;
    text += piece;
    const stop = stops.find((string) => text.endsWith(string));
    if (stop !== undefined) return yield { text: keepsStop ? piece : '', finish: 'stop', stop, token, logits };
    const isLast = count >= most;
    yield { text: piece, finish: isLast ? 'length' : null, token, logits };
    if (isLast) return;
  }
}

function samplingOf(body: Readonly<Record<string, unknown>>): Sampling {
  const number = (name: string, otherwise: number): number => (body[name] === undefined ? otherwise : Number(body[name]));
  return resolveSampling({
    temperature: number('temperature', 1),
    topP: number('top_p', 1),
    topK: Math.max(0, number('top_k', 0)),
    minP: number('min_p', 0),
    repetitionPenalty: number('repetition_penalty', number('repeat_penalty', 1)),
  });
}

/** Every request starts its random numbers anew from its seed, as servers do. */
function draw(logits: readonly number[], sampling: Sampling, seed: number, position: number, seen: readonly number[]): number {
  const row = Float32Array.from(logits);
  if (sampling.temperature === 0) return argmax(row);
  const distribution = new TokenDistribution();
  processedDistribution({ values: row, start: 0, size: row.length }, sampling, seen, distribution);
  return distribution.draw(randomAt(seed, 0, position));
}

/** Writes an answer in a dialect's form. */
class AnswerWriter {
  readonly #dialect: ServerName;
  readonly #seen: SeenRequest;
  readonly #response: ServerResponse;
  readonly #fault: Fault | undefined;
  #whole = '';
  #finish: string | null = null;
  #count = 0;
  #thoughts = 0;

  constructor(dialect: ServerName, seen: SeenRequest, response: ServerResponse, fault: Fault | undefined) {
    this.#dialect = dialect;
    this.#seen = seen;
    this.#response = response;
    this.#fault = fault;
    if (fault?.kind === 'whole-json') return;
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    if (fault?.kind === 'pings') response.write(': ping\n\n');
    if (this.#isChat) this.#event({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] });
  }

  get #isChat(): boolean {
    return this.#seen.path.endsWith('/chat/completions');
  }

  think(piece: string): void {
    this.#thoughts++;
    const field = this.#dialect === 'vllm' ? 'reasoning' : this.#dialect === 'ollama' ? 'thinking' : 'reasoning_content';
    this.#event({ choices: [{ index: 0, delta: { [field]: piece }, finish_reason: null }] });
  }

  /** Whether the answer has come to an end that is none. */
  write(choice: Choice, promptTokens: number): boolean {
    const fault = this.#fault;
    this.#count++;
    this.#finish = choice.finish;
    this.#whole += choice.text;
    if (fault?.kind === 'whole-json') return false;
    const { body } = this.#seen;
    const isEvery = (body['stream_options'] as { readonly continuous_usage_stats?: boolean } | undefined)?.continuous_usage_stats === true;
    this.#event({
      choices: [
        { index: 0, ...(this.#isChat ? { delta: { content: choice.text } } : { text: choice.text }), ...this.#details(choice), finish_reason: choice.finish },
      ],
      ...(isEvery && fault?.kind !== 'no-usage' && { usage: this.#usage(promptTokens) }),
    });
    if (fault?.kind === 'pings') this.#response.write(': ping\n\n');
    if (!fault || !('tokens' in fault) || this.#count < fault.tokens) return false;
    if (fault.kind === 'hang-behind') return true;
    if (fault.kind === 'error-event') this.#event({ error: { message: 'CUDA out of memory', code: 500 } });
    if (fault.kind === 'reset') this.#response.destroy();
    else this.#response.end();
    return true;
  }

  end(promptTokens: number, drafts: ConformanceOptions['drafts']): void {
    const response = this.#response;
    if (this.#fault?.kind === 'whole-json') {
      const message = this.#isChat ? { message: { role: 'assistant', content: this.#whole } } : { text: this.#whole };
      const answer = { choices: [{ index: 0, ...message, finish_reason: this.#finish }], usage: this.#usage(promptTokens) };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      return;
    }
    const wantsUsage = this.#seen.body['stream_options'] !== undefined && this.#fault?.kind !== 'no-usage';
    if (wantsUsage) this.#event({ choices: [], usage: this.#usage(promptTokens), ...(drafts && this.#dialect === 'vllm' && vllmDrafts(drafts)) });
    if (drafts && this.#dialect === 'llama.cpp') this.#event({ choices: [], timings: { draft_n: drafts.proposed, draft_n_accepted: drafts.accepted } });
    if (this.#fault?.kind !== 'no-done') response.write('data: [DONE]\n\n');
    response.end();
  }

  #details({ stop, token, logits }: Choice): object {
    const { body } = this.#seen;
    const asked = this.#isChat ? (body['logprobs'] === true ? Number(body['top_logprobs'] ?? 0) : undefined) : (body['logprobs'] as number | undefined);
    const byId = body['return_tokens_as_token_ids'] === true;
    const hasLogprobs = asked !== undefined && this.#fault?.kind !== 'no-logprobs' && token !== undefined && logits;
    return {
      ...(stop !== undefined && this.#dialect === 'vllm' && { stop_reason: stop }),
      ...(stop !== undefined && this.#dialect === 'sglang' && { matched_stop: stop }),
      ...(body['return_token_ids'] === true && { token_ids: [token] }),
      ...(hasLogprobs && { logprobs: this.#isChat ? chatLogprobs(logits, token, asked, byId) : textLogprobs(logits, token, asked, byId) }),
    };
  }

  #usage(promptTokens: number): object {
    const thoughts = this.#thoughts;
    return {
      prompt_tokens: promptTokens,
      completion_tokens: this.#count + thoughts,
      total_tokens: promptTokens + this.#count + thoughts,
      prompt_tokens_details: { cached_tokens: 0 },
      ...(thoughts > 0 && { completion_tokens_details: { reasoning_tokens: thoughts } }),
    };
  }

  #event(value: object): void {
    const bytes = Buffer.from(`data: ${JSON.stringify(value)}\n\n`);
    if (this.#fault?.kind !== 'split-bytes') return void this.#response.write(bytes);
    for (const byte of bytes) this.#response.write(Buffer.of(byte));
  }
}

function vllmDrafts({ proposed, accepted }: NonNullable<ConformanceOptions['drafts']>): object {
  return { metrics: { speculative_decoding: { num_draft_tokens: proposed, num_accepted_tokens: accepted } } };
}

function logprobsOf(logits: readonly number[]): number[] {
  const normaliser = logSumExp(Float32Array.from(logits));
  return Array.from(Float32Array.from(logits), (logit) => logit - normaliser);
}

function nameOf(token: number, byId: boolean, otherwise: string): string {
  return byId ? `token_id:${token}` : (ALPHABET[token] ?? otherwise);
}

function chatLogprobs(logits: readonly number[], token: number, asked: number, byId: boolean): object {
  const logprobs = logprobsOf(logits);
  const top = logprobs.map((logprob, id) => ({ token: nameOf(id, byId, ''), logprob })).sort((left, right) => right.logprob - left.logprob);
  return { content: [{ token: nameOf(token, byId, ''), logprob: logprobs[token], top_logprobs: top.slice(0, asked) }] };
}

function textLogprobs(logits: readonly number[], token: number, asked: number, byId: boolean): object {
  const logprobs = logprobsOf(logits);
  const top = logprobs.map((logprob, id) => [nameOf(id, byId, '<end>'), logprob] as const).sort((left, right) => right[1] - left[1]);
  return { tokens: [nameOf(token, byId, '<end>')], token_logprobs: [logprobs[token]], top_logprobs: [Object.fromEntries(top.slice(0, asked))] };
}
