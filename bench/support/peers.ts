import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of the package that holds what benchmarks compare with. */
export const PEERS = fileURLToPath(new URL('../peers/', import.meta.url));

/** Says that a package of `bench/peers` is not installed and what to do about it; `undefined` when it is. */
export function missingPeer(name: string): string | undefined {
  return existsSync(`${PEERS}node_modules/${name}`) ? undefined : `${name} is not installed (npm ci --prefix bench/peers)`;
}
