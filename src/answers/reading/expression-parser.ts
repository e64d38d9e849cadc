/**
 * Recursive descent over arithmetic, LaTeX or plain: `\frac12\sqrt3`, `2*x**2`, `\sin^2 2x`.
 *
 * A number before `/` and a number behind it make a fraction (`1/2x` is x/2); else what stands close behind `/` belongs to
 * the divisor (`a/bc` is a/(bc)).
 *
 * @module
 */
import { GivenUp } from '../algebra/effort.ts';
import * as expressions from '../algebra/expression.ts';
import type { Expression } from '../algebra/expression.ts';
import { isInteger as isWhole, MINUS_ONE } from '../algebra/rational.ts';
import { Cursor } from './cursor.ts';
import type { Token } from './lexer.ts';
import { raised, sumOfAnswers, timesAnswers } from './linear.ts';
import { isShortWord, isWord, markedName, nameOfPoints, rawArgument } from './names.ts';
import { basedNumeral, FRACTIONS, isAtProperFraction, isInteger, splitFirstDigit } from './numerals.ts';
import { type Answer, isExpression } from './syntax.ts';

const SIGNS: ReadonlySet<string> = new Set(['+', '-', '±', '∓']);
const OPENING: ReadonlySet<string> = new Set(['(', '[', '{', '(|', '(||', '⌊', '⌈']);
const BINOMIALS: ReadonlySet<string> = new Set(['binom', 'dbinom', 'tbinom']);
const ACCENTS: ReadonlySet<string> = new Set('overline bar hat vec dot ddot tilde widehat widetilde overrightarrow mathcal mathfrak mathscr mathbb'.split(' '));
/** Accents that mean the same as another. */
const ACCENT_SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['overrightarrow', 'vec'],
  ['bar', 'overline'],
  ['widehat', 'hat'],
  ['widetilde', 'tilde'],
]);
export const MODULI: ReadonlySet<string> = new Set(['pmod', 'bmod', 'mod']);
const SERIES: ReadonlySet<string> = new Set(['sum', 'prod', 'int', 'iint', 'oint', 'lim']);
const LONGEST_PRODUCT_OF_LETTERS = 4;

export abstract class ExpressionParser {
  protected readonly cursor: Cursor;
  /** Whether a bar behind a factor is no factor: it separates the parts of a set. */
  protected separatesByBars = false;
  /** How many bars are open: within them a bar closes. */
  #openBars = 0;

  constructor(tokens: readonly Token[]) {
    this.cursor = new Cursor(tokens);
  }

  /** What opens with `(`, `[` or `{`: arithmetic in brackets, or a structure. */
  protected abstract bracketed(): Answer;

  /** What a command starts that is no arithmetic by itself: a matrix, a number set. */
  protected abstract structure(command: string): Answer;

  /** Whether what comes next is a unit rather than a factor. */
  protected abstract isAtUnit(): boolean;

