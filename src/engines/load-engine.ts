import type { Clock } from '../contracts/clock.ts';
import type { Drafter } from '../contracts/drafter.ts';
import type { TokenModel } from '../contracts/token-model.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { DeviceMemoryError, InvalidOptionError, VocabularyMismatchError } from '../errors.ts';
import { resolveSampling } from '../maths/sampling.ts';
import { DeviceTokenModel } from '../models/device-token-model.ts';
import { loadWhole } from '../models/load-whole.ts';
import type { LocalModel } from '../models/local-model.ts';
import { ResizedTokenModel } from '../models/resized-token-model.ts';
import { UninterruptedTokenModel, type AtOnce } from '../models/uninterrupted-token-model.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { LocalEngine } from './local/local-engine.ts';
import type { Verification } from './local/lane.ts';
import { PrefixCache } from './local/prefix-cache.ts';
import { DraftModelDrafter } from './speculation/draft-model-drafter.ts';
import { AdaptiveDrafting } from './speculation/adaptive-drafting.ts';
import { fixedDraftLength } from './speculation/draft-policy.ts';
import { Speculation } from './speculation/speculation.ts';
import { SuffixDrafter, type SuffixScope } from './speculation/suffix-drafter.ts';

/** How a drafter is named in options; a plan must be plain data to cross to a worker. */
export type DrafterName = 'draft-model' | SuffixScope;

export interface SpeculationPlan {
  /** Asked in order. */
  readonly drafters: readonly DrafterName[];
  readonly draftLength: number | 'adaptive';
  readonly longestDraft: number;
  readonly minConfidence: number;
  readonly verification: Verification;
}

/** A local engine, before anything is loaded. */
export interface EnginePlan {
  readonly target: LocalModel;
  readonly draft?: LocalModel;
  readonly maxRows: number;
  readonly prefixCacheBytes?: number;
  readonly speculation?: SpeculationPlan;
}

/** Where an engine runs. */
export interface EngineSurroundings {
  /** Measures what passes cost. @default the system clock */
  readonly clock?: Clock;
  /** Of a thread that takes its calls from another one. */
  readonly takeTurn?: (() => Promise<void>) | undefined;
  /** Of a thread that may compute drafts without letting its event loop in. */
  readonly atOnce?: AtOnce | undefined;
}

/**
 * Loads the models of a plan into the calling thread and warms them up.
 *
 * @throws {ModelLoadError | VocabularyMismatchError | InvalidOptionError}
 */
export async function loadEngine(
  { target, draft, maxRows, prefixCacheBytes, speculation: plan }: EnginePlan,
  { clock = systemClock, takeTurn, atOnce }: EngineSurroundings = {},
): Promise<LocalEngine> {
  const { model, tokenizer } = await loadWhole(target);
  const settings = target.settings && { settings: target.settings };
  const prefixes = new PrefixCache(prefixCacheBytes);
  const sampling = resolveSampling(model.sampling);
  const loaded = { name: target.name, model, tokenizer, sampling, maxRows, prefixes, clock, ...settings, ...(takeTurn && { takeTurn }) };
  if (!plan) {
    await warmUp(model);
    return new LocalEngine(loaded);
  }
  if (model.cannotVerify !== undefined) {
    await model.dispose();
    throw new InvalidOptionError('target', 'a model that can check drafts', target.name, `It cannot: ${model.cannotVerify}. Use Decoder with it.`);
  }
  const loadedDraft = draft && plan.drafters.includes('draft-model') ? await loadDraft(draft, loaded).catch(closing(model)) : undefined;
  const isOnDevice = loadedDraft instanceof DeviceTokenModel;
  const draftModel = loadedDraft && atOnce && !isOnDevice ? new UninterruptedTokenModel(loadedDraft, atOnce) : loadedDraft;
  const drafters = draftersOf(plan, draftModel, prefixes);
  await warmUp(model);
  if (draftModel) await warmUp(draftModel);
  const { draftLength, longestDraft: longest } = plan;
  const policy = draftLength === 'adaptive' ? new AdaptiveDrafting({ longest, isPadded: model.padsRows ?? false }) : fixedDraftLength(draftLength);
  const speculation = new Speculation({ drafters, policy });
  const metered = draftModel && { draft: { name: draft!.name, model: draftModel, ...(draft!.settings && { settings: draft!.settings }) } };
  return new LocalEngine({ ...loaded, ...metered, speculation, verification: plan.verification });
}

/** The drafters of a plan in their order; all that look texts up are one, in the place of the first. */
function draftersOf({ drafters, minConfidence }: SpeculationPlan, draftModel: TokenModel | undefined, prefixes: PrefixCache): Drafter[] {
  const scopes = drafters.filter((name): name is SuffixScope => name !== 'draft-model');
  const first = drafters.indexOf(scopes[0] ?? 'draft-model');
  return drafters.flatMap((name, index): Drafter[] => {
    if (name === 'draft-model') return [new DraftModelDrafter(draftModel!, { minConfidence, prefixes })];
    return index === first ? [new SuffixDrafter(scopes)] : [];
  });
}

/** The draft model, with rows of logits as long as the target's. @throws {VocabularyMismatchError | InvalidOptionError | ModelLoadError} */
async function loadDraft(draft: LocalModel, target: { readonly name: string; readonly model: TokenModel; readonly tokenizer: Tokenizer }): Promise<TokenModel> {
  const { model, tokenizer } = await loadWhole(draft);
  const [wanted, given] = [target.model.vocabularySize, model.vocabularySize];
  // Beyond the tokenizer's tokens a vocabulary is padding, and models of one family are padded to different sizes.
  const isPadding = Math.min(wanted, given) >= tokenizer.vocabularySize;
  if (tokenizer.fingerprint !== target.tokenizer.fingerprint || (wanted !== given && !isPadding)) {
    await model.dispose();
    throw new VocabularyMismatchError(target.name, wanted, draft.name, given);
  }
  if (model.cannotVerify !== undefined) {
    await model.dispose();
    throw new InvalidOptionError('draft', 'a model that can forget tokens', draft.name, `It cannot: ${model.cannotVerify}.`);
  }
  return wanted === given ? model : new ResizedTokenModel(model, wanted);
}

/** Frees a model when what needs it fails. */
function closing(model: TokenModel): (error: unknown) => Promise<never> {
  return async (error) => {
    await model.dispose();
    throw error;
  };
}

/**
 * The first passes of a session are slow, and must not be a user's: on a GPU every kind of pass has shaders to compile. So one
 * row of several tokens, one of one, and several; elsewhere one pass will do.
 */
async function warmUp(model: TokenModel): Promise<void> {
  const sequence = model.openSequence();
  await model.forward([{ sequence, tokens: [0], logitCount: 1 }]);
  if (!(model instanceof DeviceTokenModel)) return sequence.dispose();
  await model.forward([{ sequence, tokens: [0, 0], logitCount: 1 }]);
  const other = sequence.fork();
  try {
    await model.forward([sequence, other].map((row) => ({ sequence: row, tokens: [0], logitCount: 1 })));
  } catch (error) {
    // Without room for two rows the engine decodes one after another.
    if (!(error instanceof DeviceMemoryError)) throw error;
  } finally {
    for (const opened of [sequence, other]) opened.dispose();
  }
}
