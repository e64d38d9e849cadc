/**
 * How long passes take on this machine, measured through the engine and the scorer as users have them, for a simulation to
 * spend.
 *
 * @module
 */
import { median } from 'simple-statistics';
import { Decoder, PrmScorer, type BundledModels, type LocalModel, type TokenModel } from 'latency-tts';
import { overriding } from './overriding.ts';
import type { PassRows } from './remembering-model.ts';

/** Of one model that decodes. */
export interface DecodingTimes {
  /** Of a decoding step by rows and tokens held, `[contexts][rows]`: from one step to the next, sampling included. */
  readonly steps: readonly { readonly contextTokens: number; readonly byRows: readonly (readonly [rows: number, ms: number])[] }[];
  /** From the question to where branches can start. */
  readonly open: { readonly fixedMs: number; readonly msPerToken: number };
}

/** Milliseconds; medians. Plain data. */
export interface PassTimes {
  readonly target: DecodingTimes;
  readonly draft: DecodingTimes;
  /** Of a pass of the reward model. */
  readonly scorer: { readonly fixedMs: number; readonly msPerToken: number };
}

const ROWS = [1, 2, 4, 8, 12, 16];
const CONTEXTS = [64, 128, 192];
const STEPS = 16;

/** @param repetitions - Of each point; the whole takes about a second each. */
export async function measurePassTimes({ target, draft, prm }: BundledModels, repetitions: number): Promise<PassTimes> {
  return {
    target: await measureDecoding(target, repetitions),
    draft: await measureDecoding(draft, repetitions),
    scorer: await measureScorer(prm, repetitions),
  };
}

async function measureDecoding(model: LocalModel, repetitions: number): Promise<DecodingTimes> {
  const engine = new Decoder({ model });
  await engine.ready();
  const points = CONTEXTS.flatMap((contextTokens) => ROWS.map((rows) => ({ contextTokens, rows, times: [] as number[] })));
  const opens = CONTEXTS.map((contextTokens) => ({ contextTokens, times: [] as number[] }));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const point of points) point.times.push(await stepMs(engine, point.contextTokens, point.rows));
    for (const open of opens) open.times.push(await openMs(engine, open.contextTokens));
  }
  await engine.dispose();
  return {
    steps: CONTEXTS.map((contextTokens) => ({
      contextTokens: contextTokens + STEPS / 2,
      byRows: points.filter((point) => point.contextTokens === contextTokens).map(({ rows, times }) => [rows, median(times)] as const),
    })),
    open: lineThrough(opens.map(({ contextTokens, times }) => [contextTokens, median(times)])),
  };
}

/** At a temperature at which hardly any token ends a text. */
async function stepMs(engine: Decoder, contextTokens: number, rows: number): Promise<number> {
  const session = await engine.open({ text: '1'.repeat(contextTokens) }, { sampling: { temperature: 20 } });
  const branches = session.branch(rows);
  // Behind the prompt the first token is known without a pass.
  await Promise.all(branches.map((branch) => branch.advance({ until: { tokens: 1 } })));
  const segments = await Promise.all(branches.filter(({ ended }) => !ended).map((branch) => branch.advance({ until: { tokens: STEPS } })));
  await session.dispose();
  const whole = segments.filter(({ tokens }) => tokens.length === STEPS);
  return median((whole.length > 0 ? whole : segments).map(({ startedAt, endedAt, tokens }) => (endedAt - startedAt) / tokens.length));
}

async function openMs(engine: Decoder, contextTokens: number): Promise<number> {
  const startedAt = performance.now();
  const session = await engine.open({ text: '1'.repeat(contextTokens) }, {});
  const milliseconds = performance.now() - startedAt;
  await session.dispose();
  return milliseconds;
}

async function measureScorer(prm: LocalModel, repetitions: number): Promise<PassTimes['scorer']> {
  const passes: [number, number][] = [];
  const scorer = new PrmScorer({ model: { ...prm, load: async () => timed(await prm.load(), passes) }, thread: 'main' });
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const count of [1, 4, 16]) {
      const texts = Array.from({ length: count }, (_, index) => ({ text: `${'1'.repeat(30)}${repetition}${count}${index}\n#### 1`, isFinished: true }));
      await scorer.score('how many are left?', texts);
    }
  }
  await scorer.dispose();
  return lineThrough(passes.slice(passes.length / 10));
}

function timed(model: TokenModel, passes: [number, number][]): TokenModel {
  return overriding(model, {
    async forward(rows) {
      const startedAt = performance.now();
      const logits = await model.forward(rows);
      passes.push([rows.reduce((sum, { tokens }) => sum + tokens.length, 0), performance.now() - startedAt]);
      return logits;
    },
  });
}

/** Least squares through the medians of equal abscissae; nothing below zero. */
function lineThrough(points: readonly (readonly [x: number, y: number])[]): { readonly fixedMs: number; readonly msPerToken: number } {
  const xs = [...new Set(points.map(([x]) => x))];
  const medians = xs.map((x) => [x, median(points.filter(([other]) => other === x).map(([, y]) => y))] as const);
  const [meanX, meanY] = [0, 1].map((axis) => medians.reduce((sum, point) => sum + point[axis]!, 0) / medians.length) as [number, number];
  const covariance = medians.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const variance = medians.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const msPerToken = Math.max(0, variance > 0 ? covariance / variance : 0);
  return { fixedMs: Math.max(0, meanY - msPerToken * meanX), msPerToken };
}

/** A step of decoding, or a chunk of a prompt. */
export function decodingPassMs({ steps, open }: DecodingTimes, { rows, newTokens, totalTokens, contextTokens }: PassRows): number {
  // Only prompts and forced answers bring several tokens; the fixed part of opening a prompt falls to its first chunk.
  const readMs = newTokens > 1 ? open.msPerToken * (totalTokens - rows) : 0;
  if (contextTokens === 0) return open.fixedMs + readMs;
  const known = steps.map((step) => [step.contextTokens, interpolated(step.byRows, rows)] as const);
  return interpolated(known, contextTokens) + readMs;
}

export function scorerPassMs({ scorer }: PassTimes, { totalTokens }: PassRows): number {
  return scorer.fixedMs + scorer.msPerToken * totalTokens;
}

/** Linear between points, in proportion beyond the last by the slope of the last two. */
function interpolated(points: readonly (readonly [x: number, y: number])[], x: number): number {
  const above = Math.max(
    1,
    points.findIndex(([other]) => other >= x),
  );
  const index = points.at(-1)![0] < x ? points.length - 1 : above;
  const [[x0, y0], [x1, y1]] = [points[index - 1]!, points[index]!];
  return x <= points[0]![0] ? points[0]![1] : y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}
