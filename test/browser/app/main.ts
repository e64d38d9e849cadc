/** A page as a user would write it, with what the tests do in it as functions of the window. */
import { bundledModels, Decoder, isLatencyTtsError, PrmScorer, SelfConsistency, SpeculativeDecoder, type Engine, type WebDevice } from 'latency-tts';
import { env as runtime } from 'onnxruntime-web/webgpu';
import { inLayout, type Layout } from './hub-layouts.ts';

export interface EngineChoice {
  readonly device: WebDevice;
  readonly model: 'target' | 'draft';
  /** @default 'native' */
  readonly layout?: Layout;
  readonly inWorker: boolean;
  /** Tokens drafted by the draft model, where the engine speculates. */
  readonly draftLength?: number;
}

interface Told {
  readonly isCached: boolean;
  readonly model: string;
  readonly loadedBytes: number;
}

const MODELS = 'models/';

const startWorker = (): Worker => new Worker(new URL('latency-tts/worker', import.meta.url), { type: 'module' });

async function makeEngine({ device, model, layout = 'native', inWorker, draftLength }: EngineChoice, told: Told[] = []): Promise<Engine> {
  const models = await bundledModels({ baseURL: MODELS, device, onProgress: (progress) => told.push(progress) });
  const where = inWorker ? { worker: startWorker, maxRows: 2 } : { maxRows: 2 };
  const target = device === 'auto' ? models[model] : await inLayout(models, model, layout, device);
  if (draftLength === undefined) return new Decoder({ model: target, ...where });
  return new SpeculativeDecoder({ target, draft: models.draft, draftLength, longestDraft: draftLength, ...where });
}

async function withEngine<Result>(engine: Engine, use: (engine: Engine) => Promise<Result>): Promise<Result> {
  try {
    return await use(engine);
  } finally {
    await engine.dispose();
  }
}

/** An error in words that a test can compare. */
function described(error: unknown): string {
  const { name, message } = error as Error;
  return isLatencyTtsError(error) ? `${error.code}: ${message}` : `${name}: ${message}`;
}

/** Held open by `openEngine` over many runs. */
let openedEngine: Engine | undefined;
const { signal: longLived } = new AbortController();

const tests = {
  openEngine: async (choice: EngineChoice) => {
    openedEngine = await makeEngine(choice);
    await openedEngine.ready();
  },

  /** A short run on the open engine, under a signal that all such runs share. */
  runOpen: async (prompt: string, seed: number) => {
    const strategy = new SelfConsistency({ branches: 2, maxTokens: 4 });
    await strategy.run({ engine: openedEngine!, prompt, seed, deadlineMs: 100_000, signal: longLived });
  },

  /** Greedy tokens of two branches, what loading told, and passes. */
  decode: async (choice: EngineChoice, prompt: string, tokens: number) => {
    const told: Told[] = [];
    return withEngine(await makeEngine(choice, told), async (engine) => {
      const session = await engine.open(prompt, { seed: 1, sampling: { temperature: 0 } });
      const segments = await Promise.all(session.branch(2).map((branch) => branch.advance({ until: { tokens } })));
      const { forwardCount, speculation } = session.usage();
      await session.dispose();
      return { tokens: segments.map((segment) => segment.tokens), told: told.at(-1), forwardCount, accepted: speculation?.accepted };
    });
  },

  /** Whether the passes of a hub model have rows filled up to the longest. */
  padsRows: async (layout: Layout) => {
    const model = await (await inLayout(await bundledModels({ baseURL: MODELS }), 'draft', layout, 'wasm')).load();
    const pads = model.padsRows ?? false;
    await model.dispose();
    return pads;
  },

  solve: async (choice: EngineChoice, prompt: string) =>
    withEngine(await makeEngine(choice), async (engine) => {
      const { text, answer } = await new SelfConsistency({ branches: 2, sampling: { temperature: 0 } }).run({ engine, prompt, deadlineMs: 100_000, seed: 1 });
      return { text, answer };
    }),

  /** Aborts a long segment after its first progress; the engine must still decode afterwards. */
  abort: async (choice: EngineChoice, prompt: string) =>
    withEngine(await makeEngine(choice), async (engine) => {
      const controller = new AbortController();
      let progressed = 0;
      const session = await engine.open(prompt, {
        sampling: { temperature: 1 },
        progressIntervalMs: 0,
        onProgress: () => {
          if (++progressed === 2) controller.abort(new Error('enough'));
        },
      });
      const [branch, other] = session.branch(2);
      const aborted = await branch!.advance({ until: { tokens: 400 }, signal: controller.signal }).then(() => 'went on', described);
      const after = await other!.advance({ until: { tokens: 2 } });
      await session.dispose();
      return { aborted, after: after.tokens.length };
    }),

  /** Scores of finished texts, what an aborted call and a text that is too long fail with, and what loading told. */
  score: async (inWorker: boolean, prompt: string, solutions: readonly string[]) => {
    const told: Told[] = [];
    const failures: string[] = [];
    const { prm } = await bundledModels({ baseURL: MODELS, onProgress: (progress) => told.push(progress) });
    const scorer = new PrmScorer({ model: prm, onError: (error) => failures.push(described(error)), ...(inWorker && { worker: startWorker }) });
    try {
      const texts = solutions.map((text) => ({ text, isFinished: true }));
      const scores = await scorer.score(prompt, texts);
      await scorer.score(prompt, [{ text: '1 '.repeat(600), isFinished: true }]);
      const controller = new AbortController();
      const many = Array.from({ length: 64 }, (_, index) => ({ text: `${'12*24+1\n'.repeat(20)}${index}`, isFinished: true }));
      const call = scorer.score(prompt, many, { signal: controller.signal }).then(() => 'went on', described);
      setTimeout(() => controller.abort(new Error('enough')), 1);
      const aborted = await call;
      const again = await scorer.score(prompt, texts);
      return { scores, again, aborted, failures, told: told.at(-1), estimateMs: scorer.estimateMs(1) };
    } finally {
      await scorer.dispose();
    }
  },

  /** What a prompt that is too long fails with. */
  tooLong: async (choice: EngineChoice) =>
    withEngine(await makeEngine(choice), async (engine) => engine.open('1 '.repeat(600), {}).then(() => 'opened', described)),

  /** What models that are not there fail with. */
  missing: async (baseURL: string) => bundledModels({ baseURL }).then(() => 'described', described),

  /** What decoding fails with once the device is gone. */
  lose: async (choice: EngineChoice, prompt: string) =>
    withEngine(await makeEngine(choice), async (engine) => {
      const session = await engine.open(prompt, {});
      const [branch] = session.branch(1);
      const device = (await runtime.webgpu.device) as { destroy(): void };
      device.destroy();
      return branch!.advance({ until: { tokens: 8 } }).then(() => 'went on', described);
    }),
};

declare global {
  interface Window {
    readonly tests: typeof tests;
  }
}

Object.assign(window, { tests });
