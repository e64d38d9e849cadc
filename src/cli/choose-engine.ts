import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { InvalidOptionError } from '../errors.ts';
import type { ChosenEngine } from './chosen-engine.ts';
import { findGguf } from './gguf-files.ts';
import { chooseGguf } from './gguf-model.ts';
import type { CliHost } from './host.ts';
import { chooseBundled, chooseLocal } from './local-models.ts';
import type { ModelChoice } from './model-options.ts';
import { chooseServer } from './server-model.ts';
import { withSystem } from './with-system.ts';

/**
 * The engine that the flags ask for. Loads no weights, except of GGUF files.
 *
 * @throws {InvalidOptionError | ModelLoadError | ServerError}
 */
export async function chooseEngine(choice: ModelChoice, host: CliHost, signal: AbortSignal): Promise<ChosenEngine> {
  const chosen = await chooseAnyEngine(choice, host, signal);
  return choice.system === undefined ? chosen : { ...chosen, engine: withSystem(chosen.engine, choice.system) };
}

async function chooseAnyEngine(choice: ModelChoice, host: CliHost, signal: AbortSignal): Promise<ChosenEngine> {
  const { model, baseUrl, keyEnv } = choice;
  if (choice.system?.trim() === '') throw new InvalidOptionError('system', 'text that is not empty', choice.system);
  if (baseUrl !== undefined) return chooseServer({ ...choice, baseUrl }, host.env, signal);
  if (keyEnv !== undefined) throw new InvalidOptionError('keyEnv', 'left out without `baseUrl`', keyEnv);
  if (model === undefined) return chooseBundled(choice);
  if (model.trim() === '') throw new InvalidOptionError('model', 'an id on the hub, a directory or a GGUF file', model);
  const found = await stat(model).catch(() => undefined);
  const gguf = await findGguf(model, found);
  if (gguf !== undefined) return chooseGguf(gguf, choice);
  if (found ? !found.isDirectory() : looksLikePath(model)) {
    const what = found ? 'a directory or a GGUF file' : 'a directory or file that exists, or an id on the hub such as `onnx-community/Qwen2.5-0.5B-Instruct`';
    throw new InvalidOptionError('model', what, model);
  }
  return chooseLocal({ ...choice, model }, found ? basename(resolve(model)) : model, host);
}

/** Whether it cannot be an id on the hub, which is one name or two with a slash between them. */
function looksLikePath(model: string): boolean {
  return /^[./~\\]|^[a-z]:|\\|\/.*\/|\/$|\.onnx$/i.test(model);
}
