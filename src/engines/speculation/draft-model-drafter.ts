/**
 * Drafts with a small model: its tokens are drawn like the target's, and the distributions they came from go along
 * (Leviathan et al. 2022, arXiv:2211.17192; Chen et al. 2023, arXiv:2302.01318).
 *
 * @module
 */
import type { Draft, Drafter, DraftRequest } from '../../contracts/drafter.ts';
import type { TokenModel, TokenSequence } from '../../contracts/token-model.ts';
import { forwardChoices, type RowChoices } from '../local/token-choice.ts';
import { drawsFromAll } from '../../maths/sampling.ts';
import type { TokenDistribution } from '../../maths/token-distribution.ts';
import { PrefixCache } from '../local/prefix-cache.ts';
import { requireNumber } from '../../options.ts';

export interface DraftModelDrafterOptions {
  /**
   * A draft ends once the product of its tokens' draft probabilities has fallen below this. In [0, 1]; 0 never ends one early.
   * After SpecDec++ (Huang et al. 2024, arXiv:2405.19715), with the draft's own probability as the acceptance estimate.
   * @default 0.3
   */
  readonly minConfidence?: number;
  /** What is known of prompts. @default nothing */
  readonly prefixes?: PrefixCache;
}

/** What the draft model holds of one branch. */
interface DraftBranch {
  readonly sequence: TokenSequence;
  /** Tokens after the prompt that are in the cache. */
  held: number[];
}

/** A branch that is being drafted for. */
interface DraftRow {
  readonly request: DraftRequest;
  readonly branch: DraftBranch;
  readonly tokens: number[];
  readonly probs: TokenDistribution[];
  confidence: number;
}

const PREFILL_CHUNK = 256;

export class DraftModelDrafter implements Drafter {
  readonly name = 'draft model';
  readonly #model: TokenModel;
  readonly #minConfidence: number;
  readonly #prefixes: PrefixCache;
  readonly #prompts = new Map<readonly number[], TokenSequence>();
  readonly #branches = new Map<object, DraftBranch>();

  /** @param model - Owned by the drafter from now on. @throws {InvalidOptionError} */
  constructor(model: TokenModel, { minConfidence = 0.3, prefixes = new PrefixCache(0) }: DraftModelDrafterOptions = {}) {
    requireNumber('minConfidence', minConfidence, 0, 1);
    this.#model = model;
    this.#minConfidence = minConfidence;
    this.#prefixes = prefixes;
  }

  async propose(requests: readonly DraftRequest[]): Promise<Draft[]> {
    const rows: DraftRow[] = [];
    for (const request of requests) rows.push({ request, branch: await this.#branchOf(request), tokens: [], probs: [], confidence: 1 });
    let open = rows.filter((row) => this.#hasRoom(row));
    let choices = await this.#forward(open.map((row) => [row, this.#missing(row)]));
    while (open.length > 0) {
      for (const [index, row] of open.entries()) draw(row, choices[index]!);
      open = open.filter((row) => row.tokens.length < row.request.limit && row.confidence >= this.#minConfidence && this.#hasRoom(row));
      choices = await this.#forward(open.map((row) => [row, row.tokens.slice(-1)]));
    }
    return rows.map(({ request, tokens, probs }) => ({ tokens, probs: needsProbs(request) ? probs : undefined }));
  }

  forget(key: object): void {
    this.#branches.get(key)?.sequence.dispose();
    this.#branches.delete(key);
    const promptTokens = key as readonly number[];
    const prompt = this.#prompts.get(promptTokens);
    if (!prompt) return;
    this.#prefixes.keep(this.#model, promptTokens, prompt);
    prompt.dispose();
    this.#prompts.delete(promptTokens);
  }

  async dispose(): Promise<void> {
    this.#branches.clear();
    this.#prompts.clear();
    await this.#model.dispose();
  }

  async #branchOf({ branch: key, promptTokens }: DraftRequest): Promise<DraftBranch> {
    const known = this.#branches.get(key);
    if (known) return known;
    const branch = { sequence: (await this.#promptOf(promptTokens)).fork(), held: [] };
    this.#branches.set(key, branch);
    return branch;
  }

  /** The prompt without its last token, so that a branch without tokens of its own still has one to feed. */
  async #promptOf(promptTokens: readonly number[]): Promise<TokenSequence> {
    const known = this.#prompts.get(promptTokens);
    if (known) return known;
    const sequence = this.#prefixes.open(this.#model, promptTokens);
    this.#prompts.set(promptTokens, sequence);
    for (let start = sequence.length; start < promptTokens.length - 1; start += PREFILL_CHUNK) {
      const tokens = promptTokens.slice(start, Math.min(start + PREFILL_CHUNK, promptTokens.length - 1));
      await this.#model.forward([{ sequence, tokens, logitCount: 0 }]);
    }
    this.#prefixes.share(this.#model, promptTokens, sequence);
    return sequence;
  }

  /** Tokens of the branch that the draft model has not read, after forgetting what it read in vain. */
  #missing({ request, branch }: DraftRow): readonly number[] {
    const context = [request.promptTokens.at(-1)!, ...request.tokens];
    let kept = 0;
    while (kept < branch.held.length && kept < context.length - 1 && branch.held[kept] === context[kept]) kept++;
    branch.sequence.truncate(branch.sequence.length - (branch.held.length - kept));
    branch.held.length = kept;
    return context.slice(kept);
  }

  #hasRoom({ request, tokens }: DraftRow): boolean {
    return request.promptTokens.length + request.tokens.length + tokens.length <= this.#model.contextTokens;
  }

  async #forward(rows: readonly (readonly [DraftRow, readonly number[]])[]): Promise<RowChoices[]> {
    if (rows.length === 0) return [];
    const choices = await forwardChoices(
      this.#model,
      rows.map(([{ request, branch, tokens: drafted }, tokens]) => ({
        sequence: branch.sequence,
        tokens,
        logitCount: 1,
        sampling: request.sampling,
        seen: request.sampling.repetitionPenalty === 1 ? [] : [...request.promptTokens, ...request.tokens, ...drafted],
        points: [request.draw(drafted.length)],
        needsLogprobs: false,
        topLogprobs: 0,
        // Otherwise the graph draws, and returns a few numbers instead of a row of its vocabulary.
        needsWholeRows: needsProbs(request) && drawsFromAll(request.sampling),
      })),
    );
    for (const [row, tokens] of rows) row.branch.held.push(...tokens);
    return choices;
  }
}

function draw(row: DraftRow, choices: RowChoices): void {
  const { token } = choices.choose(0);
  row.tokens.push(token);
  if (needsProbs(row.request)) row.probs.push(choices.distribution.copy());
  row.confidence *= choices.probabilityOf(token, 0);
}

function needsProbs(request: DraftRequest): boolean {
  return request.needsProbs ?? true;
}
