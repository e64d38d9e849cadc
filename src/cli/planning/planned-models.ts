import type { Engine } from '../../contracts/engine.ts';
import type { StepScorer } from '../../contracts/scorer.ts';
import { Decoder } from '../../engines/decoder.ts';
import { SpeculativeDecoder } from '../../engines/speculative-decoder.ts';
import { InvalidOptionError } from '../../errors.ts';
import { bundledModels } from '../../node/bundled-models.ts';
import { loadModel } from '../../node/load-model.ts';
import { PrmScorer } from '../../scoring/prm-scorer.ts';
import { chooseModel, type ModelChoice } from '../choose-model.ts';

export interface PlannedModelChoice extends ModelChoice {
  readonly draft?: string;
}

/** What plans are made for and run on. Dispose both. */
export interface PlannedModels {
  readonly engine: Engine;
  /** Of the bundled models. */
  readonly scorer?: StepScorer;
  dispose(): Promise<void>;
}

/** The bundled models with draft and reward model, or a model in a directory, with `--draft` another one. Loads no weights. */
export async function choosePlannedModels(choice: PlannedModelChoice): Promise<PlannedModels> {
  const { model, draft, threads } = choice;
  const loading = threads === undefined ? {} : { threads };
  if (model === undefined) {
    if (draft !== undefined) throw new InvalidOptionError('draft', 'left out without `--model`', draft, 'The bundled model has its own.');
    await chooseModel(choice);
    const { target, draft: bundledDraft, prm } = await bundledModels(loading);
    const scorer = new PrmScorer({ model: prm });
    return disposable(new SpeculativeDecoder({ target, draft: bundledDraft }), scorer);
  }
  const target = await chooseModel(choice);
  if (draft === undefined) return disposable(new Decoder({ model: target }));
  const tokenizer = choice.tokenizer === undefined ? {} : { tokenizerPath: choice.tokenizer };
  return disposable(new SpeculativeDecoder({ target, draft: await loadModel(draft, { ...loading, ...tokenizer }) }));
}

function disposable(engine: Engine, scorer?: StepScorer & { dispose(): Promise<void> }): PlannedModels {
  return {
    engine,
    ...(scorer && { scorer }),
    dispose: async () => {
      await Promise.all([engine.dispose(), scorer?.dispose()]);
    },
  };
}
