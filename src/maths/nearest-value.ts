/** The value whose key is nearest to `key`, the first of equally near ones; `undefined` for an empty map. */
export function nearestValue<Value>(values: ReadonlyMap<number, Value>, key: number): Value | undefined {
  let nearest: Value | undefined;
  let distance = Infinity;
  for (const [candidate, value] of values) {
    if (Math.abs(candidate - key) >= distance) continue;
    distance = Math.abs(candidate - key);
    nearest = value;
  }
  return nearest;
}
