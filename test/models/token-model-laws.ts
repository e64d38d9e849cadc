/**
 * What every TokenModel keeps, as checks that throw. No test framework is involved: a test file runs each law by name.
 *
 * @module
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ForwardRow, Logits, TokenModel, TokenSequence } from '../../src/contracts/token-model.ts';
import { ContextLengthError, DisposedError, InvalidOptionError, ModelError } from '../../src/errors.ts';
import { argmax } from '../../src/maths/sampling.ts';
import { randomSequence } from '../../src/maths/random.ts';

export interface TokenModelSubject {
  /** A model of its own. */
  open(): Promise<TokenModel>;
  /** Largest difference of two logits that count as equal. */
  readonly tolerance: number;
  /** How many random programs the model is put through. */
  readonly programs: number;
}

export interface TokenModelLaw {
  readonly name: string;
  check(subject: TokenModelSubject): Promise<void>;
}

export const tokenModelLaws: readonly TokenModelLaw[] = [
  {
    name: 'tokens appended together give the logits of tokens appended one by one',
    check: withModel(async (model, { tolerance }) => {
      const tokens = someTokens(model, 12, 1);
      const together = await rowsOf(model, [{ sequence: model.openSequence(), tokens, logitCount: tokens.length }]);
      const sequence = model.openSequence();
      for (const [index, token] of tokens.entries()) {
        const [row] = await rowsOf(model, [{ sequence, tokens: [token], logitCount: 1 }]);
        assertSameLogits(row!, together[index]!, tolerance);
      }
      assert.equal(sequence.length, tokens.length);
    }),
  },
  {
    name: 'a prompt read in chunks of any size gives the logits of the whole',
    check: withModel(async (model, { tolerance, programs }) => {
      const tokens = someTokens(model, 90, 2);
      const whole = await logitsAfter(model, tokens);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }), async (sizes) => {
          const sequence = model.openSequence();
          let last: Float32Array | undefined;
          for (let start = 0, turn = 0; start < tokens.length; turn++) {
            const chunk = tokens.slice(start, start + sizes[turn % sizes.length]!);
            start += chunk.length;
            const isLast = start === tokens.length;
            const rows = await rowsOf(model, [{ sequence, tokens: chunk, logitCount: isLast ? 1 : 0 }]);
            last = rows.at(-1);
          }
          sequence.dispose();
          assertSameLogits(last!, whole, tolerance);
        }),
        { seed: 1, numRuns: programs },
      );
    }),
  },
  {
    name: 'a truncated sequence goes on as a fresh one',
    check: withModel(async (model, { tolerance }) => {
      const tokens = someTokens(model, 70, 3);
      const others = someTokens(model, 9, 4);
      for (const kept of [0, 1, 5, 63, 64, 69, 70]) {
        const sequence = model.openSequence();
        await model.forward([{ sequence, tokens, logitCount: 1 }]);
        sequence.truncate(kept);
        assert.equal(sequence.length, kept);
        const [row] = await rowsOf(model, [{ sequence, tokens: others, logitCount: 1 }]);
        assertSameLogits(row!, await logitsAfter(model, [...tokens.slice(0, kept), ...others]), tolerance, `after ${kept} tokens were kept`);
        sequence.dispose();
      }
    }),
  },
  {
    name: 'forks go on alone and neither sees the other',
    check: withModel(async (model, { tolerance }) => {
      const shared = someTokens(model, 20, 5);
      const [left, right] = [someTokens(model, 6, 6), someTokens(model, 6, 7)];
      const parent = model.openSequence();
      await model.forward([{ sequence: parent, tokens: shared, logitCount: 0 }]);
      const child = parent.fork();
      assert.equal(child.length, shared.length);
      const [parentRow] = await rowsOf(model, [{ sequence: parent, tokens: left, logitCount: 1 }]);
      assert.equal(child.length, shared.length, 'the parent’s tokens lengthened the fork');
      const [childRow] = await rowsOf(model, [{ sequence: child, tokens: right, logitCount: 1 }]);
      assertSameLogits(parentRow!, await logitsAfter(model, [...shared, ...left]), tolerance);
      assertSameLogits(childRow!, await logitsAfter(model, [...shared, ...right]), tolerance);

      parent.truncate(1);
      parent.dispose();
      const [orphanRow] = await rowsOf(model, [{ sequence: child, tokens: left, logitCount: 1 }]);
      assertSameLogits(orphanRow!, await logitsAfter(model, [...shared, ...right, ...left]), tolerance, 'after the parent was disposed');
    }),
  },
  {
    name: 'a batch of ragged rows gives the logits of its rows alone, in the order of the rows',
    check: withModel(async (model, { tolerance }) => {
      const lengths = [7, 1, 33, 2, 16];
      const pasts = lengths.map((length, row) => someTokens(model, length, 10 + row));
      const news = [1, 6, 2, 9, 3].map((length, row) => someTokens(model, length, 20 + row));
      const sequences = pasts.map(() => model.openSequence());
      for (const [row, sequence] of sequences.entries()) await model.forward([{ sequence, tokens: pasts[row]!, logitCount: 0 }]);
      // Another order than that of opening, with a row that has no past.
      const order = [3, 0, 4, 2, 1];
      const fresh = model.openSequence();
      const rows = await rowsOf(model, [
        ...order.map((row) => ({ sequence: sequences[row]!, tokens: news[row]!, logitCount: 1 })),
        { sequence: fresh, tokens: news[1]!, logitCount: 1 },
      ]);
      for (const [index, row] of order.entries()) assertSameLogits(rows[index]!, await logitsAfter(model, [...pasts[row]!, ...news[row]!]), tolerance);
      assertSameLogits(rows.at(-1)!, await logitsAfter(model, news[1]!), tolerance, 'of the row without a past');
    }),
  },
  {
    name: 'each row gets as many rows of logits as it asks for, of its last tokens',
    check: withModel(async (model, { tolerance }) => {
      const tokens = someTokens(model, 8, 30);
      const every = await rowsOf(model, [{ sequence: model.openSequence(), tokens, logitCount: tokens.length }]);
      const counts = [0, 3, 8, 1, 0];
      const rows = await rowsOf(
        model,
        counts.map((logitCount) => ({ sequence: model.openSequence(), tokens, logitCount })),
      );
      const expected = counts.flatMap((count) => every.slice(every.length - count));
      assert.equal(rows.length, expected.length);
      for (const [index, row] of rows.entries()) assertSameLogits(row, expected[index]!, tolerance);
      assert.equal((await model.forward([{ sequence: model.openSequence(), tokens, logitCount: 0 }])).length, 0, 'logits came back that nobody asked for');
    }),
  },
  {
    name: 'a sequence takes as many tokens as the context holds',
    check: withModel(async (model, { tolerance }) => {
      const tokens = someTokens(model, model.contextTokens, 31);
      const sequence = model.openSequence();
      await model.forward([{ sequence, tokens: tokens.slice(0, -1), logitCount: 0 }]);
      const [row] = await rowsOf(model, [{ sequence, tokens: tokens.slice(-1), logitCount: 1 }]);
      assert.equal(sequence.length, model.contextTokens);
      assertSameLogits(row!, await logitsAfter(model, tokens), tolerance);
    }),
  },
  {
    name: 'sequences keep their content through any program of opening, forking, truncating, disposing and batches',
    async check(subject) {
      const [model, reference] = [await subject.open(), await subject.open()];
      await fc.assert(
        fc.asyncProperty(programs(), async (program) => runProgram(program, model, reference, subject.tolerance)),
        { seed: 2, numRuns: subject.programs },
      );
      await Promise.all([model.dispose(), reference.dispose()]);
    },
  },
  {
    name: 'tokens that do not fit the context are refused and no row of the batch is appended',
    check: withModel(async (model, { tolerance }) => {
      const tokens = someTokens(model, 5, 40);
      const full = model.openSequence();
      await model.forward([{ sequence: full, tokens: someTokens(model, model.contextTokens - 2, 41), logitCount: 0 }]);
      const other = model.openSequence();
      await model.forward([{ sequence: other, tokens, logitCount: 0 }]);
      await assert.rejects(
        model.forward([
          { sequence: other, tokens: [1], logitCount: 1 },
          { sequence: full, tokens: [1, 2, 3], logitCount: 1 },
        ]),
        (error) => error instanceof ContextLengthError && error.contextTokens === model.contextTokens && error.neededTokens === model.contextTokens + 1,
      );
      assert.deepEqual([other.length, full.length], [tokens.length, model.contextTokens - 2]);
      const [row] = await rowsOf(model, [{ sequence: other, tokens: [2], logitCount: 1 }]);
      assertSameLogits(row!, await logitsAfter(model, [...tokens, 2]), tolerance, 'after a refused batch');
    }),
  },
  {
    name: 'rows that make no sense are refused and nothing is appended',
    async check(subject) {
      const [model, stranger] = [await subject.open(), await subject.open()];
      const sequence = model.openSequence();
      await model.forward([{ sequence, tokens: [1, 2], logitCount: 0 }]);
      for (const row of [
        { sequence, tokens: [], logitCount: 0 },
        { sequence, tokens: [1], logitCount: 2 },
        { sequence, tokens: [1], logitCount: -1 },
        { sequence: stranger.openSequence(), tokens: [1], logitCount: 1 },
      ]) {
        await assert.rejects(model.forward([row]), InvalidOptionError);
      }
      for (const length of [-1, 3, 0.5, Number.NaN]) assert.throws(() => sequence.truncate(length), InvalidOptionError);
      assert.equal(sequence.length, 2);
      await Promise.all([model.dispose(), stranger.dispose()]);
    },
  },
  {
    name: 'a disposed sequence or model is refused, and disposing twice is safe',
    async check(subject) {
      const model = await subject.open();
      const sequence = model.openSequence();
      const survivor = model.openSequence();
      await model.forward([{ sequence, tokens: [1, 2], logitCount: 0 }]);
      sequence.dispose();
      sequence.dispose();
      assert.throws(() => sequence.fork(), DisposedError);
      assert.throws(() => sequence.truncate(0), DisposedError);
      await assert.rejects(model.forward([{ sequence, tokens: [3], logitCount: 1 }]), InvalidOptionError);
      await model.forward([{ sequence: survivor, tokens: [3], logitCount: 1 }]);

      await model.dispose();
      await model.dispose();
      assert.throws(() => model.openSequence(), DisposedError);
      await assert.rejects(model.forward([{ sequence: survivor, tokens: [3], logitCount: 1 }]), DisposedError);
      survivor.dispose();
    },
  },
  {
    name: 'saved tokens go on in another sequence as where they came from, whatever has become of that',
    check: withModel(async (model, { tolerance }) => {
      const [past, news] = [someTokens(model, 60, 60), someTokens(model, 10, 61)];
      const source = model.openSequence();
      if (!source.save) return;
      await model.forward([{ sequence: source, tokens: past, logitCount: 0 }]);
      const parts = [source.save(0, 16), source.save(16, 45), source.save(45, 60)];
      assert.deepEqual(
        parts.map(({ tokenCount }) => tokenCount),
        [16, 29, 15],
      );
      source.dispose();
      const other = model.openSequence();
      await model.forward([{ sequence: other, tokens: someTokens(model, 70, 62), logitCount: 0 }]);
      const [whole, part] = [model.openSequence(), model.openSequence()];
      whole.restore!(parts);
      part.restore!(parts.slice(0, 2));
      assert.deepEqual([whole.length, part.length], [60, 45]);
      const [afterWhole, afterPart] = await rowsOf(model, [
        { sequence: whole, tokens: news, logitCount: 1 },
        { sequence: part, tokens: [...past.slice(45), ...news], logitCount: 1 },
      ]);
      const expected = await logitsAfter(model, [...past, ...news]);
      assertSameLogits(afterWhole!, expected, tolerance, 'after all of them');
      assertSameLogits(afterPart!, expected, tolerance, 'after a part of them');
    }),
  },
  {
    name: 'changes during a forward are refused and do not touch it',
    check: withModel(async (model, { tolerance }) => {
      const [past, news] = [someTokens(model, 60, 50), someTokens(model, 10, 51)];
      const [bystander, sequence] = [model.openSequence(), model.openSequence()];
      await model.forward([{ sequence: bystander, tokens: past.slice(0, 7), logitCount: 0 }]);
      await model.forward([{ sequence, tokens: past, logitCount: 0 }]);
      const running = rowsOf(model, [{ sequence, tokens: news, logitCount: 1 }]);
      assert.throws(() => model.openSequence(), ModelError);
      assert.throws(() => bystander.fork(), ModelError);
      assert.throws(() => bystander.truncate(1), ModelError);
      assert.throws(() => bystander.dispose(), ModelError);
      await assert.rejects(model.forward([{ sequence: bystander, tokens: news, logitCount: 1 }]), ModelError);
      const [row] = await running;
      assertSameLogits(row!, await logitsAfter(model, [...past, ...news]), tolerance, 'of the forward that was disturbed');
      const [after] = await rowsOf(model, [{ sequence: bystander, tokens: news, logitCount: 1 }]);
      assertSameLogits(after!, await logitsAfter(model, [...past.slice(0, 7), ...news]), tolerance, 'of the sequence that was refused');
    }),
  },
];

