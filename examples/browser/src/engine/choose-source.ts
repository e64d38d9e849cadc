import { bundledSource } from './bundled-source.ts';
import { scriptedSource } from './scripted-source.ts';
import type { EngineSource } from './engine-source.ts';

/** The bundled models, or with `?engine=scripted` an engine without weights. */
export function chooseSource(page: URL): EngineSource {
  if (page.searchParams.get('engine') === 'scripted') return scriptedSource;
  return bundledSource;
}

/** Why nothing can be computed on WebGPU here; `undefined` where it can. */
export async function webgpuRefusal(): Promise<string | undefined> {
  if (!('gpu' in navigator)) return 'This browser has no WebGPU.';
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  return adapter ? undefined : 'WebGPU finds no graphics adapter here.';
}
