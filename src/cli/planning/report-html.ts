import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../node/package-root.ts';
import type { ReportData } from '../../report-page/report-data.ts';

const STYLE = `
:root { color-scheme: light dark; --text: #1d2330; --faint: #5d6675; --page: #fbfbfc; --surface: #fff; --line: #dfe3ea; --plot-background: var(--surface); }
@media (prefers-color-scheme: dark) { :root { --text: #e7eaf0; --faint: #9aa4b5; --page: #12151b; --surface: #1a1e26; --line: #313845; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 980px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: 0.5rem 0 0; } h2 { font-size: 1.2rem; margin: 0; }
p { margin: 0.25rem 0 0.75rem; color: var(--faint); overflow-wrap: anywhere; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 1rem; margin: 1rem 0; }
figure { margin: 0 0 1rem; min-width: 0; } figcaption { font-weight: 600; font-size: 0.9rem; }
.chart { min-height: 8rem; overflow-x: auto; } .chart svg { max-width: 100%; }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
summary { cursor: pointer; color: var(--faint); } .scroll { overflow: auto; max-height: 28rem; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { text-align: left; padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); } thead th { position: sticky; top: 0; background: var(--surface); }
td.number { text-align: right; }
`;

/** A page that needs nothing beside itself. @throws where the package was not built. */
export async function reportHtml(data: ReportData): Promise<string> {
  const script = await readFile(join(packageRoot(), 'dist', 'report-page.js'), 'utf8');
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    // Neither the page nor what is in its data may ask for anything.
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">`,
    '<title>Planning under a deadline</title>',
    `<style>${STYLE}</style>`,
    '<main><noscript>The charts are drawn by a script in this page.</noscript></main>',
    `<script type="application/json" id="report-data">${dataForScript(data)}</script>`,
    `<script>${escapeScript(script)}</script>`,
    '',
  ].join('\n');
}

/** JSON that no text in it can end the element of, with as many digits as anyone can see. */
function dataForScript(data: ReportData): string {
  const shorten = (_: string, value: unknown): unknown => (typeof value === 'number' ? Number(value.toPrecision(6)) : value);
  return JSON.stringify(data, shorten).replaceAll('<', '\\u003c');
}

/** `</script` and `<!--` are within strings of a minified script, where a backslash changes nothing. */
function escapeScript(script: string): string {
  return script.replaceAll(/<\/(script)/gi, '<\\/$1').replaceAll('<!--', '<\\!--');
}
