import type { RandomSource } from '../../maths/random.ts';
import { effectiveScores, type Path } from './path.ts';
import type { StepMachine } from './step-machine.ts';
import type { TreePolicy } from './tree-options.ts';
import { stepBoundary } from './tree-search.ts';

/** How particles are drawn, by their scores. */
export interface ParticlePolicy {
  readonly count: number;
  /** How often each is drawn after a step; `undefined` leaves all as they are. */
  resample(scores: readonly number[], count: number, random: RandomSource): readonly number[] | undefined;
  /** How often each is drawn at the end. */
  select(scores: readonly number[], count: number, random: RandomSource): readonly number[];
}

/** A text as it was after one of its steps. */
interface Prefix {
  readonly text: string;
  readonly score: number | undefined;
}

/** A population of paths that are drawn anew after each step. */
export class Particles {
  readonly #machine: StepMachine;
  readonly #tree: TreePolicy;
  readonly #policy: ParticlePolicy;
  readonly #random: RandomSource;
  /** What each path was after every step, for references to be gone back on. */
  readonly #history = new WeakMap<Path, readonly Prefix[]>();

  constructor(machine: StepMachine, tree: TreePolicy, policy: ParticlePolicy, random: RandomSource) {
    this.#machine = machine;
    this.#tree = tree;
    this.#policy = policy;
    this.#random = random;
  }

  /** Draws references for a further iteration. */
  references(sampled: readonly Path[], count: number): Path[] {
    const complete = sampled.filter(({ isComplete }) => isComplete);
    if (complete.length === 0) return [];
    const counts = this.#policy.select(effectiveScores(complete), count, this.#random);
    return complete.flatMap((path, index) => Array.from({ length: counts[index]! }, () => path));
  }

  /**
   * Runs the filter once.
   *
   * @param references - Complete paths that keep a particle each.
   * @returns the particles that have ended, as often as they were drawn; none where the deadline came first.
   */
  async filter(references: readonly Path[]): Promise<Path[]> {
    const machine = this.#machine;
    const free = this.#policy.count - references.length;
    let particles = machine.start(free);
    for (let step = 0; particles.some(({ report }) => !report); step++) {
      const live = particles.filter(({ report }) => !report);
      if (!machine.hasTime(live.length)) {
        await machine.finish(live);
        return particles.filter(({ report, isComplete }) => report && isComplete);
      }
      await machine.round(live, stepBoundary(this.#tree, step));
      for (const path of live) this.#history.set(path, [...(this.#history.get(path) ?? []), { text: path.text, score: path.score }]);
      particles = particles.filter(({ report }) => report?.finish !== 'failed');
      if (!machine.isOutOfTime) particles = await this.#resample(particles, references, step, free);
    }
    return particles;
  }

  async #resample(particles: readonly Path[], references: readonly Path[], step: number, free: number): Promise<Path[]> {
    if (particles.every(({ report }) => report)) return [...particles];
    const scores = effectiveScores(particles);
    const lowest = Math.min(...scores);
    const then = references.map((path) => this.#prefixAt(path, step).score ?? lowest);
    const counts = this.#policy.resample([...scores, ...then], free, this.#random);
    if (!counts) return [...particles];
    const kept = particles.flatMap((path, index) => this.#split(path, counts[index]!));
    const resumed = await Promise.all(references.map((path, index) => this.#resume(path, step, counts[particles.length + index]!)));
    return [...kept, ...resumed.flat()];
  }

  #split(path: Path, count: number): Path[] {
    const copies = this.#machine.split(path, count);
    for (const copy of copies) this.#history.set(copy, this.#history.get(path)!);
    return copies;
  }

  /** Particles that go on from where a reference was after the step. */
  async #resume(reference: Path, step: number, count: number): Promise<Path[]> {
    const history = this.#history.get(reference)!;
    if (step >= history.length - 1) return Array.from({ length: count }, () => reference);
    const resumed = await this.#machine.resume(this.#prefixAt(reference, step), count);
    for (const path of resumed) this.#history.set(path, history.slice(0, step + 1));
    return resumed;
  }

  #prefixAt(reference: Path, step: number): Prefix {
    const history = this.#history.get(reference)!;
    return history[Math.min(step, history.length - 1)]!;
  }
}