  protected sum(): Answer {
    return this.cursor.nested(() => {
      const terms = [this.#signed()];
      while (this.cursor.isAnyOf(SIGNS)) terms.push(this.#signed());
      return terms.reduce(sumOfAnswers);
    });
  }

  /** @throws {GivenUp} where a structure stands in place of arithmetic. */
  protected expression(): Expression {
    return asExpression(this.sum());
  }

  #signed(): Answer {
    const signs: Expression[] = [];
    let isNegative = false;
    for (; this.cursor.isAnyOf(SIGNS); this.cursor.next()) {
      if (this.cursor.is('-')) isNegative = !isNegative;
      if (this.cursor.is('±') || this.cursor.is('∓')) signs.push({ kind: 'sign', isOpposite: this.cursor.is('∓') });
    }
    const term = this.#term();
    const signed = isNegative ? (isExpression(term) ? expressions.negated(term) : timesAnswers(expressions.numberOf(MINUS_ONE), term)) : term;
    return signs.reduce<Answer>((product, sign) => timesAnswers(sign, product), signed);
  }

  #term(): Answer {
    let product = this.#factor();
    for (;;) {
      if (this.cursor.accept('*')) product = timesAnswers(product, this.#signedFactor());
      else if (this.cursor.accept('/')) product = this.#divided(product);
      else if (this.#isTimesLetter(product)) {
        this.cursor.next();
        product = timesAnswers(product, this.#factor());
      } else if (this.#startsFactor()) product = timesAnswers(product, this.#factor());
      else return product;
    }
  }

  /** `3 x 10^5` */
  #isTimesLetter(left: Answer): boolean {
    const next = this.cursor.peek();
    return left.kind === 'number' && next?.text === 'x' && this.cursor.peek(1)?.text === '10' && this.cursor.is('^', 2);
  }

  #divided(dividend: Answer): Answer {
    const start = this.cursor.peek();
    let divisor = this.#signedFactor();
    const isNumeric = start?.kind === 'number';
    const takesNext = (): boolean => {
      const next = this.cursor.peek();
      if (next?.kind !== 'symbol' && next?.kind !== 'word' && !(next?.kind === 'command' && next.text === 'sqrt')) return false;
      if (isNumeric && (dividend.kind === 'number' || next.isSpaced)) return false;
      return (isNumeric || start?.kind === 'symbol' || start?.kind === 'word') && this.#startsFactor();
    };
    while (takesNext()) divisor = timesAnswers(divisor, this.#factor());
    return timesAnswers(dividend, expressions.powerOf(asExpression(divisor), expressions.numberOf(MINUS_ONE)));
  }

  #signedFactor(): Answer {
    let isNegative = false;
    for (; this.cursor.is('-') || this.cursor.is('+'); this.cursor.next()) isNegative = isNegative !== this.cursor.is('-');
    const factor = this.#factor();
    return isNegative ? timesAnswers(expressions.numberOf(MINUS_ONE), factor) : factor;
  }

  /** Whether a factor follows without a sign of multiplication. */
  #startsFactor(): boolean {
    const token = this.cursor.peek();
    if (!token || this.isAtUnit()) return false;
    switch (token.kind) {
      case 'number':
        // Two numbers side by side are no product, but `2^3 5^2` is.
        return this.cursor.peek(-1)?.kind !== 'number' || this.cursor.is('^', -2);
      case 'symbol':
      case 'function':
        return true;
      case 'word':
        return !token.isText && token.text.length <= LONGEST_PRODUCT_OF_LETTERS && !isWord(token.text) && !isShortWord(this.cursor);
      case 'command':
        return token.text !== 'end' && token.text !== 'over' && token.text !== 'choose' && !MODULI.has(token.text);
      case 'operator':
        return OPENING.has(token.text) || (token.text === '|' && this.#openBars === 0 && !this.separatesByBars);
    }
  }

  #factor(): Answer {
    let base = this.#postfixed(this.#primary());
    while (this.cursor.accept('^')) base = this.#postfixed(this.#raised(base));
    return base;
  }

