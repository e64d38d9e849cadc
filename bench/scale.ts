/**
 * Plans for models and hardware that are not at hand, from the roofline presets: the tables of docs/scale.md.
 *
 *   npm run bench:scale [-- --docs]
 */
import { plansTable, splitTable } from './support/scale-report.ts';
import { replaceSection } from './support/report-files.ts';

const sections = { 'scale plans': plansTable(), 'scale split': splitTable() };
for (const [name, table] of Object.entries(sections)) {
  if (process.argv.includes('--docs')) replaceSection('docs/scale.md', name, `\n${table}\n`);
  else console.log(`${table}\n`);
}
