import type * as Module from '@huggingface/transformers';
import { LocalRuntimeMissingError } from '../errors.ts';
import { isNode } from './platform.ts';

export type Transformers = typeof Module;

const INSTALL_ADVICE = isNode
  ? 'Run `npm install @huggingface/transformers onnxruntime-node`; if its download of GPU libraries fails, set `ONNXRUNTIME_NODE_INSTALL=skip`, which leaves them out.'
  : 'Run `npm install @huggingface/transformers onnxruntime-web`.';

/** For the `catch` of an import, by which bundlers also learn that the package may be missing. @throws {LocalRuntimeMissingError} */
export const missingRuntime =
  (packageName: string) =>
  (cause: unknown): never => {
    throw new LocalRuntimeMissingError(packageName, INSTALL_ADVICE, { cause });
  };

/** transformers.js, imported when a model is loaded. @throws {LocalRuntimeMissingError} */
export function importTransformers(): Promise<Transformers> {
  return import('@huggingface/transformers').catch(missingRuntime('@huggingface/transformers'));
}
