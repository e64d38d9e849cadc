import type { LoadProgress } from '../models/onnx-model-options.ts';
import type { CliHost } from './host.ts';
import { StepProgress } from './step-progress.ts';

/** Files that take no time are not worth a word. */
const SMALLEST_BYTES = 1e6;

/** Tells how far the files of a model are that come from the hub. */
export class DownloadProgress {
  readonly #progress: StepProgress;

  constructor(host: Pick<CliHost, 'stderr'>) {
    this.#progress = new StepProgress(host);
  }

  readonly show = (told: LoadProgress): void => {
    // Files on this machine are reported once, when they have been read.
    if (told.status !== 'progress' || told.total < SMALLEST_BYTES) return;
    const { file, loaded, total } = told;
    if (loaded >= total) return this.#progress.end();
    this.#progress.show('download', loaded / total, `${file}, ${megabytes(loaded)} of ${megabytes(total)} MB`);
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
