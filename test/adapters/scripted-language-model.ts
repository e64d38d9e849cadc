/** A language model of the AI SDK that writes what it is told to, and remembers how it was called. */
import type { LanguageModelV2, LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider';

export interface Reply {
  /** Written piece by piece, each a token. */
  readonly pieces: readonly string[];
  readonly finish?: 'stop' | 'length';
  /** In place of an answer. */
  readonly error?: Error;
  /** After the pieces. */
  readonly errorWithin?: Error;
  /** Whether it falls silent after the pieces, until the call is aborted. */
  readonly hangs?: boolean;
  /** Whether its stream closes behind the pieces without a word on why. */
  readonly breaksOff?: boolean;
  readonly reasoning?: readonly string[];
}

export interface ScriptedLanguageModel extends LanguageModelV4 {
  readonly calls: LanguageModelV4CallOptions[];
  /** Calls that are open now, and the most there have been. */
  readonly open: { now: number; most: number };
  /** Calls ended by their signal. */
  readonly aborted: { count: number };
}

export function scriptedLanguageModel(reply: (options: LanguageModelV4CallOptions, call: number) => Reply): ScriptedLanguageModel {
  const calls: LanguageModelV4CallOptions[] = [];
  const open = { now: 0, most: 0 };
  const aborted = { count: 0 };
  return {
    specificationVersion: 'v4',
    provider: 'scripted.chat',
    modelId: 'scripted-1',
    supportedUrls: {},
    calls,
    open,
    aborted,
    doGenerate: () => Promise.reject(new Error('only streams are asked for')),
    doStream: async (options) => {
      calls.push(options);
      const { pieces, finish = 'stop', error, errorWithin, hangs = false, breaksOff = false, reasoning = [] } = reply(options, calls.length - 1);
      if (error) throw error;
      open.most = Math.max(open.most, ++open.now);
      const parts: LanguageModelV4StreamPart[] = [
        { type: 'stream-start', warnings: [] },
        { type: 'reasoning-start', id: 'r' },
        ...reasoning.map((delta) => ({ type: 'reasoning-delta', id: 'r', delta }) as const),
        { type: 'reasoning-end', id: 'r' },
        { type: 'text-start', id: '0' },
        ...pieces.map((delta) => ({ type: 'text-delta', id: '0', delta }) as const),
      ];
      if (errorWithin) parts.push({ type: 'error', error: errorWithin });
      else if (!hangs && !breaksOff) {
        const usage = {
          inputTokens: { total: 11, noCache: 4, cacheRead: 7, cacheWrite: undefined },
          outputTokens: { total: pieces.length + reasoning.length, text: pieces.length, reasoning: reasoning.length },
        };
        parts.push({ type: 'text-end', id: '0' }, { type: 'finish', finishReason: { unified: finish, raw: finish }, usage });
      }
      return {
        stream: new ReadableStream<LanguageModelV4StreamPart>(
          {
            start: (controller) => {
              options.abortSignal?.addEventListener('abort', () => {
                if (hangs) aborted.count++;
                controller.error(options.abortSignal!.reason);
              });
            },
            pull: async (controller) => {
              await new Promise((resolve) => setImmediate(resolve));
              if (options.abortSignal?.aborted) return;
              const part = parts.shift();
              if (part) return controller.enqueue(part);
              if (hangs) return;
              open.now--;
              controller.close();
            },
          },
          { highWaterMark: 0 },
        ),
      };
    },
  };
}

/** The same model as one of specification v2, whose finish reasons and usage are flat. */
export function asV2(model: LanguageModelV4): LanguageModelV2 {
  return {
    specificationVersion: 'v2',
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error('only streams are asked for')),
    doStream: async (options) => {
      const { stream } = await model.doStream(options as unknown as LanguageModelV4CallOptions);
      const flatten = new TransformStream<LanguageModelV4StreamPart, never>({
        transform(part, controller) {
          const flat =
            part.type !== 'finish'
              ? part
              : { type: 'finish', finishReason: part.finishReason.unified, usage: { inputTokens: 11, outputTokens: 3, totalTokens: 14 } };
          controller.enqueue(flat as never);
        },
      });
      return { stream: stream.pipeThrough(flatten) };
    },
  };
}
