/**
 * One forward pass, and the tokens that follow from it: out of whole rows of logits, or out of the likeliest tokens of each
 * position where the model finds those itself. Both choose the same token at the same random number.
 *
 * @module
 */
import type { Logits, TokenModel, TopLogits, TopRow } from '../../contracts/token-model.ts';
import { ModelError } from '../../errors.ts';
import { drawsFromAll, logSumExp, processedDistribution, topCountFor, topDistribution } from '../../maths/sampling.ts';
import { likeliestTokens, type LogitRow } from '../../maths/token-confidence.ts';
import { TokenDistribution } from '../../maths/token-distribution.ts';

/** What of a row's logits is needed besides its tokens. */
export interface ChoiceRow extends TopRow {
  /** Log-probabilities of chosen tokens. */
  readonly needsLogprobs: boolean;
  /** How many of the likeliest tokens are told. */
  readonly topLogprobs: number;
  /** Whether whole rows are needed: for the distribution a token was drawn from, or for statistics of it. */
  readonly needsWholeRows: boolean;
}

/** More tokens of a position than this are better found in its whole row. */
const MOST_TOP = 1024;

/** A token, and its natural-log probability under the model; `NaN` where that was not asked for. */
export interface Choice {
  readonly token: number;
  readonly logprob: number;
}

/** What a row's positions give. */
export interface RowChoices {
  /** The token at one of the row's wanted positions. @throws {ModelError} when logits are not numbers. */
  choose(position: number): Choice;
  /** The likeliest tokens and their log-probabilities. */
  likeliest(position: number, count: number): { readonly tokens: readonly number[]; readonly logprobs: readonly number[] };
  /** The whole row, where it was asked for. */
  logits(position: number): LogitRow | undefined;
  /**
   * The distribution of the last choice, where tokens were not drawn from the whole vocabulary on the graph. Valid until the next
   * choice of any row.
   */
  readonly distribution: TokenDistribution;
  /** The probability with which the last choice, of `token` at `position`, was drawn; close to it where a penalty counts and the graph drew. */
  probabilityOf(token: number, position: number): number;
}

/** Where distributions are made, one after another. */
const scratch = new TokenDistribution();

/** @throws {ModelError | ContextLengthError} as the model does; nothing has been appended then. */
export async function forwardChoices(model: TokenModel, rows: readonly ChoiceRow[]): Promise<RowChoices[]> {
  const count = Math.max(1, ...rows.map((row) => (row.logitCount === 0 ? 1 : Math.max(topCountFor(row.sampling) ?? 1, row.topLogprobs))));
  if (!model.forwardTop || count > MOST_TOP || rows.some(needsWholeRows)) return wholeRows(rows, await model.forward(rows), model.vocabularySize);
  const draws = rows.some(({ sampling }) => sampling.temperature > 0 && sampling.topK === 0);
  const top = await model.forwardTop(rows, { count, draws, normalisers: rows.some((row) => row.needsLogprobs || row.topLogprobs > 0) });
  const choices = topRows(rows, top);
  const lacking = rows.filter((row, index) => !choices[index]!.isEnough);
  if (lacking.length > 0) await chooseAgain(model, rows, choices, lacking);
  return choices;
}

/** Whole rows of logits that are there already. */
export function wholeRows(rows: readonly TopRow[], logits: Logits, vocabularySize: number): RowChoices[] {
  let next = 0;
  return rows.map((row) => {
    const start = next;
    next += row.logitCount;
    return new WholeRow(row, { values: logits, start: start * vocabularySize, size: vocabularySize });
  });
}

function needsWholeRows({ needsWholeRows: isNeeded, topLogprobs, sampling }: ChoiceRow): boolean {
  // The penalty changes which tokens are the likeliest, but not what the model says of them.
  return isNeeded || (topLogprobs > 0 && sampling.repetitionPenalty !== 1);
}

function topRows(rows: readonly ChoiceRow[], top: TopLogits): TopChoices[] {
  let next = 0;
  return rows.map((row) => {
    const start = next;
    next += row.logitCount;
    return new TopChoices(row, top, start);
  });
}

/** Where a nucleus holds more tokens than were asked for, the pass is repeated for that row alone, with all of them. */
async function chooseAgain(model: TokenModel, rows: readonly ChoiceRow[], choices: TopChoices[], lacking: readonly ChoiceRow[]): Promise<void> {
  for (const row of lacking) row.sequence.truncate(row.sequence.length - row.tokens.length);
  const whole = wholeRows(lacking, await model.forward(lacking), model.vocabularySize);
  for (const [index, row] of lacking.entries()) choices[rows.indexOf(row)]!.replaceWith(whole[index]!);
}

