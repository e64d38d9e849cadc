/** Something that is loaded when it is first needed. After a failure the next call tries again. */
export class LoadedOnce<Loaded> {
  readonly #load: () => Promise<Loaded>;
  #loaded: Promise<Loaded> | undefined;

  constructor(load: () => Promise<Loaded>) {
    this.#load = load;
  }

  async get(): Promise<Loaded> {
    const loading = (this.#loaded ??= this.#load());
    try {
      return await loading;
    } catch (error) {
      if (this.#loaded === loading) this.#loaded = undefined;
      throw error;
    }
  }

  /** What was loaded, or is being loaded now; `undefined` where nothing was. */
  async known(): Promise<Loaded | undefined> {
    return this.#loaded?.catch(() => undefined);
  }
}
