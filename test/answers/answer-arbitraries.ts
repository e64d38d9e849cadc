/** Answers to try properties on. */
import fc from 'fast-check';
import { allPairs } from './answer-pairs.ts';

const PIECES = [
  ...String.raw`\frac \sqrt { } ( ) [ ] \{ \} , ; 1 2 12 0 3.5 0.333333 x y n e i \pi + - * / ^ _ = < > \le \in \cup \infty \text{cm} \text{ cm m % $ \$ ^\circ !`.split(
    ' ',
  ),
  ...String.raw`\pm \sin \log \ln abs( \left( \right) \begin{pmatrix} \end{pmatrix} & \\ : or and red A (A) five \mathbb{R} \setminus \emptyset \binom`.split(
    ' ',
  ),
  ...String.raw`\lfloor \rfloor | \overline \cdot \pmod ² ½ ° am pm 12:30 degrees \ldots \mathrm{m} \equiv \neq '`.split(' '),
  ' ',
  'no solution',
];

/** Notation put together at random: mostly wrong, now and then right. */
export const brokenNotation: fc.Arbitrary<string> = fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((pieces) => pieces.join(''));

export const knownAnswer: fc.Arbitrary<string> = fc.constantFrom(...allPairs.flatMap(({ left, right }) => [left, right]));

export const anyAnswer: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: brokenNotation },
  { weight: 2, arbitrary: knownAnswer },
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
);

/** Answers that are built to be costly: `size` scales them. */
export function costlyAnswers(size: number): string[] {
  const times = (text: string): string => text.repeat(size);
  const range = (write: (index: number) => string, joint: string): string => Array.from({ length: size }, (_, index) => write(index)).join(joint);
  return [
    '10^(10^9)',
    '9^{9^{9^{9}}}',
    `2^{${times('9')}}`,
    '99999999!',
    String.raw`\binom{1000000}{500000}`,
    String.raw`\sqrt[1000000007]{2}`,
    '1e9999',
    times('9'),
    times('(') + 1 + times(')'),
    times('{') + 1 + times('}'),
    times(String.raw`\frac{1}{`) + 2 + times('}'),
    times(String.raw`\sqrt{`) + 2 + times('}'),
    times(String.raw`\text{`) + 2 + times('}'),
    times('2^') + 2,
    times('f(') + 'x' + times(')'),
    times('|') + 'x',
    times('(x+y)'),
    times('x+') + 'x',
    times(String.raw`\pm`) + 1,
    '(a+b+c+d+e+f+g)^{20}',
    '(a+b+c+d)^{10}(e+f+g+h)^{10}',
    range((index) => String(index), ','),
    range((index) => `x+${index}`, ','),
    range((index) => String.raw`\sin ${index}x`, ','),
    range((index) => `1/(x+${index})`, '+'),
    range((index) => String.raw`(x+\sqrt{${7 * index + 2}})`, ''),
    range((index) => String.raw`\sqrt{${7 * index + 2}}`, '+'),
    times('$'),
    times('a and '),
    times(String.raw`\begin{pmatrix}`),
    times('x_'),
    times("x'"),
    `${times('x')}y`,
  ];
}
