/** The bundled models in layouts of the hub, as a page loads hub models that serves them, and ONNX Runtime, itself. */
import { env } from '@huggingface/transformers';
import { loadOnnxModel, type BundledModels, type LocalModel, type WebDevice } from 'latency-tts';

export type Layout = 'native' | 'masked' | 'gqa';

/** One of the models that are served under `models/`; in the native layout it is the bundled one. */
export async function inLayout(bundled: BundledModels, name: 'target' | 'draft', layout: Layout, device: Exclude<WebDevice, 'auto'>): Promise<LocalModel> {
  if (layout === 'native') return bundled[name];
  env.allowLocalModels = true;
  delete env.backends.onnx.wasm?.wasmPaths;
  const model = await loadOnnxModel(`${layout}/${name}`, { localModelPath: 'models/layouts', device, dtype: 'fp32' });
  return { ...model, loadTokenizer: () => bundled[name].loadTokenizer() };
}
