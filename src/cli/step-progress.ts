import type { Clock } from '../contracts/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { FRAME_MS } from './frames.ts';
import type { CliHost } from './host.ts';
import { Screen } from './screen.ts';
import { fitLine } from './terminal-text.ts';

const BAR_WIDTH = 24;

/** Shows where a long command is: one line that changes on a terminal, a line now and then elsewhere. */
export class StepProgress {
  readonly #stderr: CliHost['stderr'];
  readonly #screen: Screen;
  readonly #clock: Clock;
  readonly #update: ReturnType<Screen['liveText']> | undefined;
  #step = '';
  #toldTenths = 0;
  #drawnAt = -Infinity;

  constructor({ stderr }: Pick<CliHost, 'stderr'>, clock: Clock = systemClock) {
    this.#stderr = stderr;
    this.#clock = clock;
    this.#screen = new Screen(stderr);
    this.#update = stderr.isTTY ? this.#screen.liveText() : undefined;
  }

  /** @param share - How far the step has come, in [0, 1]. */
  show(step: string, share: number, detail: string): void {
    if (this.#update) return this.#draw(step, share, detail);
    const tenths = Math.floor(10 * Math.min(1, share));
    if (step === this.#step && tenths <= this.#toldTenths) return;
    this.#step = step;
    this.#toldTenths = tenths;
    this.#stderr.write(`${step}: ${detail}\n`);
  }

  /** A line that stays. */
  say(text: string): void {
    this.end();
    this.#stderr.write(`${text}\n`);
  }

  end(): void {
    this.#update?.clear();
    this.#update?.done();
    this.#drawnAt = -Infinity;
  }

  #draw(step: string, share: number, detail: string): void {
    const now = this.#clock.now();
    if (now - this.#drawnAt < FRAME_MS) return;
    this.#drawnAt = now;
    const filled = Math.round(BAR_WIDTH * Math.min(1, share));
    this.#update?.(fitLine(`${step.padEnd(8)} ${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${detail}`, this.#screen.columns));
  }
}
