/** Speculation on the bundled models: greedy identity, and the same distribution of outputs at temperature 1. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { AdvanceOptions, Engine, SamplingOptions } from '../../../src/contracts/engine.ts';
import { Decoder } from '../../../src/engines/decoder.ts';
import { SpeculativeDecoder, type SpeculativeDecoderOptions } from '../../../src/engines/speculative-decoder.ts';
import { bundledModels } from '../../../src/node/bundled-models.ts';
import type { BundledModels } from '../../../src/web/bundled-models.ts';
import { generateProblems, TIERS } from '../../../src/problems/generate-problems.ts';

const PROMPTS = TIERS.flatMap((tier) => generateProblems({ seed: 5, tier, count: 15, split: 'test' })).map(({ question }) => question);
const TOKENS = 48;
type Until = NonNullable<AdvanceOptions['until']>;
const LINE: Until = { tokens: TOKENS, stop: ['\n'] };
/** Hundreds of texts a test; minutes on a machine that is busy. */
vi.setConfig({ testTimeout: 600_000 });

const greedyTexts = new Map<string, string>();

let models: BundledModels;
let plain: Decoder;

beforeAll(async () => {
  models = await bundledModels();
  plain = new Decoder({ model: models.target, thread: 'main' });
});
afterAll(() => plain.dispose());

async function texts(
  engine: Engine,
  prompt: string,
  branches: number,
  seed: number,
  sampling: SamplingOptions,
  until: Until = { tokens: TOKENS },
): Promise<string[]> {
  const session = await engine.open(prompt, { seed, sampling });
  try {
    const opened = session.branch(branches);
    await Promise.all(opened.map((branch) => branch.advance({ until })));
    return opened.map(({ text }) => text);
  } finally {
    await session.dispose();
  }
}

/** Of the target alone; the same for every draft length. */
async function greedyText(prompt: string): Promise<string> {
  let text = greedyTexts.get(prompt);
  if (text === undefined) greedyTexts.set(prompt, (text = (await texts(plain, prompt, 1, 0, { temperature: 0 }))[0]!));
  return text;
}

function speculative(options: Omit<SpeculativeDecoderOptions, 'target' | 'draft' | 'thread'>): SpeculativeDecoder {
  return new SpeculativeDecoder({ target: models.target, draft: models.draft, thread: 'main', ...options });
}

describe('greedy text is the target’s own', () => {
  test.each([1, 4, 'adaptive'] as const)('draft length %s, 75 prompts, 1, 3 and 8 branches', async (draftLength) => {
    expect(PROMPTS).toHaveLength(75);
    const engine = speculative({ draftLength, verification: 'rejection' });
    for (const [index, prompt] of PROMPTS.entries()) {
      const expected = await greedyText(prompt);
      const branches = [1, 3, 8][index % 3]!;
      expect(await texts(engine, prompt, branches, 0, { temperature: 0 })).toEqual(new Array(branches).fill(expected));
    }
    await engine.dispose();
  });
});

test('coupled verification writes what plain decoding writes with the same seed', async () => {
  const engine = speculative({});
  for (const [seed, prompt] of PROMPTS.slice(0, 30).entries()) {
    expect(await texts(engine, prompt, 3, seed, {})).toEqual(await texts(plain, prompt, 3, seed, {}));
  }
  await engine.dispose();
});

test('rejection gives first lines with the same frequencies as plain decoding', async () => {
  const engine = speculative({ draftLength: 3, verification: 'rejection' });
  const RUNS = 15;
  const BRANCHES = 16;
  let statistic = 0;
  let freedom = 0;
  for (const prompt of PROMPTS.slice(30, 34)) {
    const counts = new Map<string, [number, number]>();
    for (const [column, source] of [plain, engine].entries()) {
      for (let run = 0; run < RUNS; run++) {
        for (const text of await texts(source, prompt, BRANCHES, 1000 * column + run, { temperature: 1 }, LINE)) {
          const line = text.split('\n', 1)[0]!;
          const cell = counts.get(line) ?? [0, 0];
          cell[column]!++;
          counts.set(line, cell);
        }
      }
    }
    // Two-sample chi-square with equal sample sizes; rare lines are pooled.
    const cells = [...counts.values()];
    const common = cells.filter(([left, right]) => left + right >= 12);
    const rare = cells.filter(([left, right]) => left + right < 12).reduce(([left, right], cell) => [left + cell[0], right + cell[1]], [0, 0]);
    const pooled = [...common, ...(rare[0]! + rare[1]! >= 12 ? [rare as [number, number]] : [])];
    for (const [left, right] of pooled) statistic += (left - right) ** 2 / (left + right);
    freedom += pooled.length - 1;
  }
  await engine.dispose();
  // Above this once in 100,000 times (Wilson and Hilferty's approximation).
  const critical = freedom * (1 - 2 / (9 * freedom) + 4.265 * Math.sqrt(2 / (9 * freedom))) ** 3;
  expect(freedom).toBeGreaterThan(2);
  expect(statistic, `${statistic} at ${freedom} degrees of freedom`).toBeLessThan(critical);
});
