const Z_95 = 1.96;

/** 95 % Wilson score interval of a share of `count` trials (Wilson 1927). */
export function wilsonInterval(share: number, count: number): [number, number] {
  const z2 = Z_95 * Z_95;
  const centre = (share + z2 / (2 * count)) / (1 + z2 / count);
  const half = (Z_95 / (1 + z2 / count)) * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count * count));
  return [centre - half, centre + half];
}

/** `0.912` as `91.2`. */
export function percent(share: number): string {
  return (100 * share).toFixed(1);
}
