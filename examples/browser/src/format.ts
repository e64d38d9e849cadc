/** `340 ms` below a second, `1.26 s` above. */
export function formatMs(milliseconds: number): string {
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}

/** A time of the slider, without needless digits: `750 ms`, `1.5 s`. */
export function formatDeadline(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${milliseconds / 1000} s`;
}

/** For a screen reader. */
export function spellMs(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} milliseconds`;
  const seconds = Number((milliseconds / 1000).toFixed(2));
  return `${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
}

/** `57 %`. */
export function formatShare(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/** `1 branch`, `8 branches`. */
export function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${number} ${number === 1 ? singular : plural}`;
}
