import type * as v from 'valibot';
import type { TokenModel } from '../contracts/token-model.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { codeValue } from '../option-schemas.ts';

/** A model that this process can run, before anything of it is loaded, whatever it gives. */
export interface LoadableModel {
  /** For messages and reports. */
  readonly name: string;
  /** Most tokens one sequence can hold. */
  readonly contextTokens: number;
  /** @throws {ModelLoadError} */
  loadTokenizer(): Promise<Tokenizer>;
  /** Starts a worker thread that can load this model, where the platform has one. */
  startWorker?(): ModelWorker;
  /** What a worker needs to load the model: plain data that crosses threads. `undefined` where only this thread can. */
  readonly description: unknown;
  /** Called with what the loader tells while it loads, also when that happens in a worker. Plain data. */
  readonly onLoadProgress?: (progress: unknown) => void;
}

/**
 * A token model before its weights are loaded. The platform's loader makes one; decoders and scorers load it where they
 * compute, in a worker or in the calling thread.
 */
export interface LocalModel extends LoadableModel {
  /** Loads the weights into the calling thread. @throws {ModelLoadError} */
  load(): Promise<TokenModel>;
  /** How it runs, for reports and profiles: device or providers, precision, threads. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** The model in each of several weight formats, from the one for narrow passes to the one for wide passes; this is the first. */
  readonly formats?: Readonly<Record<string, LocalModel>>;
}

/** A worker thread that waits for something to host: an engine or a scorer. */
export interface ModelWorker {
  readonly port: WorkerPort;
  /** Ends the thread. */
  terminate(): Promise<void>;
}

/** The part of a message port that both sides use. */
export interface WorkerPort {
  post(message: unknown): void;
  /** One listener each; a later call replaces the earlier one. */
  onMessage(listener: (message: unknown) => void): void;
  /** Called once when the other side is gone. */
  onClose(listener: (error: unknown) => void): void;
}

/** A model, not a path, a promise or nothing. @param loaders - What gives one. */
/* @__NO_SIDE_EFFECTS__ */
export function localModelSchema<Model extends LoadableModel = LocalModel>(
  loaders = '`await loadModel(directory)` or `await bundledModels()`',
): v.GenericSchema<Model> {
  return codeValue<Model>(
    'a model',
    (given) => typeof given === 'object' && given !== null && 'load' in given && typeof given.load === 'function' && 'loadTokenizer' in given,
    `Pass what ${loaders} gives.`,
  );
}
