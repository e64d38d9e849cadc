/** Times engines that do not show their passes, by decoding: those behind a server. */
import type { Clock } from '../../contracts/clock.ts';
import type { Branch, Engine, Session } from '../../contracts/engine.ts';
import type { PassShape } from '../../contracts/profile.ts';
import { ModelError } from '../../errors.ts';
import { quantile } from '../../maths/quantile.ts';
import type { MeasurePasses, Timings } from './measure-grid.ts';

export interface DecodingSourceOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Whether sessions are told the clock: not where it is theirs anyway. */
  readonly sessionClock: { readonly clock?: Clock };
  readonly prompt: string;
  readonly repetitions: number;
  readonly signal: AbortSignal | undefined;
}

/** Tokens that each branch writes while it is timed; one call carries many, so its own cost is spread thin. */
const TIMED_TOKENS = 16;
/** How often the long prompt repeats the short one. */
const LONGER = 8;
const ATTEMPTS = 3;

export interface OpenedPrompt {
  readonly text: string;
  readonly promptTokens: number;
  /** Milliseconds of opening it, each time. */
  readonly times: readonly number[];
}

/** Opens a short and a long prompt a few times: what reading a prompt costs, and what a request costs beside. */
export async function timeOpenings(options: DecodingSourceOptions): Promise<readonly [OpenedPrompt, OpenedPrompt]> {
  const opened: OpenedPrompt[] = [];
  for (const copies of [1, LONGER]) {
    const text = new Array<string>(copies).fill(options.prompt).join('\n');
    const times: number[] = [];
    let promptTokens = 0;
    for (let repetition = 0; repetition < options.repetitions; repetition++) {
      const startedAt = options.clock.now();
      const session = await open(options, text);
      times.push(options.clock.now() - startedAt);
      promptTokens = session.promptTokens;
      await session.dispose();
    }
    opened.push({ text, promptTokens, times });
  }
  return opened as [OpenedPrompt, OpenedPrompt];
}

/** Fixed milliseconds of opening, and the prompts as prefill passes without them. */
export function splitOpenings([short, long]: readonly [OpenedPrompt, OpenedPrompt]): { readonly requestMs: number; readonly prefill: readonly Timings[] } {
  const [low, high] = [quantile(short.times, 0.5), quantile(long.times, 0.5)];
  const extraTokens = long.promptTokens - short.promptTokens;
  const msPerToken = extraTokens > 0 ? Math.max(0, (high - low) / extraTokens) : 0;
  const requestMs = Math.max(0, low - msPerToken * short.promptTokens);
  const prompts = extraTokens > 0 ? [short, long] : [short];
  const prefill = prompts.map(({ promptTokens, times }) => ({
    shape: { rows: 1, newTokens: Math.max(1, promptTokens), contextTokens: 0 },
    times: times.map((milliseconds) => milliseconds - requestMs),
  }));
  return { requestMs, prefill };
}

/** Times steps of `rows` branches behind the prompt with this many tokens, one new token each. */
export function decodingPasses(options: DecodingSourceOptions, prompts: readonly OpenedPrompt[]): MeasurePasses {
  const { clock, repetitions } = options;
  return async (shapes, budgetMs) => {
    const endsAt = clock.now() + budgetMs;
    const times: number[][] = shapes.map(() => []);
    for (let round = 0; round < repetitions; round++) {
      for (const [index, shape] of shapes.entries()) {
        if (round > 0 && clock.now() >= endsAt) continue;
        times[index]!.push(await timeSteps(options, shape, prompts.find(({ promptTokens }) => promptTokens === shape.contextTokens)!.text));
      }
    }
    return times;
  };
}

async function timeSteps(options: DecodingSourceOptions, { rows }: PassShape, prompt: string): Promise<number> {
  const { clock, signal } = options;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const session = await open(options, prompt, attempt);
    try {
      const branches = session.branch(rows);
      // The first token costs no pass where the prompt's logits are at hand.
      await advance(branches, 1, signal);
      const startedAt = clock.now();
      const steps = await advance(branches, TIMED_TOKENS, signal);
      if (steps > 0) return (clock.now() - startedAt) / steps;
    } finally {
      await session.dispose();
    }
  }
  throw new ModelError(`${options.engine.name} ended its texts before any step could be timed. Give \`prompt\` a question with a longer answer.`);
}

/** @returns the most tokens that one branch wrote. */
async function advance(branches: readonly Branch[], tokens: number, signal: AbortSignal | undefined): Promise<number> {
  const open = branches.filter(({ ended }) => !ended);
  const written = await Promise.all(
    open.map(async (branch) => {
      const before = branch.tokenCount;
      await branch.advance({ until: { tokens }, ...(signal && { signal }) });
      return branch.tokenCount - before;
    }),
  );
  return Math.max(0, ...written);
}

function open({ engine, signal, sessionClock }: DecodingSourceOptions, prompt: string, seed = 0): Promise<Session> {
  return engine.open(prompt, { seed, readsWholePrompt: true, ...sessionClock, ...(signal && { signal }) });
}
