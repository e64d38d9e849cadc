import type { Engine } from 'latency-tts';
import type { Device, Drafts } from '../state.ts';

/** What the page needs to know of where engines come from. */
export interface EngineSource {
  /** What computes, for the status line. */
  readonly label: string;
  /**
   * Makes an engine; nothing is loaded before its `ready`.
   *
   * @param onProgress - Told what is being loaded.
   */
  open(options: EngineOptions, onProgress: (text: string) => void): Promise<Engine>;
}

export interface EngineOptions {
  readonly drafts: Drafts;
  readonly device: Device;
}
