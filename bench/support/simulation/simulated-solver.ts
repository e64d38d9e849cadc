import { Decoder, PrmScorer, type BundledModels, type Engine, type StepScorer, type TokenModel } from 'latency-tts';
import { overriding } from './overriding.ts';
import { scorerPassMs, targetPassMs, type PassTimes } from './pass-times.ts';
import { RememberingModel } from './remembering-model.ts';
import { SimulationClock } from './simulation-clock.ts';

const LONGEST_PASS_MS = 10_000;

/** The library's own engine and scorer over models that compute every text once, in simulated time. */
export class SimulatedSolver {
  readonly clock: SimulationClock;
  readonly engine: Engine;
  readonly #prm: BundledModels['prm'];
  readonly #target: RememberingModel;
  readonly #judge: RememberingModel;
  #scorers: PrmScorer[] = [];

  private constructor({ prm, target }: BundledModels, models: { readonly target: RememberingModel; readonly judge: RememberingModel }, clock: SimulationClock) {
    this.clock = clock;
    this.#prm = prm;
    this.#target = models.target;
    this.#judge = models.judge;
    this.engine = new Decoder({ model: { ...target, load: async () => this.#target }, thread: 'main' });
  }

  static async open(models: BundledModels, times: PassTimes): Promise<SimulatedSolver> {
    const clock = new SimulationClock();
    const [target, judge] = await Promise.all([models.target.load(), models.prm.load()]);
    const solver = new SimulatedSolver(
      models,
      {
        target: new RememberingModel(target, clock, (shape) => targetPassMs(times, shape)),
        judge: new RememberingModel(judge, clock, (shape) => scorerPassMs(times, shape)),
      },
      clock,
    );
    await solver.engine.ready();
    return solver;
  }

  /** A scorer for one run, which knows what it costs and has read nothing of the problem. */
  async scorer(): Promise<StepScorer> {
    const model = { ...this.#prm, load: async () => overriding<TokenModel>(this.#judge, { dispose: async () => undefined }) };
    const scorer = new PrmScorer({ model, thread: 'main' });
    await scorer.ready({ clock: this.clock });
    this.#scorers.push(scorer);
    return scorer;
  }

  /** Rows of both models, and how many of them were computed. */
  get counts(): { readonly asked: number; readonly computed: number } {
    const [target, judge] = [this.#target.counts, this.#judge.counts];
    return { asked: target.asked + judge.asked, computed: target.computed + judge.computed };
  }

  /** To be called between problems: nothing of the last one is needed any more. */
  async forget(): Promise<void> {
    // A pass may still be under way whose branches a strategy has given up.
    await this.clock.wait(LONGEST_PASS_MS);
    await Promise.all(this.#scorers.map((scorer) => scorer.dispose()));
    this.#scorers = [];
    this.#target.forget();
    this.#judge.forget();
  }

  async dispose(): Promise<void> {
    await this.forget();
    await this.engine.dispose();
    await this.#judge.dispose();
  }
}
