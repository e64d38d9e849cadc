import type { OnnxModelDescription } from '../models/load-onnx-model.ts';
import type { LocalModel } from '../models/local-model.ts';
import { describedOnnxModel } from './load-onnx-model.ts';
import { describeWebModel, type WebModelDescription } from './bundled-models.ts';

/** The `LocalModel` that was described in another thread of the page. */
export function describedWebModel(description: unknown, onLoadProgress: (progress: unknown) => void): Promise<LocalModel> {
  const known = description as WebModelDescription | OnnxModelDescription;
  return known.kind === 'onnx' ? describedOnnxModel(known, onLoadProgress) : describeWebModel(known, onLoadProgress);
}
