/**
 * How likely a token stands that followed the same context before: learnt from every token that is written.
 *
 * Each kind of place (the branch's own text, its siblings', earlier requests') has a table of how often its tokens stood, by how
 * long the context matched and how many places agreed. One more table takes all kinds together, coarsely. Their log-odds are mixed
 * by weights that are learnt online, as compressors mix the predictions of several models (Mahoney 2005, PAQ; for drafts, the score
 * of SuffixDecoding, arXiv:2411.04975, has one such table).
 *
 * @module
 */
import { KINDS, type Continuation, type Evidence } from './text-index.ts';

/** Matches of 1, 2, 3, 4, 5 and 6, 7 and 8, 9 to 12, and more tokens are told apart. */
const MATCHED_UP_TO = [1, 2, 3, 4, 6, 8, 12, Infinity] as const;
/** So are places of which none agree, single places that do, and shares of several. */
const AGREEING_UP_TO = [0.5, 0.8, 0.99, Infinity] as const;
const AGREEMENTS = 2 + AGREEING_UP_TO.length;
/** Of a kind in the common table: no match, or one of four lengths and three agreements. */
const COARSE = 1 + 4 * 3;
/** What is believed before anything was seen is worth this many outcomes. */
const PRIOR_WEIGHT = 2;
/** Once so many outcomes are known, old ones begin to count for less. */
const MEMORY = 400;
/** Step of the weights towards what they should have been. */
const LEARNING_RATE = 0.01;
/** Probabilities are kept this far from 0 and 1. */
const MARGIN = 0.004;
/** Input that is always there. */
const BIAS = 0.3;

interface Rate {
  /** Outcomes, the believed ones included, and those of them that stood. */
  seen: number;
  stood: number;
}

export class StandingRates {
  readonly #kinds = Array.from({ length: KINDS }, () => new Map<number, Rate>());
  readonly #common = new Map<number, Rate>();
  /** By which kinds have a match: what the log-odds of each kind, of the common table and the bias are multiplied by. */
  readonly #weights = new Map<number, Float64Array>();
  /** Of the prediction under way. */
  readonly #rates: (Rate | undefined)[] = [];
  readonly #inputs = new Float64Array(KINDS + 2);

  /** The probability that the token is the next one. */
  rate(guess: Continuation): number {
    return this.#predict(guess, this.#weightsOf(guess));
  }

  /** Takes whether it was. */
  record(guess: Continuation, isRight: boolean): void {
    const weights = this.#weightsOf(guess);
    const error = Number(isRight) - this.#predict(guess, weights);
    for (let input = 0; input < weights.length; input++) weights[input]! += LEARNING_RATE * error * this.#inputs[input]!;
    for (const rate of this.#rates) if (rate) remember(rate, isRight);
  }

  #predict({ kinds }: Continuation, weights: Float64Array): number {
    let commonKey = 0;
    for (let kind = 0; kind < KINDS; kind++) {
      const evidence = kinds[kind]!;
      const [matched, agreement] = classOf(evidence);
      this.#rates[kind] = evidence.matched === 0 ? undefined : rateOf(this.#kinds[kind]!, matched * AGREEMENTS + agreement, evidence);
      commonKey = commonKey * COARSE + (evidence.matched === 0 ? 0 : 1 + (matched >> 1) * 3 + coarseAgreement(agreement));
    }
    const longest = kinds.reduce((best, evidence) => (evidence.agreeing > 0 && evidence.matched > best.matched ? evidence : best));
    this.#rates[KINDS] = rateOf(this.#common, commonKey, longest);
    let sum = 0;
    for (let input = 0; input < weights.length; input++) {
      const rate = this.#rates[input];
      this.#inputs[input] = input > KINDS ? BIAS : rate ? logOdds(rate.stood / rate.seen) : 0;
      sum += weights[input]! * this.#inputs[input]!;
    }
    return Math.max(MARGIN, Math.min(1 - MARGIN, 1 / (1 + Math.exp(-sum))));
  }

  /** To begin with, the mean of what there is. */
  #weightsOf({ kinds }: Continuation): Float64Array {
    const present = kinds.reduce((bits, { matched }, kind) => bits | (Number(matched > 0) << kind), 0);
    let weights = this.#weights.get(present);
    if (!weights) {
      const count = 1 + kinds.filter(({ matched }) => matched > 0).length;
      weights = Float64Array.from({ length: KINDS + 2 }, (_, input) => (input > KINDS ? 0 : 1 / count));
      this.#weights.set(present, weights);
    }
    return weights;
  }
}

function classOf({ matched, places, agreeing }: Evidence): readonly [matched: number, agreement: number] {
  const length = MATCHED_UP_TO.findIndex((most) => matched <= most);
  if (agreeing === 0) return [length, 0];
  return [length, places === 1 ? 1 : 2 + AGREEING_UP_TO.findIndex((most) => agreeing / places <= most)];
}

/** None or few, most, all. */
function coarseAgreement(agreement: number): number {
  if (agreement === 0 || agreement === 2) return 0;
  return agreement === 3 || agreement === 4 ? 1 : 2;
}

/** Never tried, a match is believed to be as good as it mostly is: the better the longer. */
function rateOf(table: Map<number, Rate>, key: number, { matched, places, agreeing }: Evidence): Rate {
  let rate = table.get(key);
  if (!rate) {
    const prior = (matched / (matched + 2)) * (agreeing / Math.max(1, places));
    rate = { seen: PRIOR_WEIGHT, stood: PRIOR_WEIGHT * Math.max(0.1, Math.min(0.9, prior)) };
    table.set(key, rate);
  }
  return rate;
}

function remember(rate: Rate, isRight: boolean): void {
  if (rate.seen >= MEMORY) {
    rate.stood *= 1 - 1 / MEMORY;
    rate.seen -= 1;
  }
  rate.seen++;
  rate.stood += Number(isRight);
}

function logOdds(probability: number): number {
  const bounded = Math.max(MARGIN, Math.min(1 - MARGIN, probability));
  return Math.log(bounded / (1 - bounded));
}
