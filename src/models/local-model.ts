import type { TokenModel } from '../contracts/token-model.ts';
import type { Tokenizer } from '../contracts/tokenizer.ts';
import { InvalidOptionError } from '../errors.ts';

/**
 * A model that this process can run, before anything of it is loaded. The platform's loader makes one;
 * decoders load it where they decode, in a worker or in the calling thread.
 */
export interface LocalModel {
  /** For messages and reports. */
  readonly name: string;
  /** Most tokens one sequence can hold. */
  readonly contextTokens: number;
  /** Loads the weights into the calling thread. @throws {ModelLoadError} */
  load(): Promise<TokenModel>;
  /** @throws {ModelLoadError} */
  loadTokenizer(): Promise<Tokenizer>;
  /** Starts a worker thread that can load this model, where the platform has one. */
  startWorker?(): EngineWorker;
  /** What `startWorker`'s thread needs to load the model: plain data that crosses threads. */
  readonly description: unknown;
  /** How it runs, for reports and profiles: device or providers, precision, threads. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Called with what the loader tells while it loads, also when that happens in a worker. Plain data. */
  readonly onLoadProgress?: (progress: unknown) => void;
}

/** A worker thread that waits for an engine to host. */
export interface EngineWorker {
  readonly port: EnginePort;
  /** Ends the thread. */
  terminate(): Promise<void>;
}

/** The part of a message port that engines use. */
export interface EnginePort {
  post(message: unknown): void;
  /** One listener each; a later call replaces the earlier one. */
  onMessage(listener: (message: unknown) => void): void;
  /** Called once when the other side is gone. */
  onClose(listener: (error: unknown) => void): void;
}

/** The model, if it is one. @throws {InvalidOptionError} for a path, a promise or nothing. */
export function requireLocalModel(option: string, model: LocalModel): LocalModel {
  if (typeof model?.load === 'function' && typeof model.loadTokenizer === 'function') return model;
  throw new InvalidOptionError(option, 'a model', model, 'Pass what `await loadModel(directory)` or `await bundledModels()` gives.');
}
