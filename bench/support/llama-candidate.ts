import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Tokenizer } from 'latency-tts';
import type { Candidate, DecodeRequest, DecodeRun } from './candidate.ts';
import type { LlamaAnswer, LlamaCommand, LlamaPredictor, LlamaResult } from './llama-messages.ts';
import { missingPeer, PEERS } from './peers.ts';

const MODELS = fileURLToPath(new URL('../../models/', import.meta.url));

/**
 * With several threads its passes take turns to wait for each other: where something else runs, a run of a tenth of a
 * second can take minutes. One that is cut short after this time still tells that it is slow.
 */
const LONGEST_RUN_MS = 10_000;

/** Why node-llama-cpp cannot run here, and what to do about it; `undefined` when it can. */
export function missingLlama(): string | undefined {
  const isFresh = ['target', 'draft'].every((name) => changedAt(`${PEERS}models/${name}.gguf`) > changedAt(`${MODELS}${name}/model.onnx`));
  return missingPeer('node-llama-cpp') ?? (isFresh ? undefined : 'its models are missing or older than ours (python training/export_gguf.py target draft)');
}

function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
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
    const settled = new AbortController();
    const answers = ['message', 'exit'].map((event) => once(this.#child, event, { signal: settled.signal }));
    this.#child.send(command);
    const [answer] = (await Promise.race(answers)) as [LlamaAnswer | number | null];
    // The other one will not come: stop listening for it.
    for (const open of answers) open.catch(() => undefined);
    settled.abort();
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
  readonly #threads: number;

  constructor(process: LlamaProcess, predictor: LlamaPredictor, threads: number, facts: LlamaModelFacts) {
    this.name = LLAMA_NAMES[predictor];
    this.#process = process;
    this.#predictor = predictor;
    this.#threads = threads;
    this.#facts = facts;
  }

  async run({ question, branches, seed, temperature, maxTokens }: DecodeRequest): Promise<DecodeRun> {
    const { tokenizer, contextTokens, endToken } = this.#facts;
    const { tokens, totalMs, decodeMs, proposed, accepted } = await this.#process.run({
      predictor: this.#predictor,
      branches,
      threads: this.#threads,
      contextTokens,
      prompt: tokenizer.encodePrompt(question),
      temperature,
      seed,
      maxTokens,
      endToken,
      limitMs: LONGEST_RUN_MS,
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

const LLAMA_NAMES: Readonly<Record<LlamaPredictor, string>> = {
  none: 'node-llama-cpp',
  draft: 'node-llama-cpp, draft predictor',
  lookup: 'node-llama-cpp, lookup predictor',
};
