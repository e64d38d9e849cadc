import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/** Directory of the installed package, which holds `models/` and `dist/`. */
export function packageRoot(): string {
  return dirname(createRequire(import.meta.url).resolve('latency-tts/package.json'));
}
