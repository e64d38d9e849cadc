/**
 * How often a vote is right: the closed form for branches that are right independently of each other with a known probability
 * and otherwise give one of several equally likely wrong answers.
 *
 * @module
 */

/**
 * Probability that the right answer wins the vote of `voters`; a tie for the first place counts half.
 *
 * @param voters - Whole number ≥ 0.
 * @param rightShare - Probability in [0, 1] that one voter is right.
 * @param wrongAnswers - How many wrong answers there are, equally likely. Whole number ≥ 1.
 */
export function pluralityAccuracy(voters: number, rightShare: number, wrongAnswers: number): number {
  let accuracy = 0;
  for (let right = 1; right <= voters; right++) {
    const wrong = voters - right;
    const wins = (allAtMost(wrong, wrongAnswers, right - 1) + allAtMost(wrong, wrongAnswers, right)) / 2;
    accuracy += binomial(voters, right, rightShare) * wins;
  }
  return accuracy;
}

/** Probability that no wrong answer has more than `cap` of `votes`: the coefficient of (Σ_{j ≤ cap} x^j / j!)^answers. */
function allAtMost(votes: number, answers: number, cap: number): number {
  if (votes <= cap) return 1;
  if (votes > answers * cap) return 0;
  // ways[n]: probability that n votes fall on the answers so far, none above the cap, times n!/answers^n left for the end.
  let ways = [1, ...new Array<number>(votes).fill(0)];
  for (let answer = 0; answer < answers; answer++) {
    const next = new Array<number>(votes + 1).fill(0);
    for (let held = 0; held <= votes; held++) {
      for (let more = 0; more <= cap && held + more <= votes; more++) next[held + more]! += ways[held]! / factorial(more);
    }
    ways = next;
  }
  return (ways[votes]! * factorial(votes)) / answers ** votes;
}

/** Probability of `hits` in `draws`. */
export function binomial(draws: number, hits: number, probability: number): number {
  if (probability <= 0) return hits === 0 ? 1 : 0;
  if (probability >= 1) return hits === draws ? 1 : 0;
  return Math.exp(logChoose(draws, hits) + hits * Math.log(probability) + (draws - hits) * Math.log1p(-probability));
}

function logChoose(draws: number, hits: number): number {
  return logFactorial(draws) - logFactorial(hits) - logFactorial(draws - hits);
}

function factorial(count: number): number {
  return Math.exp(logFactorial(count));
}

const logFactorials = [0];

function logFactorial(count: number): number {
  for (let next = logFactorials.length; next <= count; next++) logFactorials.push(logFactorials[next - 1]! + Math.log(next));
  return logFactorials[count]!;
}
