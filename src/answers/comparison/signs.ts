/** `±` stands for two answers. */
import * as expressions from '../algebra/expression.ts';
import type { Expression } from '../algebra/expression.ts';
import { MINUS_ONE, ONE } from '../algebra/rational.ts';
import { type Answer, isExpression } from '../reading/syntax.ts';

/** Both versions of an entry that contains a sign, the upper one first; else the entry. */
export function withSignsExpanded(entry: Answer): readonly Answer[] {
  if (!hasSign(entry)) return [entry];
  return [withSign(entry, false), withSign(entry, true)];
}

const isSign = (part: Expression): boolean => part.kind === 'sign';

function hasSign(answer: Answer): boolean {
  if (isExpression(answer)) return expressions.contains(answer, isSign);
  if (answer.kind === 'quantity') return hasSign(answer.value);
  if (answer.kind === 'bracketed') return answer.items.some(hasSign);
  return answer.kind === 'matrix' && answer.rows.some((row) => row.some(hasSign));
}

function withSign(answer: Answer, isLower: boolean): Answer {
  const settled = (expression: Expression): Expression =>
    expressions.rewritten(expression, (part) => (part.kind === 'sign' ? expressions.numberOf(part.isOpposite === isLower ? ONE : MINUS_ONE) : undefined));
  if (isExpression(answer)) return settled(answer);
  if (answer.kind === 'quantity') return { ...answer, value: settled(answer.value) };
  if (answer.kind === 'bracketed') return { ...answer, items: answer.items.map((item) => withSign(item, isLower)) };
  return answer.kind === 'matrix' ? { ...answer, rows: answer.rows.map((row) => row.map(settled)) } : answer;
}
