import { createLogUpdate } from 'log-update';
import type { CliOutput } from './host.ts';

/** A terminal with the size it has now; of those that tell none, or 0 by 0, the usual one. */
export class Screen {
  readonly #stream: CliOutput;

  constructor(stream: CliOutput) {
    this.#stream = stream;
  }

  get columns(): number {
    return this.#stream.columns || 80;
  }

  get rows(): number {
    return this.#stream.rows || 24;
  }

  write(text: string): boolean {
    return this.#stream.write(text);
  }

  /** Text at the end of the screen that takes the place of itself. */
  liveText(): ReturnType<typeof createLogUpdate> {
    // Nothing but these three members is used of a stream.
    return createLogUpdate(this as unknown as NodeJS.WritableStream);
  }
}