class WholeRow implements RowChoices {
  readonly distribution = scratch;
  readonly #row: TopRow;
  readonly #first: LogitRow0;
  readonly #normalisers: number[] = [];

  constructor(row: TopRow, first: LogitRow0) {
    this.#row = row;
    this.#first = first;
  }

  choose(position: number): Choice {
    const row = this.#at(position);
    const { sampling, points } = this.#row;
    processedDistribution(row, sampling, seenAt(this.#row, position), scratch);
    const token = scratch.draw(points[position]!);
    const logprob = row.values[row.start + token]! - this.#normaliser(position);
    if (Number.isNaN(logprob)) throw notNumbers();
    return { token, logprob };
  }

  probabilityOf(token: number): number {
    return scratch.probabilityOf(token);
  }

  likeliest(position: number, count: number): { tokens: readonly number[]; logprobs: readonly number[] } {
    const row = this.logits(position);
    const tokens = likeliestTokens(row, count);
    return { tokens, logprobs: tokens.map((token) => row.values[row.start + token]! - row.logNormaliser) };
  }

  logits(position: number): LogitRow {
    return { ...this.#at(position), logNormaliser: this.#normaliser(position) };
  }

  #at(position: number): LogitRow0 {
    const { values, start, size } = this.#first;
    return { values, start: start + position * size, size };
  }

  #normaliser(position: number): number {
    const { values, start, size } = this.#at(position);
    return (this.#normalisers[position] ??= logSumExp(values, start, size));
  }
}

type LogitRow0 = Omit<LogitRow, 'logNormaliser'>;

class TopChoices implements RowChoices {
  readonly distribution = scratch;
  readonly #row: ChoiceRow;
  readonly #top: TopLogits;
  readonly #start: number;
  #whole: RowChoices | undefined;

  constructor(row: ChoiceRow, top: TopLogits, start: number) {
    this.#row = row;
    this.#top = top;
    this.#start = start;
  }

  /** Whether every position can be drawn from the tokens that are here. */
  get isEnough(): boolean {
    const { sampling, logitCount } = this.#row;
    if (sampling.temperature === 0 || sampling.topK > 0 || drawsFromAll(sampling)) return true;
    for (let position = 0; position < logitCount; position++) if (!topDistribution(this.#top, this.#start + position, sampling, scratch)) return false;
    return true;
  }

  replaceWith(whole: RowChoices): void {
    this.#whole = whole;
  }

  choose(position: number): Choice {
    if (this.#whole) return this.#whole.choose(position);
    const { sampling, points } = this.#row;
    const place = this.#start + position;
    const { drawn } = this.#top;
    if (drawn && drawsFromAll(sampling)) return this.#choice(drawn.tokens[place]!, drawn.raw[place]!, place);
    topDistribution(this.#top, place, sampling, scratch);
    const token = scratch.draw(points[position]!);
    return this.#choice(token, this.#top.raw[place * this.#top.count + this.#rankOf(token, place)]!, place);
  }

  probabilityOf(token: number, position: number): number {
    const { sampling } = this.#row;
    const { drawn, logits, count, scaledTotals } = this.#top;
    if (this.#whole || !drawn || !drawsFromAll(sampling)) return scratch.probabilityOf(token);
    const place = this.#start + position;
    return Math.exp((drawn.raw[place]! - logits[place * count]!) / sampling.temperature) / scaledTotals![place]!;
  }

  likeliest(position: number, count: number): { tokens: readonly number[]; logprobs: readonly number[] } {
    if (this.#whole) return this.#whole.likeliest(position, count);
    const place = this.#start + position;
    const first = place * this.#top.count;
    const tokens = Array.from(this.#top.tokens.subarray(first, first + Math.min(count, this.#top.count)));
    return { tokens, logprobs: tokens.map((_, rank) => this.#top.raw[first + rank]! - this.#top.normalisers![place]!) };
  }

  logits(): undefined {
    return undefined;
  }

  #choice(token: number, raw: number, place: number): Choice {
    if (Number.isNaN(raw)) throw notNumbers();
    return { token, logprob: raw - (this.#top.normalisers?.[place] ?? NaN) };
  }

  #rankOf(token: number, place: number): number {
    const first = place * this.#top.count;
    let rank = 0;
    while (this.#top.tokens[first + rank] !== token) rank++;
    return rank;
  }
}

/** Tokens in the context of a wanted position. */
function seenAt({ sampling, seen, tokens, logitCount }: TopRow, position: number): readonly number[] {
  if (sampling.repetitionPenalty === 1) return [];
  return [...seen, ...tokens.slice(0, tokens.length - logitCount + position + 1)];
}

function notNumbers(): ModelError {
  return new ModelError('The model gave logits that are not numbers.');
}
