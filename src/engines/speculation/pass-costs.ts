import { nonnegativeFit } from '../../maths/nonnegative-fit.ts';

/** A clock that does not move (a virtual one) must not make a pass free. */
const LEAST_MS = 1e-3;
/** Points up to here are told apart; beyond, points within about an eighth of one another are one. */
const EXACT = 16;
const POINTS_PER_OCTAVE = 6;
/** A single pass changes what is believed by at most this factor, as a logarithm: machines pause. */
const MOST_CHANGE = 0.4;
/** Share of the newest pass in a point, once there are many, and in the drift that all points share. */
const NEWEST = 0.05;
const NEWEST_DRIFT = 0.1;
/** Passes after which a point is known so well that what differs from it is drift. */
const SETTLED = 12;
/** Passes that weigh as much as the straight line through all points does. */
const LINE_WEIGHT = 3;
const MOST_WEIGHT = 16;

interface Point {
  /** New tokens of a pass, the mean over the point. */
  positions: number;
  /** Natural logarithm of its milliseconds, less the drift. */
  logMs: number;
  passes: number;
}

interface Curve {
  /** Milliseconds are `fixedMs + positions · eachMs`, times the factor of the nearest points. */
  readonly fixedMs: number;
  readonly eachMs: number;
  readonly points: readonly { readonly positions: number; readonly factor: number }[];
  /** What the drift multiplies all of it by. */
  readonly scale: number;
}

/**
 * Milliseconds of a pass by how many new tokens it has over all its branches, learnt from passes that were made: a straight
 * line through all of them, corrected where single points are known better. All points drift together, since contexts grow and
 * machines slow down while only some of the points are in use.
 */
export class PassCosts {
  readonly #points = new Map<number, Point>();
  #drift = 0;
  #curve: Curve | undefined;

  /** Takes a pass that was timed. */
  record(positions: number, milliseconds: number): void {
    this.#curve = undefined;
    const logMs = Math.log(Math.max(LEAST_MS, milliseconds));
    const key = keyOf(positions);
    const point = this.#points.get(key);
    if (!point) {
      this.#points.set(key, { positions, logMs: logMs - this.#drift, passes: 1 });
      return;
    }
    point.passes++;
    point.positions += (positions - point.positions) / Math.min(point.passes, 1 / NEWEST);
    const change = logMs - this.#drift - point.logMs;
    // The least of the first few: what disturbs a pass, or is new to it, only makes it longer.
    if (point.passes <= LINE_WEIGHT) {
      point.logMs += Math.min(0, change);
      return;
    }
    const bounded = Math.max(-MOST_CHANGE, Math.min(MOST_CHANGE, change));
    point.logMs += bounded * Math.max(NEWEST, 1 / point.passes);
    if (point.passes > SETTLED) this.#drift += bounded * NEWEST_DRIFT;
  }

  /** How many passes about as wide have been timed. */
  passesAt(positions: number): number {
    return this.#points.get(keyOf(positions))?.passes ?? 0;
  }

  /** The widest pass that was timed; 0 where none was. */
  get widest(): number {
    return Math.max(0, ...[...this.#points.values()].map((point) => point.positions));
  }

  /**
   * Expected milliseconds of a pass; `undefined` before any was timed. While only one width is known, a wider pass is believed to
   * cost in proportion, the most it can.
   */
  estimate(positions: number): number | undefined {
    if (this.#points.size === 0) return undefined;
    const { fixedMs, eachMs, points, scale } = (this.#curve ??= curveOf([...this.#points.values()], Math.exp(this.#drift)));
    return (fixedMs + eachMs * positions) * factorAt(points, positions) * scale;
  }
}

function keyOf(positions: number): number {
  return positions <= EXACT ? positions : EXACT + Math.round(POINTS_PER_OCTAVE * Math.log2(positions / EXACT));
}

function curveOf(unordered: readonly Point[], scale: number): Curve {
  const points = unordered.toSorted((left, right) => left.positions - right.positions);
  const ms = points.map(({ logMs }) => Math.exp(logMs));
  if (points.length === 1) return { fixedMs: 0, eachMs: ms[0]! / points[0]!.positions, points: [], scale };
  // Relative errors count, so each row is divided by what was measured.
  const weights = points.map(({ passes }, index) => Math.sqrt(Math.min(passes, MOST_WEIGHT)) / ms[index]!);
  const rows = points.map(({ positions }, index) => [weights[index]!, weights[index]! * positions]);
  const [fixedMs = 0, eachMs = 0] = nonnegativeFit(
    rows,
    ms.map((value, index) => value * weights[index]!),
  );
  const factors = points.map(({ positions, passes }, index) => {
    const ratio = ms[index]! / (fixedMs + eachMs * positions);
    return { positions, factor: 1 + ((ratio - 1) * passes) / (passes + LINE_WEIGHT) };
  });
  return { fixedMs, eachMs, points: factors, scale };
}

/** Linear between points, level beyond them. */
function factorAt(points: Curve['points'], positions: number): number {
  let above = 0;
  while (above < points.length && points[above]!.positions < positions) above++;
  if (above === 0 || above === points.length) return points[above === 0 ? 0 : above - 1]?.factor ?? 1;
  const low = points[above - 1]!;
  const high = points[above]!;
  return low.factor + ((high.factor - low.factor) * (positions - low.positions)) / (high.positions - low.positions);
}
