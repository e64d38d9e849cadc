import { join } from 'node:path';
import type { LocalModel } from '../models/local-model.ts';
import { loadModel, type LoadModelOptions } from './load-model.ts';
import { packageRoot } from './package-root.ts';

/** The demonstration models that come with the package; `models/README.md` says what they can do. */
export interface BundledModels {
  /** Solves multi-step arithmetic word problems, with mistakes. */
  readonly target: LocalModel;
  /** Small and fast, distilled from the target. */
  readonly draft: LocalModel;
  /** Judges the target's solutions step by step; for `PrmScorer`. */
  readonly prm: LocalModel;
}

/**
 * Describes the bundled models. Loads no weights.
 *
 * @param options.threads - Threads inside one operator. The models are so small that a second one gains little on an idle
 *   machine and loses much on a busy one. @default 1
 */
export async function bundledModels(options: Omit<LoadModelOptions, 'name' | 'tokenizerPath'> = {}): Promise<BundledModels> {
  const models = join(packageRoot(), 'models');
  const load = (name: string): Promise<LocalModel> =>
    loadModel(join(models, name), { threads: 1, ...options, name: `bundled ${name}`, tokenizerPath: join(models, 'tokenizer') });
  const [target, draft, prm] = await Promise.all([load('target'), load('draft'), load('prm')]);
  return { target, draft, prm };
}
