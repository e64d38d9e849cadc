import { Decoder, PrmScorer, type BundledModels, type Engine, type StepScorer, type TokenModel } from 'latency-tts';
import { overriding } from './overriding.ts';
import { decodingPassMs, scorerPassMs, type PassTimes } from './pass-times.ts';
import { RememberingModel } from './remembering-model.ts';
import { SimulationClock } from './simulation-clock.ts';

const LONGEST_PASS_MS = 10_000;

interface RememberingModels {
  readonly target: RememberingModel;
  readonly drafter: RememberingModel;
  readonly judge: RememberingModel;
}

/** The library's own engines and scorer over models that compute every text once, in simulated time. */
export class SimulatedSolver {
  readonly clock: SimulationClock;
  /** On the target. */
  readonly engine: Engine;
  readonly draft: Engine;
  readonly #prm: BundledModels['prm'];
  readonly #models: RememberingModels;
  #scorers: PrmScorer[] = [];

  private constructor({ prm, target, draft }: BundledModels, models: RememberingModels, clock: SimulationClock) {
    this.clock = clock;
    this.#prm = prm;
    this.#models = models;
    this.engine = new Decoder({ model: { ...target, load: async () => models.target }, thread: 'main' });
    this.draft = new Decoder({ model: { ...draft, load: async () => models.drafter }, thread: 'main' });
  }

  static async open(models: BundledModels, times: PassTimes): Promise<SimulatedSolver> {
    const clock = new SimulationClock();
    const [target, drafter, judge] = await Promise.all([models.target.load(), models.draft.load(), models.prm.load()]);
    const solver = new SimulatedSolver(
      models,
      {
        target: new RememberingModel(target, clock, (shape) => decodingPassMs(times.target, shape)),
        drafter: new RememberingModel(drafter, clock, (shape) => decodingPassMs(times.draft, shape)),
        judge: new RememberingModel(judge, clock, (shape) => scorerPassMs(times, shape)),
      },
      clock,
    );
    await Promise.all([solver.engine.ready(), solver.draft.ready()]);
    return solver;
  }

  /** A scorer for one run, which knows what it costs and has read nothing of the problem. */
  async scorer(): Promise<StepScorer> {
    const model = { ...this.#prm, load: async () => overriding<TokenModel>(this.#models.judge, { dispose: async () => undefined }) };
    const scorer = new PrmScorer({ model, thread: 'main', readAhead: true });
    await scorer.ready({ clock: this.clock });
    this.#scorers.push(scorer);
    return scorer;
  }

  /** To be called between problems: nothing of the last one is needed any more. */
  async forget(): Promise<void> {
    // A pass may still be under way whose branches a strategy has given up.
    await this.clock.wait(LONGEST_PASS_MS);
    await Promise.all(this.#scorers.map((scorer) => scorer.dispose()));
    this.#scorers = [];
    const { target, drafter, judge } = this.#models;
    for (const model of [target, drafter, judge]) model.forget();
  }

  async dispose(): Promise<void> {
    await this.forget();
    await Promise.all([this.engine.dispose(), this.draft.dispose()]);
    await this.#models.judge.dispose();
  }
}