  #postfixed(base: Answer): Answer {
    let result = base;
    for (;;) {
      if (this.cursor.is('{') && this.cursor.is('}', 1)) {
        this.cursor.next();
        this.cursor.next();
      } else if (this.cursor.accept('!')) result = expressions.callOf(this.cursor.accept('!') ? 'double factorial' : 'factorial', asExpression(result));
      else if (this.cursor.accept('°')) result = expressions.callOf('degrees', asExpression(result));
      else return result;
    }
  }

  #raised(base: Answer): Answer {
    if (this.cursor.accept('°')) return expressions.callOf('degrees', asExpression(base));
    const isGroup = this.cursor.is('{');
    const [first, second] = [this.cursor.peek(isGroup ? 1 : 0), this.cursor.peek(isGroup ? 2 : 1)];
    const closes = !isGroup || second?.text === '}';
    if (first?.text === '°' && closes) {
      this.#skip(isGroup ? 3 : 1);
      return expressions.callOf('degrees', asExpression(base));
    }
    if (first && closes && /^(?:st|nd|rd|th)$/.test(first.text) && isExpression(base)) {
      this.#skip(isGroup ? 3 : 1);
      return base;
    }
    const exponent = this.#exponent();
    return isExpression(base) ? expressions.powerOf(base, exponent) : raised(base, exponent);
  }

  #skip(count: number): void {
    for (let step = 0; step < count; step++) this.cursor.next();
  }

  /** `2`, `-2`, `{n+1}`, `(1/2)`, `\frac12`; towers associate to the right. */
  #exponent(): Expression {
    return this.cursor.nested(() => {
      if (this.cursor.accept('-')) return expressions.negated(this.#exponent());
      this.cursor.accept('+');
      const base = asExpression(this.#primary());
      return this.cursor.accept('^') ? expressions.powerOf(base, this.#exponent()) : base;
    });
  }

  #primary(): Answer {
    const token = this.cursor.peek();
    if (!token) throw new GivenUp('The answer ends too early.');
    switch (token.kind) {
      case 'number':
        return this.#number();
      case 'symbol':
        return this.#symbol();
      case 'function':
        return this.#call();
      case 'word':
        return this.#letters();
      case 'command':
        return this.#command();
      case 'operator':
        return this.#enclosed();
    }
  }

  #number(): Answer {
    const { value, step, isCut, digits } = this.cursor.next().number!;
    if (this.cursor.is('_')) return basedNumeral(this.cursor, digits);
    const literal: Expression = { ...expressions.numberOf(value), ...(step && { step }), ...(isCut && { isCut }) };
    if (step || !isWhole(value) || !isAtProperFraction(this.cursor)) return literal;
    return expressions.sumOf([literal, asExpression(this.cursor.peek()!.kind === 'command' ? this.#command() : this.#plainFraction())]);
  }

  #plainFraction(): Expression {
    const top = asExpression(this.#number());
    this.cursor.expect('/');
    return expressions.quotientOf(top, asExpression(this.#number()));
  }

  #symbol(): Expression {
    const { text } = this.cursor.next();
    const next = this.cursor.peek();
    // `x1` is a name, as is `x_1`.
    if (/^[a-zA-Z]$/.test(text) && isInteger(next) && !next!.isSpaced)
      return expressions.symbolOf(markedName(this.cursor, `${text}_{${this.cursor.next().text}}`));
    return expressions.symbolOf(markedName(this.cursor, text));
  }

  /** Letters that run together are a product in mathematics, a name in geometry: `mv^2`, `AB`. */
  #letters(): Expression {
    const token = this.cursor.peek()!;
    if (token.isText ? token.text.length > 1 : token.text.length > LONGEST_PRODUCT_OF_LETTERS || isWord(token.text))
      throw new GivenUp(`"${token.text}" is a word.`);
    this.cursor.replace(...[...token.text].map((text): Token => ({ ...token, kind: 'symbol', text, isSpaced: false })));
    return this.#symbol();
  }

  #command(): Answer {
    const { text } = this.cursor.next();
    return this.cursor.nested(() => {
      if (FRACTIONS.has(text)) return timesAnswers(this.#argument(), expressions.powerOf(asExpression(this.#argument()), expressions.numberOf(MINUS_ONE)));
      if (BINOMIALS.has(text)) return expressions.callOf('binomial', asExpression(this.#argument()), asExpression(this.#argument()));
      if (text === 'sqrt') return this.#root();
      if (text === 'cbrt') return expressions.rootOf(asExpression(this.#wholeArgument()), expressions.integerOf(3));
      if (ACCENTS.has(text) && !(text === 'mathbb' && /^[RZNQC]$/.test(this.cursor.peek(this.cursor.is('{') ? 1 : 0)?.text ?? '')))
        return expressions.symbolOf(markedName(this.cursor, `\\${ACCENT_SPELLINGS.get(text) ?? text}{${rawArgument(this.cursor)}}`));
      if (SERIES.has(text)) return this.#series(text);
      if (text === 'angle' || text === 'triangle') return expressions.symbolOf(`\\${text}{${nameOfPoints(this.cursor)}}`);
      return this.structure(text);
    });
  }

  #root(): Expression {
    if (!this.cursor.accept('[')) return expressions.rootOf(asExpression(this.#wholeArgument()));
    const degree = this.expression();
    this.cursor.expect(']');
    return expressions.rootOf(asExpression(this.#wholeArgument()), degree);
  }

  /** The argument of a fraction, of which TeX takes one digit where there are no braces: `\frac12`. */
  #argument(): Answer {
    splitFirstDigit(this.cursor);
    return isInteger(this.cursor.peek()) ? expressions.numberOf(this.cursor.next().number!.value) : this.#wholeArgument();
  }

  #wholeArgument(): Answer {
    if (this.cursor.peek()?.kind === 'symbol') return expressions.symbolOf(this.cursor.next().text);
    return this.#primary();
  }

  /** A sum, product, integral or limit is kept as it is, with its body in normal form. */
  #series(name: string): Expression {
    const bounds: Expression[] = [];
    while (this.cursor.is('_') || this.cursor.is('^')) {
      const mark = this.cursor.next().text;
      bounds.push(expressions.symbolOf(`${mark}{${rawArgument(this.cursor)}}`));
    }
    return expressions.callOf(name, ...bounds, asExpression(this.#term()));
  }

  #enclosed(): Answer {
    const token = this.cursor.peek()!;
    switch (token.text) {
      case '(|':
        return this.#between('|)', 'abs');
      case '(||':
        return this.#between('||)', 'norm');
      case '||':
        return this.#between('||', 'norm');
      case '⌊':
        return this.#between('⌋', 'floor');
      case '⌈':
        return this.#between('⌉', 'ceil');
      case '|': {
        this.#openBars++;
        const result = this.#between('|', 'abs');
        this.#openBars--;
        return result;
      }
      case '…':
        this.cursor.next();
        return expressions.symbolOf('…');
      default:
        return this.cursor.nested(() => this.bracketed());
    }
  }

  #between(close: string, name: string): Expression {
    this.cursor.next();
    const inner = this.expression();
    this.cursor.expect(close);
    return expressions.callOf(name, inner);
  }

  #call(): Expression {
    const { text } = this.cursor.next();
    const base = text === 'log' && this.cursor.accept('_') ? asExpression(this.#argument()) : undefined;
    const exponent = this.cursor.accept('^') ? this.#exponent() : undefined;
    const lateBase = text === 'log' && !base && this.cursor.accept('_') ? asExpression(this.#argument()) : undefined;
    const inputs = this.cursor.nested(() => this.#inputs());
    if (inputs.length === 0) throw new GivenUp('A function needs an argument.');
    if (text === 'cis' && !exponent) return expressions.unitAt(inputs[0]!);
    const radix = base ?? lateBase;
    const isInverse = exponent?.kind === 'number' && exponent.value.numerator === -1n && exponent.value.denominator === 1n;
    const call = expressions.callOf(isInverse ? `arc${text}` : text, ...inputs, ...(radix ? [radix] : []));
    return exponent && !isInverse ? expressions.powerOf(call, exponent) : call;
  }

  /** In brackets, or what stands close behind the name up to the next sign or function: `\sin 2x \cos x`. */
  #inputs(): readonly Expression[] {
    if (this.cursor.is('(') || this.cursor.is('[') || this.cursor.is('{') || this.cursor.is('\\{')) {
      const inner = this.bracketed();
      if (isExpression(inner)) return [inner];
      return inner.kind === 'bracketed' || inner.kind === 'set' || inner.kind === 'sequence' ? inner.items.map(asExpression) : [asExpression(inner)];
    }
    const factors = [asExpression(this.cursor.peek()?.kind === 'function' ? this.#call() : this.#factor())];
    while (this.#startsFactor() && this.cursor.peek()?.kind !== 'function' && !this.cursor.is('(')) factors.push(asExpression(this.#factor()));
    const isAngle = factors.every((factor) => factor.kind === 'number' || (factor.kind === 'symbol' && factor.name === 'pi'));
    if (!isAngle || !this.cursor.is('/') || !isInteger(this.cursor.peek(1))) return [expressions.productOf(factors)];
    this.cursor.next();
    return [expressions.quotientOf(expressions.productOf(factors), asExpression(this.#number()))];
  }
}

/** Degrees within brackets are an angle again: `\sin(30^\circ)`. @throws {GivenUp} for a structure. */
export function asExpression(answer: Answer): Expression {
  if (isExpression(answer)) return answer;
  if (answer.kind === 'quantity' && answer.unit.text === 'degree') return expressions.callOf('degrees', answer.value);
  throw new GivenUp(`A ${answer.kind} stands where arithmetic should.`);
}
