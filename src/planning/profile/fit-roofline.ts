import type { PassShape, ProfiledPart } from '../../contracts/profile.ts';
import { InvalidOptionError } from '../../errors.ts';
import { nelderMead } from '../../maths/nelder-mead.ts';
import { requireNumber } from '../../options.ts';
import type { Hardware, HardwareName } from './hardware.ts';
import type { ModelShape, ModelShapeName } from './model-shapes.ts';
import { RooflineProfile, type PassWork, type RooflineOptions } from './roofline-profile.ts';

/** A pass that was measured. */
export interface MeasuredPass extends PassShape {
  /** @default 'target' */
  readonly part?: ProfiledPart;
  readonly milliseconds: number;
}

export type FittedConstant = 'bandwidthEfficiency' | 'computeEfficiency' | 'layerMs';

export interface RooflineFit {
  /** With the fitted constants. */
  readonly profile: RooflineProfile;
  /** Predicted over measured time of each pass, in order. */
  readonly ratios: readonly number[];
  /** Root mean square of the ratios' natural logarithms: 0.1 is about 10 %. */
  readonly error: number;
  /** Constants that the passes say nothing about, left as they were: no pass is bound by them. */
  readonly undetermined: readonly FittedConstant[];
}

const FITTED: readonly FittedConstant[] = ['bandwidthEfficiency', 'computeEfficiency', 'layerMs'];
/** A change of one constant that changes the error by less says nothing. */
const NO_EFFECT = 1e-9;
/** Of an efficiency, and of milliseconds a layer. */
const LEAST = 1e-4;

/**
 * Fits what a data sheet cannot know to measured passes: the shares of bandwidth and of operations that are reached, and
 * the fixed cost of a layer. Least squares of logarithms, so that short and long passes count alike.
 *
 * @param passes - Three or more, from few rows to many, so that each constant binds somewhere.
 * @param options - As for `rooflineProfile`. `passMs` is 0 unless given: with one model it cannot be told from its layers'.
 * @throws {InvalidOptionError}
 */
export function fitRoofline(
  hardware: HardwareName | Hardware,
  target: ModelShapeName | ModelShape,
  passes: readonly MeasuredPass[],
  options: RooflineOptions = {},
): RooflineFit {
  if (passes.length < FITTED.length) throw new InvalidOptionError('passes', `at least ${FITTED.length} measured passes`, passes.length);
  for (const { milliseconds } of passes) requireNumber('passes.milliseconds', milliseconds, Number.MIN_VALUE);
  const base = new RooflineProfile(hardware, target, { passMs: 0, ...options });
  const { passMs } = base.assumptions;
  const works = passes.map(({ part = 'target', ...shape }) => base.work(part, shape));
  const ratiosAt = (at: readonly number[]): number[] => works.map((work, index) => predict(work, constantsAt(at), passMs) / passes[index]!.milliseconds);
  const errorAt = (at: readonly number[]): number => Math.sqrt(ratiosAt(at).reduce((sum, ratio) => sum + Math.log(ratio) ** 2, 0) / passes.length);
  const found = startsOf(base.assumptions).map((from) => nelderMead(errorAt, from));
  const best = found.reduce((left, right) => (errorAt(right) < errorAt(left) ? right : left));
  const undetermined = FITTED.filter((_, index) =>
    [-0.05, 0.05].every((change) => Math.abs(errorAt(best.with(index, best[index]! + change)) - errorAt(best)) < NO_EFFECT),
  );
  const { bandwidthEfficiency, computeEfficiency, layerMs } = base.assumptions;
  const initial = { bandwidthEfficiency, computeEfficiency, layerMs };
  const kept = Object.fromEntries(undetermined.map((name) => [name, initial[name]]));
  const profile = new RooflineProfile(hardware, target, { passMs: 0, ...options, ...constantsAt(best), ...kept });
  return { profile, ratios: ratiosAt(best), error: errorAt(best), undetermined };
}

/** Several: from where nothing is bound by compute, or launching takes all the time, a search may not find its way. */
function startsOf(constants: Readonly<Record<FittedConstant, number>>): number[][] {
  const [bandwidth, compute, layer] = FITTED.map((name) => Math.log(Math.max(LEAST, constants[name])));
  return [0, -1.5].flatMap((change) => [-3, 0, 3].map((layerChange) => [bandwidth!, compute! + change, layer! + layerChange]));
}

function predict({ memoryMs, computeMs, linkMs, layers }: PassWork, constants: Record<FittedConstant, number>, passMs: number): number {
  return Math.max(memoryMs / constants.bandwidthEfficiency, computeMs / constants.computeEfficiency) + linkMs + layers * constants.layerMs + passMs;
}

/** Constants of the searched logarithms. */
function constantsAt([bandwidth, compute, layer]: readonly number[]): Record<FittedConstant, number> {
  const efficiency = (logarithm: number): number => Math.min(1, Math.max(LEAST, Math.exp(logarithm)));
  return { bandwidthEfficiency: efficiency(bandwidth!), computeEfficiency: efficiency(compute!), layerMs: Math.max(LEAST, Math.exp(layer!)) };
}
