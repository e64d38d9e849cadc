/** Comparing a screenshot with a small one made earlier: for gross breakage, not for letters. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import pixelmatch from 'pixelmatch';
import { PNG } from 'pngjs';

/** Pixels of a screenshot that become one: letters blur, what is left is layout and colour. */
const SHRINK = 8;

/**
 * The share of the small picture that differs, from 0 to 1; 1 where widths differ. Of pictures of different heights the part
 * both have is compared, and what one has more counts as different.
 *
 * @param baseline - File of the small picture. Written where it is missing, or where UPDATE_BASELINES is set.
 */
export function compareScreenshot(screenshot: Buffer, baseline: string): number {
  const small = shrink(PNG.sync.read(screenshot));
  if (!existsSync(baseline) || process.env['UPDATE_BASELINES']) {
    mkdirSync(dirname(baseline), { recursive: true });
    writeFileSync(baseline, PNG.sync.write(small));
    return 0;
  }
  const before = PNG.sync.read(readFileSync(baseline));
  if (before.width !== small.width) return 1;
  const { width } = small;
  const height = Math.min(small.height, before.height);
  const part = (picture: PNG): Uint8Array => picture.data.subarray(0, width * height * 4);
  const different = pixelmatch(part(small), part(before), undefined, width, height, { threshold: 0.25, includeAA: true });
  const tallest = Math.max(small.height, before.height);
  return (different + width * (tallest - height)) / (width * tallest);
}

/** The mean of every square of pixels. */
function shrink({ width, height, data }: PNG): PNG {
  const small = new PNG({ width: Math.floor(width / SHRINK), height: Math.floor(height / SHRINK) });
  for (let y = 0; y < small.height; y++) {
    for (let x = 0; x < small.width; x++) {
      for (let channel = 0; channel < 4; channel++) {
        let sum = 0;
        for (let dy = 0; dy < SHRINK; dy++) for (let dx = 0; dx < SHRINK; dx++) sum += data[((y * SHRINK + dy) * width + x * SHRINK + dx) * 4 + channel]!;
        small.data[(y * small.width + x) * 4 + channel] = sum / SHRINK ** 2;
      }
    }
  }
  return small;
}
