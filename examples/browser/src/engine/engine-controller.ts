import type { Engine } from 'latency-tts';
import type { Store } from '../store.ts';
import type { DemoState, Settings } from '../state.ts';
import type { EngineSource } from './engine-source.ts';

/** Keeps one engine loaded: the one that the settings ask for. */
export class EngineController {
  readonly #store: Store<DemoState>;
  readonly #source: EngineSource;
  #key = '';
  #loading: Promise<Engine> | undefined;

  constructor(store: Store<DemoState>, source: EngineSource) {
    this.#store = store;
    this.#source = source;
  }

  /** The engine of the settings, loaded. A load that failed is tried again by the next call. */
  async ready(settings: Settings): Promise<Engine> {
    const key = `${settings.device} ${settings.drafts}`;
    if (key !== this.#key || !this.#loading) {
      const before = this.#loading;
      this.#key = key;
      this.#loading = this.#load(settings, key, before);
    }
    const loading = this.#loading;
    try {
      return await loading;
    } catch (error) {
      if (this.#loading === loading) this.#loading = undefined;
      throw error;
    }
  }

  async #load(settings: Settings, key: string, before: Promise<Engine> | undefined): Promise<Engine> {
    const tell = (engine: DemoState['engine']): void => {
      if (this.#key === key) this.#store.update({ engine });
    };
    tell({ status: 'loading', text: 'Loading the models' });
    await before?.then((engine) => engine.dispose()).catch(() => undefined);
    const startedAt = performance.now();
    try {
      const engine = await this.#source.open(settings, (text) => tell({ status: 'loading', text }));
      await engine.ready();
      const took = ((performance.now() - startedAt) / 1000).toFixed(1);
      tell({ status: 'ready', text: `${this.#source.label}, ${settings.device === 'webgpu' ? 'WebGPU' : 'CPU'}, loaded in ${took} s` });
      return engine;
    } catch (error) {
      tell({ status: 'failed', text: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }
}
