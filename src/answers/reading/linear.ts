/** Arithmetic on matrices and vectors among the answers, entry by entry. */
import { GivenUp } from '../algebra/effort.ts';
import * as expressions from '../algebra/expression.ts';
import type { Expression } from '../algebra/expression.ts';
import { type Answer, isExpression, type Structure } from './syntax.ts';

type Matrix = Structure & { readonly kind: 'matrix' };

/** @throws {GivenUp} for what cannot be added. */
export function sumOfAnswers(left: Answer, right: Answer): Answer {
  if (isExpression(left) && isExpression(right))
    return expressions.sumOf([...(left.kind === 'sum' ? left.terms : [left]), ...(right.kind === 'sum' ? right.terms : [right])]);
  if (isPlainMatrix(left) && isPlainMatrix(right)) return entrywise(left, right);
  throw new GivenUp(`A ${left.kind} and a ${right.kind} have no sum.`);
}

/** @throws {GivenUp} for what cannot be multiplied. */
export function timesAnswers(left: Answer, right: Answer): Answer {
  if (isExpression(left) && isExpression(right))
    return expressions.productOf([...(left.kind === 'product' ? left.factors : [left]), ...(right.kind === 'product' ? right.factors : [right])]);
  if (isExpression(left) && !isExpression(right)) return scaled(right, left);
  if (isExpression(right) && !isExpression(left)) return scaled(left, right);
  if (isPlainMatrix(left) && isPlainMatrix(right)) return matrixProduct(left, right);
  throw new GivenUp(`A ${left.kind} and a ${right.kind} have no product.`);
}

/** The transpose of a matrix, as `A^T`. @throws {GivenUp} for other powers. */
export function raised(base: Answer, exponent: Expression): Answer {
  if (exponent.kind !== 'symbol' || !/^(?:T|t|top)$/.test(exponent.name)) throw new GivenUp('Only transposes of matrices are read.');
  if (base.kind === 'bracketed') return { kind: 'matrix', rows: base.items.map((item) => [scalar(item)]), isDeterminant: false };
  if (!isPlainMatrix(base)) throw new GivenUp(`A ${base.kind} has no transpose.`);
  return { ...base, rows: base.rows[0]!.map((_, column) => base.rows.map((row) => row[column]!)) };
}

const isPlainMatrix = (answer: Answer): answer is Matrix => answer.kind === 'matrix' && !answer.isDeterminant;

function scalar(answer: Answer): Expression {
  if (isExpression(answer)) return answer;
  throw new GivenUp(`A ${answer.kind} is no entry.`);
}

function scaled(structure: Structure, factor: Expression): Structure {
  const times = (entry: Expression): Expression => scalar(timesAnswers(factor, entry));
  if (isPlainMatrix(structure)) return { ...structure, rows: structure.rows.map((row) => row.map(times)) };
  if (structure.kind === 'bracketed') return { ...structure, items: structure.items.map((item) => times(scalar(item))) };
  throw new GivenUp(`A ${structure.kind} has no multiples.`);
}

function entrywise(left: Matrix, right: Matrix): Matrix {
  const hasSameShape = left.rows.length === right.rows.length && left.rows.every((row, index) => row.length === right.rows[index]!.length);
  if (!hasSameShape) throw new GivenUp('Matrices of different shapes have no sum.');
  return { ...left, rows: left.rows.map((row, index) => row.map((entry, column) => expressions.sumOf([entry, right.rows[index]![column]!]))) };
}

function matrixProduct(left: Matrix, right: Matrix): Matrix {
  const inner = right.rows.length;
  if (left.rows.some((row) => row.length !== inner)) throw new GivenUp('The shapes of the matrices do not fit.');
  const rows = left.rows.map((row) =>
    right.rows[0]!.map((_, column) => expressions.sumOf(row.map((entry, index) => expressions.productOf([entry, right.rows[index]![column]!])))),
  );
  return { ...left, rows };
}
