/**
 * Step times computed instead of measured, for hardware that is not at hand: a pass takes as long as the slower of reading
 * what it needs from memory and multiplying it (Williams, Waterman and Patterson 2009), and what launching costs.
 *
 * @module
 */
import type { LatencyProfile, MemoryBudget, PassShape, ProfiledPart } from '../../contracts/profile.ts';
import { InvalidOptionError } from '../../errors.ts';
import { normalQuantile } from '../../maths/normal.ts';
import { requireKnownNames, requireNumber, requireWholeNumber } from '../../options.ts';
import { resolveHardware, type Hardware, type HardwareName } from './hardware.ts';
import { cacheValuesPerToken, parametersOf, resolveShape, type ModelShape, type ModelShapeName } from './model-shapes.ts';
import { requirePart, requireProbability, requireShape } from './pass-shapes.ts';

export interface RooflineOptions {
  /** Accelerators that share the target's and the scorer's weights and work (tensor parallelism). Whole number ≥ 1. @default 1 */
  readonly gpus?: number;
  /** Bits of one weight; fewer are read faster, and computed with at 16 bits. @default 16 */
  readonly weightBits?: number;
  /** Bits of one value of keys and values. @default 16 */
  readonly cacheBits?: number;
  /** The draft model, on one accelerator: it is too small to gain from several. */
  readonly draft?: ModelShapeName | ModelShape;
  /** A reward model; its rows are texts, its new tokens what each text brings. */
  readonly scorer?: ModelShapeName | ModelShape;
  /** Share of the data sheet's bandwidth that is reached. In (0, 1]. @default 0.8 */
  readonly bandwidthEfficiency?: number;
  /** Share of the data sheet's operations that is reached. In (0, 1]. @default 0.6 */
  readonly computeEfficiency?: number;
  /** Fixed cost of a pass beside that of its layers: sampling, the engine's own work. Milliseconds. @default 0.2 */
  readonly passMs?: number;
  /** Replaces the hardware's fixed cost of a layer, milliseconds. */
  readonly layerMs?: number;
  /** What a request costs outside of passes. Milliseconds. @default 5 */
  readonly requestMs?: number;
  /** Standard deviation of the logarithm of a pass's time. @default 0.05 */
  readonly sigma?: number;
  /** Share of the memory that weights and caches may fill. In (0, 1]. @default 0.9 */
  readonly memoryUtilisation?: number;
}

type Numbers = Required<Omit<RooflineOptions, 'draft' | 'scorer' | 'layerMs'>>;

const DEFAULTS: Numbers = {
  gpus: 1,
  weightBits: 16,
  cacheBits: 16,
  bandwidthEfficiency: 0.8,
  computeEfficiency: 0.6,
  passMs: 0.2,
  requestMs: 5,
  sigma: 0.05,
  memoryUtilisation: 0.9,
};
const OPTIONS: readonly string[] = [...Object.keys(DEFAULTS), 'draft', 'scorer', 'layerMs'];
const DEFAULT_LINK_MS = 0.01;
/** Attention and feed-forward each end in one sum over the accelerators (Shoeybi et al. 2019, arXiv:1909.08053). */
const SUMS_PER_LAYER = 2;
const ACTIVATION_BYTES = 2;

/** What one pass of a model costs before any efficiency: what `fitRoofline` fits factors to. */
export interface PassWork {
  /** Milliseconds at the full bandwidth. */
  readonly memoryMs: number;
  /** Milliseconds at the full rate of operations. */
  readonly computeMs: number;
  /** Milliseconds of sums between accelerators. */
  readonly linkMs: number;
  readonly layers: number;
}

/** A profile that is computed. Its fields say from what. */
export class RooflineProfile implements LatencyProfile {
  readonly label: string;
  readonly parts: readonly ProfiledPart[];
  readonly requestMs: number;
  readonly memory: MemoryBudget;
  readonly hardware: Hardware;
  readonly target: ModelShape;
  readonly draft: ModelShape | undefined;
  readonly scorer: ModelShape | undefined;
  /** Every number that entered, defaults included. */
  readonly assumptions: Readonly<Numbers & { readonly layerMs: number }>;

  /** @throws {InvalidOptionError} */
  constructor(hardware: HardwareName | Hardware, target: ModelShapeName | ModelShape, options: RooflineOptions = {}) {
    this.hardware = resolveHardware(hardware);
    this.target = resolveShape('target', target);
    requireKnownNames(options, OPTIONS);
    this.draft = options.draft === undefined ? undefined : resolveShape('draft', options.draft);
    this.scorer = options.scorer === undefined ? undefined : resolveShape('scorer', options.scorer);
    this.assumptions = { ...resolveNumbers(options, this.hardware), layerMs: options.layerMs ?? this.hardware.layerMs };
    this.parts = ['target', 'prefill', ...(this.draft ? (['draft', 'draft-prefill'] as const) : []), ...(this.scorer ? (['scorer'] as const) : [])];
    this.requestMs = this.assumptions.requestMs;
    const draft = this.draft ? `, draft ${this.draft.name}` : '';
    this.label = `${this.target.name}${draft} on ${this.assumptions.gpus} × ${this.hardware.name} (roofline)`;
    this.memory = this.#memory();
  }

