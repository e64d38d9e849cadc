/** `0.912` as `91.2`. */
export function percent(share: number): string {
  return (100 * share).toFixed(1);
}
