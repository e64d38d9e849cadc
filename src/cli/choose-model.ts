import { InvalidOptionError } from '../errors.ts';
import type { LocalModel } from '../models/local-model.ts';
import { bundledModels } from '../node/bundled-models.ts';
import { loadModel } from '../node/load-model.ts';

export interface ModelChoice {
  readonly model?: string;
  readonly tokenizer?: string;
  readonly threads?: number;
}

/** The model in a directory, else the bundled target. @throws {InvalidOptionError | ModelLoadError} */
export async function chooseModel({ model, tokenizer, threads }: ModelChoice): Promise<LocalModel> {
  const loading = threads === undefined ? {} : { threads };
  if (model !== undefined) return loadModel(model, { ...loading, ...(tokenizer !== undefined && { tokenizerPath: tokenizer }) });
  if (tokenizer !== undefined) throw new InvalidOptionError('tokenizer', 'left out without `--model`', tokenizer, 'The bundled model has its own.');
  return (await bundledModels(loading)).target;
}
