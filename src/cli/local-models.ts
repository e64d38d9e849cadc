import { stat } from 'node:fs/promises';
import { Decoder } from '../engines/decoder.ts';
import type { DrafterName } from '../engines/load-engine.ts';
import { SpeculativeDecoder } from '../engines/speculative-decoder.ts';
import type { Engine } from '../contracts/engine.ts';
import { InvalidOptionError } from '../errors.ts';
import type { LocalModel } from '../models/local-model.ts';
import type { LoadOnnxModelOptions, OnnxDevice, OnnxDtype } from '../models/onnx-model-options.ts';
import { bundledModels } from '../node/bundled-models.ts';
import { loadModel, loadOnnxModel, type NodeDevice } from '../node/load-model.ts';
import { PrmScorer } from '../scoring/prm-scorer.ts';
import type { ChosenEngine } from './chosen-engine.ts';
import { DownloadProgress } from './download-progress.ts';
import type { CliHost } from './host.ts';
import type { ModelChoice } from './model-options.ts';
import { oneOf } from './one-of.ts';

/** Words of `--draft` that name no model. */
const LOOK_UPS = ['lookup', 'sibling', 'history'] as const satisfies readonly DrafterName[];
/** Of the bundled models. */
export const BUNDLED_DRAFT = 'bundled';

const NATIVE_DEVICES = ['cpu', 'webgpu'] as const satisfies readonly NodeDevice[];
const HUB_DEVICES = ['auto', 'cpu', 'gpu', 'webgpu', 'cuda', 'coreml', 'dml'] as const satisfies readonly OnnxDevice[];

/** What `--draft` asks for. */
interface DraftChoice {
  readonly drafters: readonly DrafterName[];
  /** The draft model's id, directory or `bundled`. */
  readonly model: string | undefined;
}

/** The models that come with the package. @throws {InvalidOptionError} for flags that are about other models. */
export async function chooseBundled({ tokenizer, dtype, device, draft, threads }: ModelChoice): Promise<ChosenEngine> {
  for (const [option, value] of Object.entries({ tokenizer, dtype })) {
    if (value !== undefined) throw new InvalidOptionError(option, 'left out without `model`', value, 'The bundled model has its own.');
  }
  const place = oneOf('device', device, NATIVE_DEVICES);
  const models = await bundledModels({ ...(threads !== undefined && { threads }), ...(place && { device: place }) });
  const choice = readDraft(draft);
  if (choice?.model !== undefined && choice.model !== BUNDLED_DRAFT)
    throw new InvalidOptionError('draft', `\`${BUNDLED_DRAFT}\`, ${LOOK_UPS.join(', ')} or none without \`model\``, draft);
  const scorer = new PrmScorer({ model: models.prm });
  const engine = engineOf(models.target, choice, models.draft);
  return {
    engine,
    id: 'bundled',
    isBundled: true,
    scorer,
    loadTokenizer: () => models.target.loadTokenizer(),
    dispose: async () => {
      await Promise.all([engine.dispose(), scorer.dispose()]);
    },
  };
}

/** A model of the hub or of a directory. @param id - For people, and for clients of a server. @throws {InvalidOptionError | ModelLoadError} */
export async function chooseLocal(choice: ModelChoice & { readonly model: string }, id: string, host: CliHost): Promise<ChosenEngine> {
  const draft = readDraft(choice.draft);
  if (draft?.model === BUNDLED_DRAFT) throw new InvalidOptionError('draft', 'a model with the tokenizer of `model`', choice.draft);
  const progress = new DownloadProgress(host);
  const target = await describeModel(choice.model, id, choice, progress);
  const draftModel = draft?.model === undefined ? undefined : await describeModel(draft.model, draft.model, { ...choice, ...oneFormatOf(choice) }, progress);
  const engine = engineOf(target, draft, draftModel);
  return {
    engine,
    id,
    isBundled: false,
    loadTokenizer: () => target.loadTokenizer(),
    dispose: () => engine.dispose(),
  };
}

/** Directories in the native layout may have their tokenizer elsewhere; all others are the hub's. */
async function describeModel(model: string, name: string, choice: ModelChoice, progress: DownloadProgress): Promise<LocalModel> {
  const { tokenizer, dtype, device, threads } = choice;
  const loading = threads === undefined ? {} : { threads };
  if (tokenizer !== undefined) {
    if (dtype !== undefined) throw new InvalidOptionError('dtype', 'left out together with `tokenizer`', dtype.join(','));
    const place = oneOf('device', device, NATIVE_DEVICES);
    return loadModel(model, { ...loading, name, tokenizerPath: tokenizer, ...(place && { device: place }) });
  }
  const place = oneOf('device', device, HUB_DEVICES);
  const formats = (dtype ?? ['auto']) as readonly OnnxDtype[];
  const options: LoadOnnxModelOptions = {
    ...loading,
    ...(place && { device: place }),
    dtype: formats.length === 1 ? formats[0]! : formats,
    name,
    // For a sentence about files where it is about files.
    localFilesOnly: await isDirectory(model),
    onProgress: progress.show,
  };
  return loadOnnxModel(model, options);
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** A draft model is loaded in one format, whatever the target is loaded in. */
function oneFormatOf({ dtype }: ModelChoice): Pick<ModelChoice, 'dtype'> {
  return dtype === undefined ? {} : { dtype: dtype.slice(0, 1) };
}

function engineOf(target: LocalModel, choice: DraftChoice | undefined, draftModel: LocalModel | undefined): Engine {
  if (!choice) return new Decoder({ model: target });
  return new SpeculativeDecoder({ target, drafters: choice.drafters, ...(choice.model !== undefined && draftModel && { draft: draftModel }) });
}

/** @throws {InvalidOptionError} for two draft models, and for words that contradict each other. */
function readDraft(draft: string | undefined): DraftChoice | undefined {
  if (draft === undefined || draft.trim() === 'none') return undefined;
  const words = draft.split(',').map((word) => word.trim());
  const models = words.filter((word) => !LOOK_UPS.some((name) => name === word));
  const isWrong = models.length > 1 || words.includes('') || words.includes('none') || new Set(words).size < words.length;
  if (isWrong) throw new InvalidOptionError('draft', `one draft model at most, and ${LOOK_UPS.join(', ')} once each`, draft);
  return { drafters: words.map((word) => LOOK_UPS.find((name) => name === word) ?? 'draft-model'), model: models[0] };
}