  passMs(part: ProfiledPart, shape: PassShape): number {
    const { bandwidthEfficiency, computeEfficiency, passMs, layerMs } = this.assumptions;
    const { memoryMs, computeMs, linkMs, layers } = this.work(part, shape);
    return Math.max(memoryMs / bandwidthEfficiency, computeMs / computeEfficiency) + linkMs + layers * layerMs + passMs;
  }

  /** What a pass costs before efficiencies and fixed costs. @throws {InvalidOptionError} */
  work(part: ProfiledPart, shape: PassShape): PassWork {
    requirePart(part, this.parts);
    requireShape(shape);
    const isDraft = part === 'draft' || part === 'draft-prefill';
    const model = isDraft ? this.draft! : part === 'scorer' ? this.scorer! : this.target;
    return passWork(model, isDraft ? 1 : this.assumptions.gpus, shape, this.hardware, this.assumptions);
  }

  spread(part: ProfiledPart, probability: number): number {
    requirePart(part, this.parts);
    requireProbability(probability);
    return Math.exp(this.assumptions.sigma * normalQuantile(probability));
  }

  #memory(): MemoryBudget {
    const { gpus, weightBits, cacheBits, memoryUtilisation } = this.assumptions;
    const weightBytes = (model: ModelShape): number => (parametersOf(model).held * weightBits) / 8;
    const bytesPerToken = (model: ModelShape): number => (cacheValuesPerToken(model) * cacheBits) / 8;
    const scorerBytes = this.scorer ? weightBytes(this.scorer) : 0;
    // The draft fills one accelerator; the others must have as much left, since the target's parts are equal.
    return {
      availableBytes: gpus * this.hardware.memoryBytes * memoryUtilisation - scorerBytes,
      targetWeightBytes: weightBytes(this.target),
      targetBytesPerToken: bytesPerToken(this.target),
      draftWeightBytes: this.draft ? gpus * weightBytes(this.draft) : 0,
      draftBytesPerToken: this.draft ? gpus * bytesPerToken(this.draft) : 0,
    };
  }
}

/** Computes step times of a model on hardware: by name from `HARDWARE` and `MODEL_SHAPES`, or described. @throws {InvalidOptionError} */
export function rooflineProfile(hardware: HardwareName | Hardware, target: ModelShapeName | ModelShape, options?: RooflineOptions): RooflineProfile {
  return new RooflineProfile(hardware, target, options);
}

function passWork(model: ModelShape, gpus: number, shape: PassShape, hardware: Hardware, { weightBits, cacheBits }: Numbers): PassWork {
  const { rows, newTokens, contextTokens } = shape;
  const { layers, hiddenWidth, queryHeads, headWidth } = model;
  const { read } = parametersOf(model);
  const tokens = rows * newTokens;
  const cacheBytes = (rows * (contextTokens + newTokens) * cacheValuesPerToken(model) * cacheBits) / 8;
  // Scores and their sum over the values: two multiply-accumulates for each pair of positions, of which new ones see half.
  const attention = 4 * layers * queryHeads * headWidth * tokens * (contextTokens + (newTokens + 1) / 2);
  const bytes = (read * weightBits) / 8 + cacheBytes;
  const messageBytes = tokens * hiddenWidth * ACTIVATION_BYTES;
  const { linkBandwidth = Infinity, linkMs = DEFAULT_LINK_MS } = hardware;
  // A ring sends each byte 2 (g − 1) / g times over the slowest link.
  const sumMs = gpus === 1 ? 0 : linkMs + (1000 * messageBytes * 2 * (gpus - 1)) / gpus / linkBandwidth;
  return {
    memoryMs: (1000 * bytes) / gpus / hardware.bandwidth,
    computeMs: (1000 * (2 * read * tokens + attention)) / gpus / hardware.flops,
    linkMs: SUMS_PER_LAYER * layers * sumMs,
    layers,
  };
}

function resolveNumbers(options: RooflineOptions, hardware: Hardware): Numbers {
  const given = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, options[name as keyof Numbers] ?? DEFAULTS[name as keyof Numbers]]));
  const numbers = given as unknown as Numbers;
  requireWholeNumber('gpus', numbers.gpus, 1);
  if (numbers.gpus > 1 && hardware.linkBandwidth === undefined) {
    throw new InvalidOptionError('gpus', `1 for ${hardware.name}`, numbers.gpus, 'Its description has no `linkBandwidth`.');
  }
  for (const name of ['weightBits', 'cacheBits'] as const) requireNumber(name, numbers[name], Number.MIN_VALUE, 64);
  for (const name of ['bandwidthEfficiency', 'computeEfficiency', 'memoryUtilisation'] as const) requireNumber(name, numbers[name], Number.MIN_VALUE, 1);
  for (const name of ['passMs', 'requestMs', 'sigma'] as const) requireNumber(name, numbers[name], 0);
  if (options.layerMs !== undefined) requireNumber('layerMs', options.layerMs, 0);
  return numbers;
}
