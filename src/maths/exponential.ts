/**
 * The exponential function for distributions. Taking exponentials is most of what drawing a token costs, and V8 calls out
 * of the compiled loop for `Math.exp`; this stays in it and takes less than half the time.
 *
 * @module
 */

/** Steps a factor of two is divided into. */
const STEPS = 256;
const STEPS_PER_UNIT = STEPS / Math.LN2;
/** ln 2 / 256 in two parts, as in fdlibm: the first has so few digits that its product with a number of steps is exact. */
const STEP_HIGH = 6.9314718036912381649e-1 / STEPS;
const STEP_LOW = 1.90821492927058770002e-10 / STEPS;
/** Below this the result counts as zero; as a number of single precision it is so far earlier. */
const SMALLEST = -700;

/** Powers of two by fractions of the exponent: 2^(step / 256). */
const FRACTIONS = Float64Array.from({ length: STEPS }, (_, step) => 2 ** (step / STEPS));
/** 2^-n for every n that `SMALLEST` allows. */
const HALVINGS = Float64Array.from({ length: 1024 }, (_, halvings) => 2 ** -halvings);

/**
 * e to the power of `x`, within two units in the last place.
 *
 * @param x - At most 0; `-Infinity` gives 0, `NaN` gives `NaN`.
 */
export function expNonPositive(x: number): number {
  if (!(x >= SMALLEST)) return x < SMALLEST ? 0 : NaN;
  // x = steps × ln 2 / 256 + rest, steps ≤ 0 and |rest| ≤ ln 2 / 512.
  const steps = (x * STEPS_PER_UNIT - 0.5) | 0;
  const rest = x - steps * STEP_HIGH - steps * STEP_LOW;
  const series = rest * (1 + rest * (1 / 2 + rest * (1 / 6 + rest * (1 / 24))));
  const fraction = FRACTIONS[steps & (STEPS - 1)]!;
  return HALVINGS[-(steps >> 8)]! * (fraction + fraction * series);
}
