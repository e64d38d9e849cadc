import { createLogUpdate } from 'log-update';
import type { CliHost } from '../host.ts';

const BAR_WIDTH = 24;

/** Shows where a long command is: one line that changes on a terminal, a line now and then elsewhere. */
export class StepProgress {
  readonly #stderr: CliHost['stderr'];
  readonly #update: ReturnType<typeof createLogUpdate> | undefined;
  #step = '';
  #toldTenths = 0;

  constructor({ stderr }: CliHost) {
    this.#stderr = stderr;
    this.#update = stderr.isTTY ? createLogUpdate(stderr) : undefined;
  }

  /** @param share - How far the step has come, in [0, 1]. */
  show(step: string, share: number, detail: string): void {
    if (this.#update) {
      const filled = Math.round(BAR_WIDTH * Math.min(1, share));
      this.#update(`${step.padEnd(8)} ${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${detail}`);
      return;
    }
    const tenths = Math.floor(10 * Math.min(1, share));
    if (step === this.#step && tenths <= this.#toldTenths) return;
    this.#step = step;
    this.#toldTenths = tenths;
    this.#stderr.write(`${step}: ${detail}\n`);
  }

  /** A line that stays. */
  say(text: string): void {
    this.#update?.clear();
    this.#stderr.write(`${text}\n`);
  }

  end(): void {
    this.#update?.clear();
  }
}
