/**
 * Groups of answers that are the same, whatever the order they come in.
 *
 * Sameness of answers is not transitive (`50`, `50%`, `0.5`), so following it from one answer to the next would depend on
 * the order, and chains would join answers that differ. Here all pairs that are the same are taken in an order that their
 * texts fix, and two groups are joined only where every answer of one is the same as every answer of the other.
 *
 * @module
 */
import type { AnswerEquivalence } from '../contracts/answer.ts';

/**
 * Divides answers into groups in which every two are the same. Which answers share a group depends on the set of texts
 * alone, not on their order or number. Where sameness is transitive the groups are its classes.
 *
 * @param answers - Texts; equal texts are one group whatever `isSame` says.
 * @param isSame - Asked once for each pair of different texts, at most, with the lesser text first. @default equal text
 * @returns For each group the indices of its answers, ascending; groups in the order of their first answers.
 */
export function groupAnswers(answers: readonly string[], isSame?: AnswerEquivalence): number[][] {
  const indices = new Map<string, number[]>();
  for (const [index, answer] of answers.entries()) {
    const present = indices.get(answer);
    if (present) present.push(index);
    else indices.set(answer, [index]);
  }
  if (!isSame) return [...indices.values()];
  const groups = groupTexts([...indices.keys()].sort(), isSame);
  return groups.map((texts) => texts.flatMap((text) => indices.get(text)!).sort((left, right) => left - right)).sort((left, right) => left[0]! - right[0]!);
}

/** @param texts - Different texts, sorted. */
function groupTexts(texts: readonly string[], isSame: AnswerEquivalence): (readonly string[])[] {
  const same = new Set<string>();
  const pairs: (readonly [number, number])[] = [];
  const pairKey = (one: number, other: number): string => (one < other ? `${one} ${other}` : `${other} ${one}`);
  for (let one = 0; one < texts.length; one++) {
    for (let other = one + 1; other < texts.length; other++) {
      if (!isSame(texts[one]!, texts[other]!)) continue;
      same.add(pairKey(one, other));
      pairs.push([one, other]);
    }
  }
  const groupOf = texts.map((_, index) => [index]);
  for (const [one, other] of pairs) {
    const [left, right] = [groupOf[one]!, groupOf[other]!];
    if (left === right || !left.every((first) => right.every((second) => same.has(pairKey(first, second))))) continue;
    left.push(...right);
    for (const member of right) groupOf[member] = left;
  }
  return [...new Set(groupOf)].map((group) => group.map((index) => texts[index]!));
}