/** Fails unless both rows agree within the tolerance and have the same likeliest token. */
export function assertSameLogits(actual: Float32Array, expected: Float32Array, tolerance: number, where = ''): void {
  assert.equal(actual.length, expected.length);
  let largest = 0;
  // Written so that a NaN on either side fails.
  for (let index = 0; index < actual.length; index++) {
    const difference = Math.abs(actual[index]! - expected[index]!);
    if (!(difference <= largest)) largest = difference;
  }
  assert.ok(largest <= tolerance, `logits differ by ${largest} ${where}`);
  const [actualBest, expectedBest] = [argmax(actual), argmax(expected)];
  const isTie = Math.abs(expected[actualBest]! - expected[expectedBest]!) <= tolerance;
  assert.ok(actualBest === expectedBest || isTie, `likeliest token is ${actualBest}, not ${expectedBest} ${where}`);
}

/** Reproducible tokens that any model takes. */
export function someTokens({ vocabularySize }: TokenModel, count: number, stream: number): number[] {
  const random = randomSequence(7, stream);
  return Array.from({ length: count }, () => Math.floor(random() * vocabularySize));
}

/** The rows of a forward, copied: logits are valid until the next one. */
async function rowsOf(model: TokenModel, rows: readonly ForwardRow[]): Promise<Float32Array[]> {
  const logits: Logits = await model.forward(rows);
  const size = model.vocabularySize;
  return Array.from({ length: logits.length / size }, (_, row) => logits.slice(row * size, (row + 1) * size));
}

