/** Complex numbers as pairs of doubles. */
export interface Complex {
  readonly real: number;
  readonly imaginary: number;
}

export const realNumber = (real: number): Complex => ({ real, imaginary: 0 });

export function add(left: Complex, right: Complex): Complex {
  return { real: left.real + right.real, imaginary: left.imaginary + right.imaginary };
}

export function multiply(left: Complex, right: Complex): Complex {
  return { real: left.real * right.real - left.imaginary * right.imaginary, imaginary: left.real * right.imaginary + left.imaginary * right.real };
}

export function magnitude({ real, imaginary }: Complex): number {
  return Math.hypot(real, imaginary);
}

/** The principal logarithm. */
export function logarithm(value: Complex): Complex {
  return { real: Math.log(magnitude(value)), imaginary: Math.atan2(value.imaginary, value.real) };
}

export function exponential({ real, imaginary }: Complex): Complex {
  const radius = Math.exp(real);
  return imaginary === 0 ? realNumber(radius) : { real: radius * Math.cos(imaginary), imaginary: radius * Math.sin(imaginary) };
}

export function divide(dividend: Complex, divisor: Complex): Complex {
  const squared = divisor.real ** 2 + divisor.imaginary ** 2;
  const product = multiply(dividend, { real: divisor.real, imaginary: -divisor.imaginary });
  return { real: product.real / squared, imaginary: product.imaginary / squared };
}

export function isFinite({ real, imaginary }: Complex): boolean {
  return Number.isFinite(real) && Number.isFinite(imaginary);
}
