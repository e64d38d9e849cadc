/**
 * Whole engines on virtual time, with step times as measured on real exports: what a draft length should become is decided
 * by the cost of wide passes, not by the acceptance rate alone.
 */
import { describe, expect, test } from 'vitest';
import type { EngineUsage } from '../../../src/contracts/engine.ts';
import type { ForwardRow } from '../../../src/contracts/token-model.ts';
import { loadEngine, type SpeculationPlan } from '../../../src/engines/load-engine.ts';
import { randomSequence } from '../../../src/maths/random.ts';
import { characterTokenizer } from '../../../src/testing/character-tokenizer.ts';
import { localModelOf } from '../../../src/testing/local-model-of.ts';
import { ManualClock } from '../../../src/testing/manual-clock.ts';
import { ScriptedTokenModel } from '../../../src/testing/scripted-token-model.ts';

const ALPHABET = 'abcdefghijklmnop';
const TOKENS = 200;
const tokenizer = characterTokenizer(ALPHABET);

/**
 * Milliseconds of a pass by its tokens over all rows: 24 products of 1024 × 1024 matrices on one thread of a CPU.
 * `q4` is MatMulNBits as exporters quantise by default, which falls off a cliff behind one token; `q8` is quantised dynamically.
 */
const CURVES = {
  q4: { 1: 1.96, 2: 6.4, 4: 7, 8: 8.9, 16: 12, 32: 17 },
  q8: { 1: 0.98, 2: 1, 4: 1.02, 8: 1.18, 16: 1.23, 32: 1.7 },
} as const;

function milliseconds(curve: keyof typeof CURVES, rows: readonly ForwardRow[]): number {
  const tokens = rows.length * Math.max(...rows.map((row) => row.tokens.length));
  const points = Object.entries(CURVES[curve]).map(([count, ms]) => [Number(count), ms] as const);
  const above = points.findIndex(([count]) => count >= tokens);
  if (above < 0) return (tokens / 32) * points.at(-1)![1];
  if (above === 0) return points[0]![1];
  const [[low, from], [high, to]] = [points[above - 1]!, points[above]!];
  return from + ((tokens - low) / (high - low)) * (to - from);
}

/** A cycle of tokens; a draft that keeps to it with this probability agrees with the target that often. */
function cycle(agreement: number): (tokens: readonly number[]) => number[] {
  return (tokens) => {
    const right = (tokens.at(-1)! + 1) % ALPHABET.length;
    const isRight = randomSequence(tokens.length * 31 + tokens.at(-1)!)() < agreement;
    return Array.from({ length: ALPHABET.length + 1 }, (_, token) => (token === (isRight ? right : (right + 3) % ALPHABET.length) ? 20 : 0));
  };
}

async function decode(curve: keyof typeof CURVES, draftLength: SpeculationPlan['draftLength']): Promise<{ ms: number; usage: EngineUsage }> {
  const clock = new ManualClock();
  const scripted = (agreement: number, stepMs: (rows: readonly ForwardRow[]) => number): ScriptedTokenModel =>
    new ScriptedTokenModel({ vocabularySize: ALPHABET.length + 1, endTokens: [ALPHABET.length], clock, stepMs, logits: cycle(agreement) });
  const engine = await loadEngine(
    {
      target: localModelOf(
        scripted(1, (rows) => milliseconds(curve, rows)),
        tokenizer,
      ),
      draft: localModelOf(
        scripted(0.7, () => 0.15),
        tokenizer,
      ),
      maxRows: 1,
      speculation: { drafters: ['draft-model'], draftLength, longestDraft: 8, minConfidence: 0, verification: 'coupled' },
    },
    { clock },
  );
  const session = await engine.open('a', { clock, sampling: { temperature: 0 } });
  const startedAt = clock.now();
  const [branch] = session.branch(1);
  await branch!.advance({ until: { tokens: TOKENS } });
  return { ms: clock.now() - startedAt, usage: session.usage() };
}

describe('adaptive draft length', () => {
  test('ends at none on a model whose wide passes cost more than they save', async () => {
    const [plain, adaptive, fixed] = [await decode('q4', 0), await decode('q4', 'adaptive'), await decode('q4', 3)];
    expect(fixed.ms).toBeGreaterThan(1.2 * plain.ms);
    expect(adaptive.ms).toBeLessThan(1.05 * plain.ms);
    expect(adaptive.usage.completionTokens).toBe(plain.usage.completionTokens);
    const drafted = adaptive.usage.speculation!.proposed;
    expect(drafted).toBeLessThan(0.1 * TOKENS);
  });

  test('drafts on a model whose wide passes cost next to nothing', async () => {
    const [plain, adaptive] = [await decode('q8', 0), await decode('q8', 'adaptive')];
    expect(adaptive.ms).toBeLessThan(0.7 * plain.ms);
  });
});
