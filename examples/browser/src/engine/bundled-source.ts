import { bundledModels, Decoder, SpeculativeDecoder, type BundledModelProgress, type Engine } from 'latency-tts';
import type { EngineOptions, EngineSource } from './engine-source.ts';

/** The models that come with the package, in a Web Worker. */
export const bundledSource: EngineSource = {
  label: 'Bundled models',
  open: async ({ drafts, device }: EngineOptions, onProgress): Promise<Engine> => {
    const { target, draft } = await bundledModels({
      baseURL: 'models/',
      device,
      onProgress: (progress) => onProgress(textOf(progress)),
    });
    const worker = (): Worker => new Worker(new URL('latency-tts/worker', import.meta.url), { type: 'module' });
    if (drafts === 'off') return new Decoder({ model: target, worker });
    return new SpeculativeDecoder({ target, draft, worker, draftLength: drafts === 'adaptive' ? 'adaptive' : Number(drafts) });
  },
};

function textOf({ model, loadedBytes, totalBytes }: BundledModelProgress): string {
  const share = totalBytes ? `, ${Math.round((100 * loadedBytes) / totalBytes)} %` : '';
  return `Loading the ${model} model${share}`;
}
