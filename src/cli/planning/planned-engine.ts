import { InvalidOptionError } from '../../errors.ts';
import { chooseEngine } from '../choose-engine.ts';
import type { ChosenEngine } from '../chosen-engine.ts';
import type { CliHost } from '../host.ts';
import { BUNDLED_DRAFT } from '../local-models.ts';
import type { ModelChoice } from '../model-options.ts';

/**
 * What plans are made for and run on: the engine of the flags, in one weight format, as a plan file holds one profile. The bundled model
 * has its draft model unless the flags say otherwise.
 *
 * @throws {InvalidOptionError | ModelLoadError | ServerError}
 */
export async function choosePlanned(choice: ModelChoice, host: CliHost, signal: AbortSignal): Promise<ChosenEngine> {
  const { model, baseUrl, draft, dtype } = choice;
  if (dtype !== undefined && dtype.length > 1) throw new InvalidOptionError('dtype', 'one format, which plans are made for', dtype.join(','));
  const isBundled = model === undefined && baseUrl === undefined;
  const chosen = await chooseEngine({ ...choice, ...(isBundled && draft === undefined && { draft: BUNDLED_DRAFT }) }, host, signal);
  const { formats = [] } = chosen.engine;
  if (formats.length < 2) return chosen;
  await chosen.dispose();
  throw new InvalidOptionError('dtype', `${formats.join(' or ')}: plans are made for one weight format, and the directory has several`, dtype?.join(','));
}