/** Logits behind the tokens, from a sequence of their own. */
async function logitsAfter(model: TokenModel, tokens: readonly number[]): Promise<Float32Array> {
  const sequence = model.openSequence();
  const [row] = await rowsOf(model, [{ sequence, tokens, logitCount: 1 }]);
  sequence.dispose();
  return row!;
}

function withModel(check: (model: TokenModel, subject: TokenModelSubject) => Promise<void>): TokenModelLaw['check'] {
  return async (subject) => {
    const model = await subject.open();
    await check(model, subject);
    await model.dispose();
  };
}

/** One step of a random program; sequences are picked by rank among those open. */
type Step =
  | { readonly type: 'open' }
  | { readonly type: 'fork' | 'dispose'; readonly rank: number }
  | { readonly type: 'truncate'; readonly rank: number; readonly share: number }
  | {
      readonly type: 'forward';
      readonly rows: readonly { readonly rank: number; readonly count: number; readonly logitCount: number }[];
      readonly stream: number;
    };

const MOST_OPEN = 12;

function programs(): fc.Arbitrary<Step[]> {
  const rank = fc.nat(MOST_OPEN - 1);
  const row = fc.record({ rank, count: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 24 })), logitCount: fc.nat(2) });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 2, arbitrary: fc.record({ type: fc.constant('open' as const) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('fork' as const, 'dispose' as const), rank }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('truncate' as const), rank, share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('forward' as const), rows: fc.array(row, { minLength: 1, maxLength: 8 }), stream: fc.nat(1000) }) },
  );
  return fc.array(step, { minLength: 5, maxLength: 40 });
}

