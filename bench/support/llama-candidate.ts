import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Tokenizer } from 'latency-tts';
import type { Candidate, DecodeRequest, DecodeRun } from './candidate.ts';
import type { LlamaAnswer, LlamaCommand, LlamaPredictor, LlamaResult } from './llama-messages.ts';

const PEERS = fileURLToPath(new URL('../peers/', import.meta.url));

/** Why node-llama-cpp cannot run here, and what to do about it; `undefined` when it can. */
export function missingLlama(): string | undefined {
  if (!existsSync(`${PEERS}node_modules/node-llama-cpp`)) return 'node-llama-cpp is not installed (npm ci --prefix bench/peers)';
  const isComplete = ['target', 'draft'].every((name) => existsSync(`${PEERS}models/${name}.gguf`));
  return isComplete ? undefined : 'there are no GGUF models (python training/export_gguf.py target draft)';
}

/** The process in which node-llama-cpp holds the bundled target and draft. */
export class LlamaProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(): Promise<LlamaProcess> {
    // A loader of TypeScript in this process is of no use in that one.
    const child = fork(`${PEERS}llama-process.js`, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const process = new LlamaProcess(child);
    await process.#ask({ kind: 'load', targetPath: `${PEERS}models/target.gguf`, draftPath: `${PEERS}models/draft.gguf` });
    return process;
  }

  async run(request: Omit<Extract<LlamaCommand, { kind: 'run' }>, 'kind'>): Promise<LlamaResult> {
    return (await this.#ask({ kind: 'run', ...request })) as LlamaResult;
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill();
    await exit;
  }

  async #ask(command: LlamaCommand): Promise<LlamaAnswer> {
    this.#child.send(command);
    const [answer] = (await Promise.race([once(this.#child, 'message'), once(this.#child, 'exit')])) as [LlamaAnswer | number | null];
    if (answer === null || typeof answer === 'number') throw new Error(`The process of node-llama-cpp has ended with ${answer}.`);
    if ('error' in answer) throw new Error(`node-llama-cpp: ${answer.error}`);
    return answer;
  }
}

export interface LlamaModelFacts {
  readonly tokenizer: Tokenizer;
  readonly contextTokens: number;
  readonly endToken: number;
}

/** node-llama-cpp on the bundled weights as GGUF, with one of its token predictors or none; branches are its parallel sequences. */
export class LlamaCandidate implements Candidate {
  readonly name: string;
  readonly #process: LlamaProcess;
  readonly #predictor: LlamaPredictor;
  readonly #facts: LlamaModelFacts;
  readonly #threads = new Map<number, number>();

  constructor(process: LlamaProcess, predictor: LlamaPredictor, facts: LlamaModelFacts) {
    this.name = LLAMA_NAMES[predictor];
    this.#process = process;
    this.#predictor = predictor;
    this.#facts = facts;
  }

  /** Its fastest number of threads for `branches`, chosen by `chooseThreads`. */
  threadsFor(branches: number): number {
    return this.#threads.get(branches) ?? 1;
  }

  /** Tries each number of threads and keeps the fastest: the most tokens a second over `requests`, the first of which warms up. */
  async chooseThreads(choices: readonly number[], branches: number, requests: readonly DecodeRequest[]): Promise<void> {
    let best = { threads: choices[0]!, rate: 0 };
    for (const threads of choices) {
      this.#threads.set(branches, threads);
      await this.run(requests[0]!);
      let [tokens, milliseconds] = [0, 0];
      for (const request of requests) {
        const run = await this.run(request);
        tokens += run.usefulTokens;
        milliseconds += run.totalMs;
      }
      if (tokens / milliseconds > best.rate) best = { threads, rate: tokens / milliseconds };
    }
    this.#threads.set(branches, best.threads);
  }

  async run({ question, branches, seed, temperature, maxTokens }: DecodeRequest): Promise<DecodeRun> {
    const { tokenizer, contextTokens, endToken } = this.#facts;
    const { tokens, totalMs, decodeMs, proposed, accepted } = await this.#process.run({
      predictor: this.#predictor,
      branches,
      threads: this.threadsFor(branches),
      contextTokens,
      prompt: tokenizer.encodePrompt(question),
      temperature,
      seed,
      maxTokens,
      endToken,
    });
    const usefulTokens = tokens.flat().length;
    return {
      texts: tokens.map((ids) => tokenizer.decode(ids)),
      totalMs,
      decodeMs,
      usefulTokens,
      computedTokens: usefulTokens,
      ...(this.#predictor !== 'none' && { drafts: { proposed, accepted } }),
    };
  }

  /** The process is its starter's to stop: candidates share it. */
  async dispose(): Promise<void> {}
}

export const LLAMA_NAMES: Readonly<Record<LlamaPredictor, string>> = {
  none: 'node-llama-cpp',
  draft: 'node-llama-cpp, draft predictor',
  lookup: 'node-llama-cpp, lookup predictor',
};
