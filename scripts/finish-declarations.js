/** After the build: declarations take the types of valibot, which is bundled, from a short file of our own. */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

for (const [suffix, target] of [
  ['.d.ts', 'schema-types.js'],
  ['.d.cts', 'schema-types.cjs'],
]) {
  copyFileSync('scripts/schema-types.d.ts', `dist/schema-types${suffix}`);
  for (const file of readdirSync('dist').filter((name) => name.endsWith(suffix))) {
    const text = readFileSync(`dist/${file}`, 'utf8');
    // Files that only re-export name the package without need.
    writeFileSync(`dist/${file}`, text.replaceAll(/^import '(?:valibot|eventemitter3)';\n/gm, '').replaceAll("from 'valibot'", `from './${target}'`));
  }
}
