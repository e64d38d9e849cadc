import type { LoadableModel, LocalModel, WorkerPort } from '../models/local-model.ts';
import { describeOnnxClassifier, type LocalClassifier } from '../models/load-onnx-classifier.ts';
import type { OnnxModelDescription } from '../models/load-onnx-model.ts';
import type { StartMessage } from '../port/host-on-demand.ts';
import { causalPrmScoring, type CausalPrmScorerOptions } from './causal-prm-scorer.ts';
import { classifierPrmScoring, type ClassifierPrmScorerOptions } from './classifier-prm-scorer.ts';
import { LoadedOnce } from './loaded-once.ts';
import { ormScoring, type OrmScorerOptions } from './orm-scorer.ts';
import { hostScoring } from './port/host-scoring.ts';
import type { ScorerStart, ScoringNotice } from './port/messages.ts';
import { prmScoring, type PrmScorerOptions } from './prm-scorer.ts';

/** @param onLoadProgress - Hears what the loader tells. */
type DescribeModel = (description: unknown, onLoadProgress: (progress: unknown) => void) => Promise<LocalModel>;
type DescribeClassifier = (description: OnnxModelDescription, onLoadProgress: (progress: unknown) => void) => Promise<LocalClassifier>;

/**
 * The worker's side: hosts the scorer that a `LocalScorer` asks for. A model that cannot be loaded fails the call that needs
 * it, not the worker; the next call tries again.
 *
 * @param start - The first message.
 * @param describeModel - Makes the model of a description in this thread.
 * @param describeClassifier - The same for reward models with a head.
 */
export function hostLocalScorer(
  start: StartMessage,
  port: WorkerPort,
  describeModel: DescribeModel,
  describeClassifier: DescribeClassifier = describeOnnxClassifier,
): void {
  const onLoadProgress = (progress: unknown): void => port.post([{ type: 'load-progress', progress }] satisfies ScoringNotice[]);
  const { model, scorer, options } = start as ScorerStart;
  const tokenModel = (): LocalModel => loadedHere(model, () => describeModel(model.description, onLoadProgress));
  const classifier = (): LocalClassifier => loadedHere(model, () => describeClassifier(model.description as OnnxModelDescription, onLoadProgress));
  hostScoring(port, () => {
    const given = options;
    switch (scorer) {
      case 'prm':
        return prmScoring({ ...given, model: tokenModel() } satisfies PrmScorerOptions);
      case 'causal-prm':
        return causalPrmScoring({ ...(given as Omit<CausalPrmScorerOptions, 'model'>), model: tokenModel() });
      case 'classifier-prm':
        return classifierPrmScoring({ ...given, model: classifier() } satisfies ClassifierPrmScorerOptions);
      case 'orm':
        return ormScoring({ ...given, model: classifier() } satisfies OrmScorerOptions);
    }
  });
}

type Loadable<Loaded> = LoadableModel & { load(): Promise<Loaded> };

/** A model that is looked for when it is first loaded. */
function loadedHere<Loaded>(facts: ScorerStart['model'], describe: () => Promise<Loadable<Loaded>>): Loadable<Loaded> {
  const described = new LoadedOnce(describe);
  return {
    ...facts,
    load: async () => (await described.get()).load(),
    loadTokenizer: async () => (await described.get()).loadTokenizer(),
  };
}