interface Tracked {
  readonly sequence: TokenSequence;
  readonly tokens: number[];
}

/** Runs the program and compares every row of logits with that of a fresh sequence of the reference. */
async function runProgram(program: readonly Step[], model: TokenModel, reference: TokenModel, tolerance: number): Promise<void> {
  const open: Tracked[] = [];
  for (const step of program) {
    if (step.type === 'open') {
      if (open.length < MOST_OPEN) open.push({ sequence: model.openSequence(), tokens: [] });
    } else if (step.type === 'forward') {
      await runBatch(step, open, model, reference, tolerance);
    } else if (open.length > 0) {
      changeOne(step, open);
    }
  }
  for (const { sequence } of open) sequence.dispose();
}

function changeOne(step: Exclude<Step, { type: 'open' } | { type: 'forward' }>, open: Tracked[]): void {
  const at = step.rank % open.length;
  const { sequence, tokens } = open[at]!;
  if (step.type === 'dispose') {
    sequence.dispose();
    open.splice(at, 1);
  } else if (step.type === 'truncate') {
    tokens.length = Math.floor(step.share * tokens.length);
    sequence.truncate(tokens.length);
  } else if (open.length < MOST_OPEN) {
    open.push({ sequence: sequence.fork(), tokens: [...tokens] });
  }
}

async function runBatch(
  step: Extract<Step, { type: 'forward' }>,
  open: readonly Tracked[],
  model: TokenModel,
  reference: TokenModel,
  tolerance: number,
): Promise<void> {
  const batch = new Map<Tracked, ForwardRow>();
  for (const [index, { rank, count, logitCount }] of step.rows.entries()) {
    const tracked = open[rank % open.length];
    if (!tracked || batch.has(tracked)) continue;
    const tokens = someTokens(model, count, 2000 + 10 * step.stream + index);
    batch.set(tracked, { sequence: tracked.sequence, tokens, logitCount: Math.min(logitCount, count) });
  }
  if (batch.size === 0) return;
  const rows = await rowsOf(model, [...batch.values()]);
  let next = 0;
  for (const [tracked, { tokens, logitCount }] of batch) {
    tracked.tokens.push(...tokens);
    assert.equal(tracked.sequence.length, tracked.tokens.length);
    const sequence = reference.openSequence();
    const expected = await rowsOf(reference, [{ sequence, tokens: tracked.tokens, logitCount }]);
    sequence.dispose();
    for (const row of expected) assertSameLogits(rows[next++]!, row, tolerance);
  }
  assert.equal(next, rows.length);
}
